# Two commands do everything on a fresh machine that has Python 3.11 to 3.13, git and make:
#   make run     builds the environment and runs the embedded analysis
#   make test    builds the environment and runs the tests
PYTHON := $(shell for p in python3.13 python3.12 python3.11 python3; do \
  $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && echo $$p && break; done)
CORES := $(shell nproc 2>/dev/null || sysctl -n hw.ncpu)
WORKERS := $(shell test $(CORES) -gt 8 && echo 8 || echo $(CORES))
BIN := .venv/bin
export NUMBA_CACHE_DIR := $(CURDIR)/.venv/numba

.PHONY: run test docs pins library tables gallery test-faults test-engines test-peers test-slurm test-wheel estimate modules repeat lint format clean benchmark-recovery benchmark-sampling benchmark-scale benchmark-schedule benchmark-explain benchmark-trains benchmark-refine benchmark-methods benchmark-interactions benchmark-clusters benchmark-sizes benchmark-motifs benchmark-masks benchmark-mechanism benchmark-guide-latents benchmark-antibodies benchmark-folds benchmark-variants benchmark-gb1-mutants benchmark-near benchmark-long-inputs benchmark-long-trains benchmark-long-motifs

run: .venv/run.ready
	$(BIN)/snakemake --cores $(CORES) --rerun-incomplete --quiet rules host
	@echo "Each results/MODEL/SEQUENCES/report.html opens in a browser; config/README.md tells how to explain your model."

test: .venv/test.ready lint
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder --durations 15

# The documentation site in docs/_build/html, without a network; runs the notebook. Every warning is an error.
docs: .venv/test.ready
	$(BIN)/sphinx-build -q -W --keep-going -b html docs docs/_build/html
	@echo "docs/_build/html/index.html opens in a browser."

# What the config will cost: asks each model for some seconds; ARGS="--configfile other.yaml" is another config.
estimate: .venv/run.ready
	$(BIN)/snakemake --cores $(CORES) --quiet all $(ARGS) -- results/estimate.tsv
	@column -t -s "$$(printf '\t')" results/estimate.tsv

# The modules of every network that has some to name, with their shapes, for `mechanism`.
modules: .venv/run.ready
	$(BIN)/snakemake --cores $(CORES) --quiet all $(ARGS) -- results/modules.tsv
	@column -t -s "$$(printf '\t')" results/modules.tsv

# Makes an analysis again from its provenance file, in a new folder, and compares every byte.
repeat: .venv/run.ready
	PYTHONPATH=workflow/scripts $(BIN)/python -m shapsketch.storage.repeat $(FROM)

