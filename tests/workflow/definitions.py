"""The definitions as they are checked in, and with their substitutions made."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from tasks.shared import names
from workflows.contracts import task_of

ROOT = Path(__file__).parents[2]
DEFINITIONS: dict[str, Any] = {
    path.name.removesuffix(".asl.json"): json.loads(path.read_text())
    for path in sorted((ROOT / "definitions").glob("*.asl.json"))
}


def resolved(definition: dict[str, Any]) -> Any:
    """The definition as CloudFormation would deploy it: functions and machines by the ARN of a version."""

    def arn(match: re.Match[str]) -> str:
        task = task_of(match[0])
        if task:
            return f"arn:aws:lambda:us-east-1:123456789012:function:{names.function(task)}:1"
        workflow = re.sub(r"(?<!^)(?=[A-Z])", "-", match[1].removesuffix("StateMachine")).lower()
        return f"arn:aws:states:us-east-1:123456789012:stateMachine:{workflow}:1"

    return json.loads(re.sub(r"\$\{(\w+)\}", arn, json.dumps(definition)))
