# make shift   play a whole shift and leave its artefacts in out/
# make test    everything that must hold; WORKERS=4 runs four processes instead of two
# make lab     open the notebooks
PYTHON ?= python3
BIN := .venv/bin
WORKERS ?= 2
IN_PARALLEL := --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder

.PHONY: shift test lab data notebooks cards bench clean

shift: .venv/ready
	$(BIN)/oncall shift --out out

# The first three are what .pre-commit-config.yaml runs too; a test keeps them the same.
# Bytecode may be written: pytest's, of thousands of asserts, would else be made anew in every process.
test: export PYTHONDONTWRITEBYTECODE =
test: .venv/ready
	@echo "1 of 5: ruff check, the rules of style"
	$(BIN)/ruff check .
	@echo "2 of 5: ruff format, the layout"
	$(BIN)/ruff format --check --quiet oncall tests data
	@echo "3 of 5: mypy, the types"
	$(BIN)/mypy
	@echo "4 of 5: the tests, in $(WORKERS) processes; about eight minutes"
	$(BIN)/python -m pytest -q $(IN_PARALLEL)
	@echo "5 of 5: every notebook run again, its outputs compared"
	$(BIN)/python -m pytest -q $(IN_PARALLEL) \
	    --nbval --nbval-current-env --nbval-sanitize-with tests/notebooks/sanitize.cfg notebooks

lab: .venv/ready
	$(BIN)/jupyter lab notebooks

data: .venv/ready
	$(BIN)/python data/generate.py

notebooks: .venv/ready
	$(BIN)/python -m oncall.workbook.build

cards: .venv/ready
	$(BIN)/python -m oncall.workbook.cards

bench: .venv/ready
	status=0; for script in tests/benchmarks/bench_*.py; do $(BIN)/python $$script || status=1; done; exit $$status

clean:
	rm -rf .venv out build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -o -name .ipynb_checkpoints | xargs rm -rf

# Bytecode is compiled here, once, because some machines forbid Python to write it as it goes.
.venv/ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; (3, 11) <= sys.version_info < (3, 15) or sys.exit("Python 3.11 to 3.14 is needed, this is %s; make PYTHON=python3.12 names another" % sys.version.split()[0])'
	@echo "Setting up .venv; this takes about a minute, once."
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/python -m compileall -q .venv oncall > /dev/null || true
	touch .venv/ready
