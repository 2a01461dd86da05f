# Most people need two commands: `make repro` and `make test`.
VENV := .venv
PYTHON := $(VENV)/bin/python
# A stamp is newer than the metadata if what it names is installed.
RUNTIME := $(VENV)/.installed
DEV := $(VENV)/.installed-dev

.PHONY: repro test check bench venv dev clean
.DELETE_ON_ERROR:

repro: venv  ## run the bug report's scenario: from a bare machine to the table, without development tools
	$(PYTHON) -m lab setup
	$(PYTHON) -m lab repro  # it brings the boxes up itself, and tries one engine while it still builds the other

test: dev tools  ## run every test, those with real virtual machines and engines included; a part that fails hides no other
	$(PYTHON) -m tests.suite test

check: dev tools  ## run the fast part: format, lint, types, import contract, tests without virtual machines and engines
	$(PYTHON) -m tests.suite check

# Tracing each line costs 80 % more processor time than the tests alone.
.PHONY: coverage
coverage: dev tools  ## run the tests without virtual machines, and print which lines none of them reaches
	$(PYTHON) -m pytest -m "not vm" -n logical --cov --cov-report=term:skip-covered

# This makes each fault of tests/faults on real engines of this machine, on hosts behind ssh and on a virtual machine, as root.
.PHONY: faults
faults: dev tools  ## make every fault on real parts, and write the table of docs/reliability.md
	LAB_FAULTS=all $(PYTHON) -m pytest -m faults tests/faults
	$(PYTHON) -m tests.faults.table build/faults/*.jsonl

bench: dev chromium  ## measure on this machine what benchmarks/ states
	$(PYTHON) -m benchmarks.contenthash
	$(PYTHON) -m benchmarks.logs
	$(PYTHON) -m benchmarks.caches
	$(PYTHON) -m benchmarks.reports
	$(PYTHON) -m benchmarks.page
	$(PYTHON) -m benchmarks.storing
	$(PYTHON) -m benchmarks.transfer
	$(PYTHON) -m benchmarks.scale
	$(PYTHON) -m benchmarks.minimise
	$(PYTHON) -m benchmarks.pack
	$(PYTHON) -m benchmarks.lessons
	$(PYTHON) -m benchmarks.room
	$(PYTHON) benchmarks/run.py
	$(PYTHON) -m benchmarks.side_by_side --output docs/performance.md

# This runs every variation of the truth-* scenarios on real engines of this machine, as root, in about 15 minutes. The last
# five engines obey the rule sets that no other engine here obeys, and are no versions. Each is built once, in 3 minutes.
AS_RULES := buildkit-0.25.2-as-R1,buildkit-0.25.2-as-R2,buildkit-0.25.2-as-R3,buildkit-0.25.2-as-R6,buildkit-0.25.2-as-R9
TRUTH_ENGINES := 20.10.5,20.10.24,20.10.24-unfixed,26.1.5,28.5.2,$(AS_RULES)
.PHONY: truth truth-random
truth: venv  ## write docs/truth-table.md and docs/truth-digests.md: predictions and digests beside those of real engines
	for scenario in file folder whole wildcard wildcard-folder stage; do \
	  $(PYTHON) -m lab repro truth-$$scenario --lineup local --engine $(TRUTH_ENGINES) --variation all || exit 1; done
	$(PYTHON) -m lab truth --output docs/truth-table.md
	$(PYTHON) -m lab truth --digests --engine buildkit-0.25.2,$(AS_RULES) --output docs/truth-digests.md

# This runs every case with all its variations on real engines of this machine, as root, in about 20 minutes.
CASE_ENGINES := 20.10.24,20.10.24-unfixed,26.1.5,28.5.2,buildkit-0.25.2
.PHONY: cases
cases: venv  ## write docs/cases.md: what real engines did in every case, beside what was expected and predicted
	$(PYTHON) -m lab cases check --lineup local --engine $(CASE_ENGINES) --builder buildkit,classic,buildctl \
	  --output docs/cases.md

# This makes random builds on every Docker of this machine's cache, as root, in about a minute for 60.
N := 60
truth-random: venv  ## make N random builds on real engines; a contradicted prediction is minimised and stored as test data
	$(PYTHON) -m lab truth --random $(N) $(if $(SEED),--seed $(SEED)) $(if $(ENGINES),--engine $(ENGINES))

# This damages inputs of every parser with new seeds. What fails is stored in tests/data/fuzz, where `make check` reads it.
SECONDS := 600
.PHONY: fuzz
fuzz: dev  ## look for inputs that break a parser, for SECONDS seconds; SEED=N begins with a seed that was printed
	$(PYTHON) -m tests.fuzz --seconds $(SECONDS) $(if $(SEED),--seed $(SEED))

.PHONY: man manual
man: venv  ## build/lab.1: the man page, made from the program's help
	mkdir -p build
	$(PYTHON) -m lab man > build/lab.1

manual: venv  ## the tables of verbs and exit codes in docs/manual.md, made from the program
	$(PYTHON) -m lab.cli.manual docs/manual.md

venv: $(RUNTIME)  ## install lab and what it needs at run time
dev: $(DEV)  ## install the development tools too

$(PYTHON):
	@python3 -c 'import ensurepip' 2>/dev/null || { \
	  echo "python3 has no venv module here; installing it"; \
	  $$( [ "$$(id -u)" = 0 ] || echo sudo ) apt-get install --yes python3-venv; }
	python3 -m venv $(VENV)

METADATA := setup.cfg setup.py pyproject.toml

$(RUNTIME): $(METADATA) | $(PYTHON)
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

$(DEV): $(METADATA) | $(PYTHON)
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $(RUNTIME) $@

# The tests call these programs: they start a registry and an sshd of their own, and ShellCheck reads scripts.
.PHONY: tools
tools: chromium
	@command -v docker-registry >/dev/null && command -v shellcheck >/dev/null && command -v groff >/dev/null && command -v rsync >/dev/null && command -v busybox >/dev/null && test -x /usr/sbin/sshd || { \
	  command -v apt-get >/dev/null || { echo "install docker-registry, sshd, shellcheck, groff, rsync and busybox for the tests"; exit 1; }; \
	  sudo=$$( [ "$$(id -u)" = 0 ] || echo sudo ); \
	  echo "+ apt-get install docker-registry openssh-server attr shellcheck groff-base rsync busybox-static (for the tests)"; \
	  $$sudo apt-get update -qq && \
	  $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install --yes -qq --no-install-recommends \
	    docker-registry openssh-server attr shellcheck groff-base rsync busybox-static >/dev/null; }

# The page is tested in a real browser. npm fetches axe-core, whose version stands in tests/chromium.py.
.PHONY: chromium
chromium:
	@command -v chromium >/dev/null && command -v chromedriver >/dev/null && command -v npm >/dev/null || { \
	  command -v apt-get >/dev/null || { echo "install chromium, chromedriver and npm for the tests"; exit 1; }; \
	  sudo=$$( [ "$$(id -u)" = 0 ] || echo sudo ); npm=$$(command -v npm >/dev/null || echo npm); \
	  echo "+ apt-get install chromium chromium-driver $$npm (for the tests)"; \
	  $$sudo apt-get update -qq && \
	  $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install --yes -qq --no-install-recommends \
	    chromium chromium-driver fonts-dejavu-core $$npm >/dev/null; }

.PHONY: docs
docs: dev  ## make the documentation site build/docs/index.html; a broken link is an error
	$(PYTHON) -m sphinx -W --keep-going -q -b html -d build/doctrees docs build/docs

clean:  ## remove boxes and the virtual environment
	-test ! -x $(PYTHON) || $(PYTHON) -m lab down
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
