# Two commands do everything on a fresh machine:
#   make demo   generate data, score four models on it, build the leaderboard
#   make test   run the tests
# Both set themselves up; a second run starts from what is there.

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/installed
DEMO := demo
DEMO_SCENES ?= 16
DEMO_QUESTIONS ?= 12
EXTRAS := dev,finetune,api,ray,thor

export HF_HUB_OFFLINE ?= 1
export TOKENIZERS_PARALLELISM ?= false

.DELETE_ON_ERROR:
.PHONY: help setup demo test check bench test-vllm clean

help:
	@sed -n '2,4s/^# *//p' Makefile
	@echo "  make setup | check (lint and types) | bench (speed) | clean (remove the demo's files)"

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "error: Python 3.11 or newer is needed; set PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
	  || { echo "error: Python's venv module is missing (Debian/Ubuntu: apt-get install python3-venv)"; exit 1; }
	@echo "Setting up .venv: about 3 GB to download, 3 to 10 minutes, once."
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[$(EXTRAS)]'
	@# ai2thor brings the OpenCV that needs libGL; the one without windows goes back into its place.
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt \
	  --force-reinstall --no-deps opencv-python-headless
	$(BIN)/python -m generation.system --install
	@touch $@

demo: $(DEMO)/site/index.html
	@$(BIN)/sat-leaderboard show --store $(DEMO)/store
	@echo
	@echo "Leaderboard page: $(CURDIR)/$(DEMO)/site/index.html"
	@echo "Picture gallery:  $(CURDIR)/$(DEMO)/gallery.html"

$(DEMO)/data/manifest.json: $(STAMP)
	@echo "== 1/4 Generating $(DEMO_SCENES) furnished scenes"
	$(BIN)/sat-generate run --out $(DEMO)/data --split test --scenes $(DEMO_SCENES) \
	  --questions-per-scene $(DEMO_QUESTIONS) --seed 0

$(DEMO)/gallery.html: $(DEMO)/data/manifest.json
	@echo "== 2/4 Drawing the picture gallery"
	$(BIN)/sat-generate gallery $(DEMO)/data --out $@

$(DEMO)/sat-tiny/config.json: $(STAMP)
	$(BIN)/python -m finetune.tiny --shape sat-tiny --out $(DEMO)/untrained
	$(BIN)/python -m finetune.sat_tiny --out $(DEMO)/sat-tiny

$(DEMO)/site/index.html: $(DEMO)/gallery.html $(DEMO)/data/manifest.json $(DEMO)/sat-tiny/config.json
	@echo "== 3/4 Scoring four models in lmms-eval (the first half minute of each goes into imports)"
	rm -rf $(DEMO)/store
	$(BIN)/sat-leaderboard run demo --out $(DEMO)/results --store $(DEMO)/store
	@echo "== 4/4 Building the leaderboard"
	$(BIN)/sat-leaderboard build --store $(DEMO)/store --out $(DEMO)/site --data $(DEMO)/data

test: $(STAMP)
	$(BIN)/python -m pytest

.venv-vllm/installed: tests/with_vllm/install.sh constraints.txt
	sh tests/with_vllm/install.sh .venv-vllm $(PYTHON)

# vLLM's CPU build in its own environment (7 GB): real serving of a small LLaVA, 10 minutes in all.
test-vllm: .venv-vllm/installed
	.venv-vllm/bin/python -m pytest tests/with_vllm

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(STAMP)
	$(BIN)/python -m generation.bench
	$(BIN)/python -m sat_tasks.bench
	$(BIN)/python -m leaderboard.bench
	$(BIN)/python -m finetune.bench
	if test -d $(DEMO)/data; then $(BIN)/python -m finetune.tiny --out $(DEMO)/small \
	  && $(BIN)/python -m sat_tasks.models.bench --model $(DEMO)/small --questions 150; fi

clean:
	rm -rf $(DEMO)
