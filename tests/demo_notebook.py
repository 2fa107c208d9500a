"""A small notebook of what a reader watches and opens, with an agent and a run of its own.

python tests/demo_notebook.py FOLDER    writes FOLDER/demo.ipynb, FOLDER/weights/ and FOLDER/runs/, in seconds
"""
import sys
from pathlib import Path

import nbformat
import numpy as np
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from helpers.agents.build import build_agent
from helpers.agents.networks import build_ram_model
from helpers.game.environment import NB_ACTIONS, RAM, make_game
from helpers.measuring.protocol import Measurement
from helpers.measuring.shipped import add_entry
from helpers.runs.callbacks import RunLogger, SaveWeights
from helpers.runs.folder import start_run

ENTRY = {"agent": "ram_post", "command": "python -m helpers.train ram_post --steps 2500 --seed 1", "commit": "0" * 40,
         "seed": 1, "seeds": {}, "env_id": RAM, "hyperparameters": {}, "steps": 2_500, "wall_seconds": 1.5}
SCORES = Measurement(np.array([285.0, 300]), np.array([960, 970]), RAM, 0.05, 1, 2)  # of no real game

CELLS = [
    new_markdown_cell("# A demo"),
    new_code_cell("from helpers import GamePlayer, load_agent, open_tensorboard, watch_game\n"
                  "GamePlayer(weights='weights', runs='runs')"),
    new_code_cell("game = watch_game(load_agent('ram', 'weights'), seed=1, epsilon=0.05, max_steps=40)\n"
                  "game.clip(seconds=1, q_values=True)"),
    new_code_cell("open_tensorboard('runs')"),
]


def write_demo(folder: Path) -> Path:
    """Train for 2,500 steps, ship the agent as `ram`, and write the notebook; returns its path."""
    run = start_run("good", {"agent": "ram_post", "gamma": 0.9}, folder / "runs")
    agent = build_agent(build_ram_model(128, NB_ACTIONS), NB_ACTIONS, gamma=0.9, warmup_steps=100, target_update=500,
                        train_interval=10, epsilon_steps=2_000, fast=True)
    agent.fit(make_game(RAM, seed=1), nb_steps=2_500, verbose=0, callbacks=[RunLogger(run), SaveWeights(run, 10_000)])
    (weights,) = run.checkpoints
    add_entry("ram", weights, run.folder / "episodes.csv", [SCORES], folder / "weights", **ENTRY)
    notebook = new_notebook(cells=CELLS)
    notebook.metadata.kernelspec = {"display_name": "Python 3", "language": "python", "name": "python3"}
    nbformat.write(notebook, str(folder / "demo.ipynb"))
    return folder / "demo.ipynb"


if __name__ == "__main__":
    print(write_demo(Path(sys.argv[1])))
