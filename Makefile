# Two commands do everything, set-up included:  make report   make test
# Needs Python 3.11 or newer with venv, and make. `make report PYTHON=/path/to/python` chooses another Python.

SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
CUSTOMERS ?= 5000
MONTHS ?= 36
SEED ?= 1
SIMULATED := data/simulated
SOURCE ?= $(SIMULATED)
PYTEST ?=
AS_OF ?=
OUT ?=
UV_VERSION := 0.13.9
# A bank's network often has a certificate authority of its own, which the system knows.
export UV_SYSTEM_CERTS := 1
# A wheel's byte code is made when it is first imported; compiling all of it up front takes longer than the report.
PIP_INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile

.DEFAULT_GOAL := help
.PHONY: help report test lint format lab gallery simulate lock clean
.DELETE_ON_ERROR:

help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F'\t' '{printf "  make %-16s %s\n", $$1, $$2}'

report: $(VENV)/installed $(if $(filter $(SIMULATED),$(SOURCE)),$(SIMULATED)/bank.yml) ## Set up, simulate a bank, write the report (SOURCE=..., AS_OF=YYYY-MM-DD, OUT=...)
	@$(BIN)/crmlab run --source "$(SOURCE)" $(if $(AS_OF),--as-of "$(AS_OF)") $(if $(OUT),--out "$(OUT)")

test: $(VENV)/installed-test ## Set up, then lint and run every test
	@$(MAKE) --no-print-directory lint
	@OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile $(PYTEST)

lint: $(VENV)/installed-test ## Check style of code and notebooks
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/nbstripout --keep-id --verify notebooks/*.ipynb

format: $(VENV)/installed-test ## Mend style of code and notebooks
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .
	@$(BIN)/nbstripout --keep-id notebooks/*.ipynb

lab: $(VENV)/installed $(SIMULATED)/bank.yml ## Open JupyterLab on the notebooks
	@$(BIN)/jupyter lab notebooks

gallery: $(VENV)/installed-test $(SIMULATED)/bank.yml ## Take the README's pictures in the installed Chromium
	@$(BIN)/crmlab run --source $(SIMULATED) --out reports/gallery-run --language zh
	@$(BIN)/crmlab present reports/gallery-run
	@$(BIN)/crmlab present reports/gallery-run --language zh
	@$(BIN)/python reports/gallery/make_gallery.py reports/gallery-run

simulate: $(SIMULATED)/bank.yml ## Write the simulated bank to data/simulated (CUSTOMERS=, MONTHS=, SEED=)

# Made again when the simulation's code changes.
$(SIMULATED)/bank.yml: $(wildcard crmlab/simulation/*.py) crmlab/bank/tables.py | $(VENV)/installed
	@$(BIN)/crmlab simulate --customers $(CUSTOMERS) --months $(MONTHS) --seed $(SEED) --out $(SIMULATED) --force
	@touch $@

# The environment is thrown away and made anew when its lock changes. uv is tried first because it is several times
# faster; where it cannot be had or fails (a proxy only pip knows, say), pip installs the same pins.
$(VENV)/installed: requirements.lock pyproject.toml
	@rm -rf $(VENV)
	@set -e; \
	for candidate in "$(PYTHON)" python3 python3.13 python3.12 python3.11 python; do \
	  [ -n "$$candidate" ] || continue; \
	  if "$$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then found="$$candidate"; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "make: no Python 3.11 or newer with venv was found. Install one (Debian: apt install python3-venv), or name it: make PYTHON=/path/to/python" >&2; exit 2; \
	fi; \
	echo "Setting up $(VENV) with $$("$$found" --version) ..."; \
	"$$found" -m venv $(VENV)
	@$(PIP_INSTALL) "uv==$(UV_VERSION)" >/dev/null 2>&1 || echo "uv is not to be had here; pip installs instead (slower)."
	@$(call install,requirements.lock)
	@touch $@

$(VENV)/installed-test: requirements-test.lock $(VENV)/installed
	@$(call install,requirements-test.lock)
	@touch $@

# Pins first, each with its hash; then the package itself, which has no hash because it is this folder.
define install
{ [ -x $(BIN)/uv ] && $(BIN)/uv pip install --quiet --python $(BIN)/python -r $(1) \
    && $(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps -e . ; } \
|| { $(PIP_INSTALL) -r $(1) && $(PIP_INSTALL) --no-deps -e . ; }
endef

LOCK = $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --no-annotate --python-version 3.11 pyproject.toml
lock: $(VENV)/installed ## Renew both locks from pyproject.toml
	@$(LOCK) --upgrade -o requirements.lock
	@$(LOCK) --extra test -c requirements.lock -o requirements-test.lock

clean: ## Remove the environment, the simulated bank and all reports
	rm -rf $(VENV) $(SIMULATED) reports/.cache
	find reports -mindepth 1 -maxdepth 1 -type d ! -name gallery -exec rm -rf {} +
