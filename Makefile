# make demo, make test: all the set-up there is. Needs git, make and Python 3.11 or newer with venv.

BENCH_JOBS ?= 1000000 5000000
LOCK := requirements/dev.txt
# The lock's content names the stamp: the environment is built once, and again when it changes.
STAMP := .venv/ready-$(shell cksum $(LOCK) pyproject.toml | cksum | cut -d' ' -f1)
BIN := .venv/bin
# Whole systems: real servers, browsers and processes, whole ledgers and commands. The rest is the unit part.
WHOLE := $(wildcard tests/integration) tests/benchmarks tests/cli tests/deploy tests/end_to_end tests/ledger tests/pipeline \
  tests/collect/test_kubernetes_api.py tests/collect/test_prometheus.py tests/collect/test_prometheus_use.py \
  tests/daemon/test_service.py tests/deliver/test_smtp.py tests/doctor/test_kubernetes.py tests/doctor/test_prometheus.py \
  tests/report/test_browser.py tests/report/test_mail_looks.py tests/test_docs.py tests/test_packaging.py
UNIT := $(addprefix --ignore=,$(WHOLE))
COMPILE := uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --quiet

.PHONY: demo test lint bench docs samples lock dist clean

demo: $(STAMP)
	@$(BIN)/auditor demo

test: lint
	$(BIN)/pytest -q -n 2 $(UNIT)
	$(BIN)/pytest -q -n 2 --dist loadfile $(WHOLE)

lint: $(STAMP)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

bench: $(STAMP)
	$(BIN)/python -m benchmarks.bench $(BENCH_JOBS)

docs: $(STAMP)
	$(BIN)/python -m docs.refresh

samples: $(STAMP)
	$(BIN)/python -m benchmarks.samples

lock:
	@command -v uv >/dev/null || { echo "make lock needs uv: https://docs.astral.sh/uv/" >&2; exit 1; }
	$(COMPILE) --group dev --upgrade --output-file $(LOCK)
	$(COMPILE) --constraint $(LOCK) --upgrade --output-file requirements/run.txt

dist: $(STAMP)
	$(BIN)/python -m hatchling build

clean:
	rm -rf .venv dist demo-out bench-out

$(STAMP):
	@for python in python3.13 python3.12 python3.11 python3; do \
	  $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
	  found=$$python; \
	  $$python -c 'import ensurepip, venv' 2>/dev/null || continue; \
	  usable=$$python; break; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "auditor needs Python 3.11 or newer; none of python3.13, python3.12, python3.11, python3 is." >&2; exit 1; \
	elif [ -z "$$usable" ]; then \
	  echo "$$found has no venv module; on Debian or Ubuntu: apt-get install python3-venv" >&2; exit 1; \
	fi; \
	echo "Building .venv with $$($$usable --version), once; this takes a minute." >&2; \
	rm -rf .venv && $$usable -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(LOCK)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index --editable .
	@$(BIN)/python -m compileall -q auditor
	@touch $@
