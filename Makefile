# `make` alone prints what it can do. Works with GNU make 3.81 (macOS) and newer.
.DEFAULT_GOAL := help
.PHONY: help lab test test-browser env roms evaluate notebooks train-ram train-pixels ship experiments kill-test bench bench-peers todays-tools screenshots site lint lock wheels clean
SHELL := /bin/sh
RUN := sh tools/env.sh run
BENCH_ARGS = $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(LENGTH),--length $(LENGTH)) $(if $(ONLY),--only $(ONLY))

help: ## print these lines
	@sed -n 's/^\([a-z_-]*\):[^#]*## /make \1	/p' Makefile | expand -t 18

lab: env roms ## build what is missing, then open JupyterLab on the first notebook (LAB_ARGS="--port 8899")
	@$(RUN) sh tools/lab.sh $(LAB_ARGS)

test: env roms ## build what is missing, then run every check and every notebook at smoke length
	@$(RUN) sh tools/test.sh

test-browser: env roms ## run every notebook in JupyterLab, in Chromium; screenshots: build/screenshots/
	@$(RUN) python -m pytest -v -rs --numprocesses=2 -m "not alone" tests/browser </dev/null
	@$(RUN) python -m pytest -v -rs -m alone tests/browser </dev/null

env: ## build the environment: conda's atari-drl where there is conda, .venv/ elsewhere
	@sh tools/env.sh build

roms: env ## fetch the games and hand them to the emulator, unless they are there
	@$(RUN) python -m helpers.roms --no-prompt </dev/null

evaluate: env roms ## play 200 games with each agent in weights/, and compare (EVALUATE_ARGS="--seed 2")
	@$(RUN) python -m helpers.evaluate $(EVALUATE_ARGS) --epsilon 0.05 0

notebooks: env roms ## run the notebooks at demo length and store their outputs (NB="03 04" for some of them)
	@$(RUN) python tools/run_notebooks.py $(NB)

train-ram: env roms ## train ram_best into runs/, hours; Ctrl-C saves (TRAIN_ARGS="--steps 500000 --seed 2")
	@$(RUN) python -m helpers.train ram_best $(TRAIN_ARGS)

train-pixels: env roms ## train pixels_84 into runs/, hours (TRAIN_ARGS="--resume NAME" goes on)
	@$(RUN) python -m helpers.train pixels_84 $(TRAIN_ARGS)

ship: env roms ## make an agent of weights/ from scratch: train, measure (AGENT=ram_best SEEDS="1 2 3")
	@$(RUN) python tools/ship_agent.py $(AGENT) --seeds $(or $(SEEDS),1) $(if $(STEPS),--steps $(STEPS))

experiments: env roms ## train the short experiments by which ram_best was chosen, into weights/experiments.csv
	@$(RUN) python tools/run_experiments.py

kill-test: env roms ## kill trainings ten times in a row, resume them, compare with undisturbed ones
	@TF_CPP_MIN_LOG_LEVEL=2 $(RUN) python tests/kill_and_resume.py fit:10 fit_parallel:10 fit:10 fit_parallel:10

bench: env roms ## measure keras-rl2's speed beside ours, a quarter of an hour (ONLY="ram" ROUNDS=5)
	@$(RUN) python -m benchmarks $(BENCH_ARGS)

bench-peers: env roms ## measure PyTorch and Stable-Baselines3 beside ours (ONLY="peers-ram" ROUNDS=5)
	@$(RUN) sh benchmarks/peers_env.sh
	@$(RUN) python -m benchmarks --peers .venv-peers/bin/python $(BENCH_ARGS)

todays-tools: env ## play ram_best on Gymnasium and ale-py, with NumPy alone (TODAY_ARGS="--games 10")
	@$(RUN) sh benchmarks/peers_env.sh
	@.venv-peers/bin/python -m benchmarks.todays_tools $(TODAY_ARGS)

screenshots: env roms ## take the pictures of the player and of TensorBoard again, in Chromium
	@$(RUN) python tests/browser/take_pictures.py

site: env ## render the series as a web site into build/site/
	@$(RUN) python tools/make_site.py

lint: env ## look for mistakes in code and notebooks without running them
	@$(RUN) ruff check .

lock: ## make requirements.lock again from environment.yml
	@sh tools/lock.sh

wheels: env ## note again what the locked wheels of all platforms are linked with (downloads 1.5 GB)
	@$(RUN) python tools/wheel_imports.py

clean: ## remove what make made here: .venv/, .venv-peers/, build/ and caches (never runs/)
	@rm -rf .venv .venv-peers build *.egg-info .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