# Explicit pin files beside envs/*.yaml, which Snakemake prefers; needs conda.
pins: .venv/test.ready
	$(BIN)/snakedeploy pin-conda-envs envs/*.yaml

# The list of the library's files, which the workflow registers with Snakemake.
library:
	@cd workflow/scripts/shapsketch && find . -name '*.py' | sed 's,^\./,,' | LC_ALL=C sort > ../library.txt

# Figures and numbers of the gallery, of runs that are there: ARGS="cas9_guides=FOLDER utr5=FOLDER gb1=FOLDER".
gallery: .venv/test.ready
	$(BIN)/python docs/gallery_pages.py $(ARGS)

# The tables of numbers in README, docs and tests/benchmarks/README, made of tests/benchmarks/results/*.tsv.
tables: .venv/test.ready
	PYTHONPATH=workflow/scripts:tests $(BIN)/python -m benchmarks.tables

# Minutes each. SLURM is installed where this is Debian and we are root; elsewhere the tests say why they skip.
test-faults test-engines test-peers test-wheel: test-%: .venv/test.ready
	$(BIN)/python -m pytest -m $* -rs $(ARGS)

test-slurm: .venv/test.ready
	@command -v slurmctld >/dev/null || { test "$$(id -u)" = 0 && apt-get install -y -qq --no-install-recommends \
	  slurmctld slurmd slurm-client >/dev/null; } || true
	$(BIN)/python -m pytest -m slurm -rs -s $(ARGS)

lint: .venv/test.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/mypy
	PYTHONPATH=workflow/scripts $(BIN)/lint-imports --no-logo pyproject.toml
	$(BIN)/codespell
	$(BIN)/snakemake --lint

format: .venv/test.ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile workflow

# Hours in full; `make benchmark-recovery ARGS="--models sprout --quick"` is a taste, and --help lists the rest.
benchmark-recovery: .venv/test.ready .venv-shapzero/ready
	PYTHONPATH=workflow/scripts:tests $(BIN)/python -m benchmarks.recovery $(ARGS)

benchmark-sampling: .venv/test.ready
	PYTHONPATH=workflow/scripts:tests $(BIN)/python -m benchmarks.sampling

benchmark-folds: .venv/test.ready
	OMP_NUM_THREADS=1 PYTHONPATH=workflow/scripts:tests $(BIN)/python -m benchmarks.folds $(ARGS)

benchmark-variants: .venv/test.ready
	OMP_NUM_THREADS=1 PYTHONPATH=workflow/scripts:tests $(BIN)/python -m benchmarks.variants $(ARGS)

# A minute: the network of GB1 beside measured mutants, through the workflow.
benchmark-gb1-mutants: .venv/test.ready
	OMP_NUM_THREADS=1 PYTHONPATH=workflow/scripts:tests $(BIN)/python -m benchmarks.gb1_mutants

# Ten minutes: one function with near queries and without.
benchmark-near: .venv/test.ready
	OMP_NUM_THREADS=1 PYTHONPATH=workflow/scripts:tests $(BIN)/python -m benchmarks.near $(ARGS)

benchmark-scale: .venv/test.ready
	PYTHONPATH=workflow/scripts:tests $(BIN)/python -m benchmarks.scale $(ARGS)

benchmark-schedule: .venv/test.ready
	PYTHONPATH=workflow/scripts:tests $(BIN)/python -m benchmarks.schedule $(ARGS)

# A few minutes: sequences per second, beside shapzero.
benchmark-explain: .venv/test.ready .venv-shapzero/ready
	PYTHONPATH=workflow/scripts:tests $(BIN)/python -m benchmarks.explanation $(ARGS)

# Some minutes: sequences per second with spectra of trains, and seconds of recovery against outputs.
benchmark-trains: .venv/test.ready
	PYTHONPATH=workflow/scripts:tests $(BIN)/python -m benchmarks.trains $(ARGS)

# Half an hour or more: intervals against long-run truth, beside KernelSHAP.
benchmark-refine: .venv/test.ready
	PYTHONPATH=workflow/scripts:tests $(BIN)/python -m benchmarks.refinement $(ARGS)

# Hours in full; `make benchmark-methods ARGS="--models gb1_complete --quick"` is a taste.
benchmark-methods: .venv-shapiq/ready
	PYTHONPATH=workflow/scripts:tests $(<D)/bin/python -m benchmarks.methods $(ARGS)

# A quarter of an hour: pairs and triples beside the truth, where that is exact; --models planted is a part.
benchmark-interactions: .venv-shapiq/ready
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 NUMBA_NUM_THREADS=1 PYTHONPATH=workflow/scripts:tests \
	  $(<D)/bin/python -m benchmarks.interactions $(ARGS)

# Megabytes of the environment, by package.
benchmark-sizes: .venv/run.ready
	PYTHONPATH=workflow/scripts:tests $(BIN)/python -m benchmarks.sizes

# A minute, beside SEAM: ARGS="--wheel FILE" is the wheel of seam-nn 0.6.7 (pip download --no-deps).
benchmark-clusters: .venv/test.ready
	OMP_NUM_THREADS=1 PYTHONPATH=workflow/scripts:tests $(BIN)/python -m benchmarks.clusters $(ARGS)

# Ten minutes: known motifs in real models, seconds and memory for 10,000 sequences; compiles memelite.
benchmark-motifs: .venv/test.ready
	PYTHONPATH=workflow/scripts:tests $(BIN)/python -m benchmarks.motifs $(ARGS)

# A quarter of an hour, most of it the peers': games of 100 to 1,000 players, beside shapiq's SPEX and ProxySPEX.
benchmark-masks: .venv-shapiq/ready
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 NUMBA_NUM_THREADS=1 PYTHONPATH=workflow/scripts:tests \
	  $(<D)/bin/python -m benchmarks.masks $(ARGS)

# An hour of BE-DICT: dictionaries, the circuit of editing at A6, steering, each beside its controls.
benchmark-mechanism: .venv/test.ready
	OMP_NUM_THREADS=1 PYTHONPATH=workflow/scripts:tests $(BIN)/python -m benchmarks.mechanism $(ARGS)

# Ten minutes: latents of the embedded guide network, each with its sketch and its motif, through the workflow.
benchmark-guide-latents: .venv/test.ready
	OMP_NUM_THREADS=1 PYTHONPATH=workflow/scripts:tests $(BIN)/python -m benchmarks.guide_latents $(ARGS)

# A quarter of an hour: a layer of AntiBERTy; ARGS="--wheel FILE" is the wheel of antiberty 0.1.3 (pip download --no-deps).
benchmark-antibodies: .venv/test.ready
	OMP_NUM_THREADS=1 PYTHONPATH=workflow/scripts:tests $(BIN)/python -m benchmarks.antibodies $(ARGS)

# Twenty minutes for the network of 500 positions and ten for BPNet; ARGS="--cases network --sequences 0" is a part.
benchmark-long-inputs: .venv-shapiq/ready
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 NUMBA_NUM_THREADS=1 PYTHONPATH=workflow/scripts:tests \
	  $(<D)/bin/python -m benchmarks.long_inputs $(ARGS)

# Ten minutes; ARGS="--sequences 0" is a part.
benchmark-long-trains: .venv/test.ready
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 NUMBA_NUM_THREADS=1 PYTHONPATH=workflow/scripts:tests \
	  $(BIN)/python -m benchmarks.long_trains $(ARGS)

benchmark-long-motifs: .venv/test.ready
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 NUMBA_NUM_THREADS=1 PYTHONPATH=workflow/scripts:tests \
	  $(BIN)/python -m benchmarks.long_motifs $(ARGS)

clean:
	rm -rf .venv .venv-shapzero .venv-shapiq .snakemake results logs benchmarks

.venv/%.ready: envs/%.txt envs/run.txt envs/cluster.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed, and none is on the PATH."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

.venv-shapzero/ready: tests/benchmarks/shapzero.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed, and none is on the PATH."; exit 1; }
	@test -x $(@D)/bin/python || $(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

# The environment of the tests with shapiq 1.8, whatever the Python.
.venv-shapiq/ready: tests/benchmarks/shapiq.sh .venv/test.ready
	rm -rf $(@D)
	$< $(@D) .venv
	@touch $@
