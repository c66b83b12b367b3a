# `make` alone shows what there is. Every target sets up what it needs, also offline and after the
# checkout moved. The work is done by scripts/, since make itself cannot carry a path with spaces.
PYTHON ?= python3
VENV := .venv/bin/python
SEED ?= 1
SUITES ?=
LAN ?=
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup run test check bench sim sabotage crash suites newcomer lock clean

help: ## Show this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 18

setup: ## Make .venv with the strongroom command
	@"$(PYTHON)" scripts/setup.py

run: setup ## Start a server in ./var with a demo account (LAN=1: phones reach it)
	@LAN="$(LAN)" sh scripts/run.sh

test: setup ## Run everything that CI runs
	@"$(VENV)" scripts/test.py

check: setup ## Style, types, floors and tidiness only
	@"$(VENV)" scripts/test.py --only check

bench: setup ## Measure Strongroom against its peers (ARGS=... is passed on)
	@"$(VENV)" -m bench $(ARGS)

sim: setup ## Replay one simulated world (SEED=n)
	@"$(VENV)" scripts/sim.py --seed "$(SEED)" $(ARGS)

sabotage: setup ## Plant each known fault in a copy; a named test must go red
	@"$(VENV)" scripts/sabotage.py $(ARGS)

crash: setup ## Kill the real server and cut its power, and look for losses
	@"$(VENV)" scripts/crash.py $(ARGS)

suites: setup ## Run the foreign test suites in a folder (SUITES=DIR)
	@"$(VENV)" scripts/suites.py "$(SUITES)" $(ARGS)

newcomer: ## Set up twice in a path with spaces, move it, and set up offline
	@sh scripts/newcomer.sh

lock: ## Write requirements/lock.txt anew (needs uv on the path)
	@sh scripts/lock.sh

clean: ## Remove what set-up and the tools made; ./var stays
	@rm -rf .venv .cache .hypothesis
