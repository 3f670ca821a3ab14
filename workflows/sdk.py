"""The state classes of the Step Functions SDK, and nothing else of it.

``import stepfunctions`` imports SageMaker (2 s, 1,400 modules), prints to stdout, sets the root logger to ERROR and
patches ``yaml.SafeDumper``. The state classes need none of that, so the two parent packages are registered here
without running their ``__init__``. This leans on the layout of 2.3.0, which pyproject.toml pins.
"""

from __future__ import annotations

import importlib.util
import sys
import types
import warnings

for _name in ("stepfunctions", "stepfunctions.steps"):
    if _name not in sys.modules:
        _spec = importlib.util.find_spec(_name)
        if _spec is None or _spec.submodule_search_locations is None:
            raise ModuleNotFoundError("stepfunctions is missing: pip install '.[generate]'")
        sys.modules[_name] = types.ModuleType(_name)
        sys.modules[_name].__path__ = list(_spec.submodule_search_locations)

with warnings.catch_warnings():  # states.py compares with ``is 'Choice'``
    warnings.simplefilter("ignore", SyntaxWarning)
    from stepfunctions.steps import states
    from stepfunctions.steps.choice_rule import ChoiceRule

__all__ = ["ChoiceRule", "states"]
