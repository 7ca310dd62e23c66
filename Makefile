# The tasks of the project. `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
CORES ?= 2
BIN := .venv/bin
# The build of torch, as uv names it: TORCH_BACKEND=cpu is the small one. Empty: the build that the package index offers.
export TORCH_BACKEND ?=
UV = $(or $(SEQUOIA_UV),$(shell command -v uv),$(CURDIR)/.tools/uv/bin/uv)

.PHONY: help setup setup-r setup-model figures figures-model calibrate reports test test-fast fuzz lint format bench parity drawing clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install what is missing: R and its packages (apt), uv, Python packages in .venv
	@./setup.sh

setup-r:
	@./setup.sh --require-r

setup-model: ## Also install the extra `model`: torch (TORCH_BACKEND=cpu for the small build)
	@./setup.sh --model

figures: setup-r ## Train, validate and draw: figures, tables and report in analyses/results/
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/snakemake -s analyses/Snakefile --cores $(CORES) \
		--rerun-incomplete --quiet host reason
	@echo "Done: analyses/results/"

figures-model: setup-r setup-model ## Also train networks on four sections of one tumour, and make the pages on slides, networks, maps and risk
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/snakemake -s analyses/Snakefile --cores $(CORES) \
		--rerun-incomplete --quiet host reason --config model=true
	@echo "Done: analyses/results/"

calibrate: setup-r setup-model ## Draw patients whose truth is known, and compare what each route to risk reaches (minutes); writes analyses/data/calibration/
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/snakemake -s analyses/Snakefile calibrate --cores $(CORES) \
		--rerun-incomplete --quiet host reason --config model=true
	@echo "Done: analyses/data/calibration/"

reports: figures ## Render the report again
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python reports/render.py

test: setup-model ## Run all tests (ARGS="-k cox" selects some; without R, tests that need it are skipped and counted)
	@$(BIN)/python -m pytest -n $(CORES) $(ARGS)

test-fast: setup-model ## Run all tests except the slow ones
	@$(BIN)/python -m pytest -n $(CORES) -m "not slow" --hypothesis-profile fast $(ARGS)

fuzz: setup-model ## Damage files of every format for a minute each (ARGS="pickle --seconds 20" selects); keeps those that fail
	@$(BIN)/python -m tests.fuzz.run $(ARGS)

lint: setup-model ## Check style, types and import contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: setup ## Format the code
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

bench: setup-r setup-model ## Time our code against other implementations (ARGS="gsva" selects a part)
	@$(UV) pip install --quiet --python $(BIN)/python -c requirements.lock --group bench
	@env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE $(BIN)/python -m tests.bench.run $(ARGS)

parity: setup-r ## Compute the reference values in R again (tests/parity/)
	@Rscript r/make_references.R

drawing: setup ## Draw docs/architecture.svg from the code
	@$(BIN)/python docs/draw_architecture.py

clean: ## Remove results, builds and caches, but not .venv
	rm -rf analyses/results .snakemake dist build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -not -path './.venv/*' -not -path './.tools/*' -prune -exec rm -rf {} +
