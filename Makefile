# Two commands are all most people need: `make repro` and `make test`.
VENV := .venv
PYTHON := $(VENV)/bin/python
STAMP := $(VENV)/.installed

.PHONY: repro test check bench venv clean
.DELETE_ON_ERROR:

repro: venv  ## everything from a bare machine to the table
	$(PYTHON) -m lab setup
	$(PYTHON) -m lab up && $(PYTHON) -m lab repro

test: venv check  ## everything, with real virtual machines
	$(PYTHON) -m lab setup
	$(PYTHON) -m pytest -m vm

check: venv tools  ## the fast part: format, lint, types, import contract, unit and replay tests
	$(VENV)/bin/ruff format --check lab tests benchmarks
	$(VENV)/bin/ruff check lab tests benchmarks
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	$(PYTHON) -m pytest -m "not vm" --cov --cov-report=term:skip-covered

bench: venv chromium  ## measure what benchmarks/ states, on this machine
	$(PYTHON) -m benchmarks.contenthash
	$(PYTHON) -m benchmarks.logs
	$(PYTHON) -m benchmarks.reports
	$(PYTHON) -m benchmarks.page
	$(PYTHON) benchmarks/run.py

# Every variation of the truth-* scenarios on real engines of this machine: about 15 minutes, as root.
TRUTH_ENGINES := 20.10.5,20.10.24,20.10.24-unfixed,26.1.5,28.5.2
.PHONY: truth
truth: venv  ## docs/truth-table.md: what was predicted, and what engines then did
	for scenario in file folder whole wildcard; do \
	  $(PYTHON) -m lab repro truth-$$scenario --lineup local --engine $(TRUTH_ENGINES) --variation all || exit 1; done
	$(PYTHON) -m lab truth --output docs/truth-table.md

venv: $(STAMP)

$(STAMP): setup.cfg pyproject.toml
	@python3 -c 'import ensurepip' 2>/dev/null || { \
	  echo "python3 has no venv module here; installing it"; \
	  $$( [ "$$(id -u)" = 0 ] || echo sudo ) apt-get install --yes python3-venv; }
	test -x $(PYTHON) || python3 -m venv $(VENV)
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

# What the unit tests call beyond Python: a registry and an sshd of their own, and ShellCheck for scripts.
.PHONY: tools
tools: chromium
	@command -v docker-registry >/dev/null && command -v shellcheck >/dev/null && test -x /usr/sbin/sshd || { \
	  command -v apt-get >/dev/null || { echo "install docker-registry, sshd and shellcheck for the tests"; exit 1; }; \
	  sudo=$$( [ "$$(id -u)" = 0 ] || echo sudo ); \
	  echo "+ apt-get install docker-registry openssh-server attr shellcheck (for the tests)"; \
	  $$sudo apt-get update -qq && \
	  $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install --yes -qq --no-install-recommends \
	    docker-registry openssh-server attr shellcheck >/dev/null; }

# The page is tested in a real browser; npm brings axe-core, pinned in tests/chromium.py.
.PHONY: chromium
chromium:
	@command -v chromium >/dev/null && command -v chromedriver >/dev/null && command -v npm >/dev/null || { \
	  command -v apt-get >/dev/null || { echo "install chromium, chromedriver and npm for the tests"; exit 1; }; \
	  sudo=$$( [ "$$(id -u)" = 0 ] || echo sudo ); npm=$$(command -v npm >/dev/null || echo npm); \
	  echo "+ apt-get install chromium chromium-driver $$npm (for the tests)"; \
	  $$sudo apt-get update -qq && \
	  $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install --yes -qq --no-install-recommends \
	    chromium chromium-driver fonts-dejavu-core $$npm >/dev/null; }

clean:  ## remove boxes and the virtual environment
	-test ! -x $(PYTHON) || $(PYTHON) -m lab down
	rm -rf $(VENV) *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
