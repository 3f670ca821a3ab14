# A bare machine with python3 (3.11 or later) and make is enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# Six processes run the tests: what one has compiled, the others need not.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test check compiled definitions pictures benchmarks lock clean

demo: $(VENV)/installed ## Provision, prove and clean up a three-Region table on this machine
	$(BIN)/python deploy.py demo

test: $(VENV)/installed ## Lint, types, generated files, and every test
	@$(MAKE) --no-print-directory --jobs=2 check compiled
	$(BIN)/pytest -q

compiled: $(VENV)/installed # beside mypy, which takes as long; what is wrong is told by the run itself
	@$(BIN)/pytest -q -n 0 --collect-only >/dev/null 2>&1 || true

check: $(VENV)/installed ## Lint, types, and whether definitions/ is what the code generates
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m workflows --check
	$(BIN)/python -m meridian.region_template --check
	$(BIN)/python -m meridian.template --check
	$(BIN)/python -m meridian.readme --check

definitions: $(VENV)/installed ## Write definitions/ and the generated pages of docs/
	$(BIN)/python -m workflows
	$(BIN)/python -m meridian.region_template
	$(BIN)/python -m meridian.template
	$(BIN)/python -m meridian.readme

benchmarks: $(VENV)/installed ## Measure what we claim to be fast, beside what it is compared with
	$(BIN)/python -m benchmarks.audit

pictures: $(VENV)/installed ## Draw the pictures of the README (those of the audit need Chromium)
	$(BIN)/python -m docs.pictures

# SageMaker, which the stepfunctions package declares and never needs here, is left out by the lock.
$(VENV)/installed: requirements.lock
	$(PYTHON) -c 'import sys; sys.exit("Meridian needs Python 3.11 or later; this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	touch $@

lock: ## Bring requirements.lock up to pyproject.toml (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --all-extras pyproject.toml -o requirements.lock

clean: ## Remove what this Makefile made
	rm -rf $(VENV) build .mypy_cache .ruff_cache .pytest_cache .hypothesis
