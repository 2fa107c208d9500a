"""The short trainings by which `ram_best` was chosen, one change at a time, into weights/experiments.csv.

python tools/run_experiments.py          those that are missing in runs/ are trained, some ten minutes each

A row for each game: experiment, seed, step (agent steps at its end), score. Rows of experiments that are not named
stay. Called by `make experiments`.
"""
import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any, Dict, List

import pandas as pd
from finish_run import exit_status, finish_run

from helpers.files import hold, write_whole
from helpers.measuring.shipped import WEIGHTS_FOLDER
from helpers.train import describe_run

BEFORE = {"window": 3, "shown": [], "hidden": [512, 128], "n_step": 3, "epsilon_end": 0.1, "life_as_episode": False}
"""Where it began, where that is not `ram_best`: the post's network and epsilon, and Rainbow's three steps."""

TOGETHER = {"window": 1, "shown": ["bits"], "n_step": 5, "hidden": [256, 128], "epsilon_end": 0.02}
"""Bits, which helped, with one observation, five steps, a smaller network, which is faster, and less exploring."""

SEES_PLACES = {**TOGETHER, "shown": ["bits", "positions"], "life_as_episode": True}
"""What helped next."""

SEES_ALL = {**SEES_PLACES, "shown": ["bits", "positions", "invaders", "bombs"]}
"""What helped last: `ram_best`."""

RETIRED = "with invaders, 32 quantiles"
"""Its agent (QR-DQN, Dabney et al. 2018) did not help, 472 points against 502 without, so the code is gone: its games
stay in the table, as a record, but can't be made again."""

EXPERIMENTS: Dict[str, Dict[str, Any]] = {
    "before": {},
    "a life as an episode": {"life_as_episode": True},
    "learning rate 0.0003": {"learning_rate": 3e-4},
    "5-step returns": {"n_step": 5},
    "one observation": {"window": 1},
    "one observation, with bits": {"window": 1, "shown": ["bits"]},
    "five changes together": TOGETHER,
    "five changes, points to 60": {**TOGETHER, "reward_clip": 60.0, "reward_scale": 0.05},
    "with positions": {**TOGETHER, "shown": ["bits", "positions"]},
    "with positions, a life as an episode": SEES_PLACES,
    "with invaders": {**SEES_PLACES, "shown": ["bits", "positions", "invaders"]},
    RETIRED: {},
    "with invaders and bombs": SEES_ALL,
    "without bits": {**SEES_ALL, "shown": ["positions", "invaders", "bombs"]},
    "without bits, three observations": {**SEES_ALL, "shown": ["positions", "invaders", "bombs"], "window": 3},
}
"""What each changes in BEFORE."""


def main() -> int:
    parser = argparse.ArgumentParser(description="Train the experiments behind ram_best.")
    parser.add_argument("names", nargs="*", help="default: all",
                        default=[name for name in EXPERIMENTS if name != RETIRED])
    parser.add_argument("--steps", type=int, default=500_000, help="agent steps of each (default 500,000)")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1], help="a training for each (default: 1)")
    parser.add_argument("--folder", type=Path, default=WEIGHTS_FOLDER)
    options = parser.parse_args()
    for name in options.names:
        if name not in EXPERIMENTS:
            parser.error(f"there is no experiment {name!r}; expected one of {', '.join(EXPERIMENTS)}. Choose another.")
        if name == RETIRED:
            parser.error(f"{name!r} was retired; expected one whose agent is there. Its games stay in experiments.csv.")
    return exit_status(lambda: make(options), "Stopped. The same command goes on from here.")


def make(options: argparse.Namespace) -> None:
    """Train what is missing, and write the table."""
    logs = [log_of(name, seed, options.steps) for name in options.names for seed in options.seeds]
    table = options.folder / "experiments.csv"
    with hold(options.folder, wait=True):
        merged = merge(pd.read_csv(str(table)) if table.exists() else pd.DataFrame(), logs)
        write_whole(table, merged.to_csv(index=False).encode())


def log_of(name: str, seed: int, nb_steps: int) -> pd.DataFrame:
    """Return the games of one experiment, which is trained unless it was."""
    changes = {**BEFORE, **EXPERIMENTS[name]}
    run = "-".join(["experiment", *re.findall(r"\w+", name), f"seed{seed}"])
    new = ["ram_best", "--seed", str(seed), "--steps", str(nb_steps), "--run", run,
           "--set", *(f"{key}={json.dumps(value)}" for key, value in changes.items())]
    games = finish_run(run, new, describe_run("ram_best", nb_steps, seed, changes)).episodes
    return games.assign(experiment=name, seed=seed)[["experiment", "seed", "step", "score"]].astype({"score": int})


def merge(table: pd.DataFrame, logs: List[pd.DataFrame]) -> pd.DataFrame:
    """Put these experiments' games in the place of earlier ones; EXPERIMENTS in their order, then others."""
    games = {key: rows for log in [table, *logs] if len(log) for key, rows in log.groupby(["experiment", "seed"])}
    order = {name: place for place, name in enumerate(EXPERIMENTS)}
    return pd.concat([games[key] for key in sorted(games, key=lambda key: (order.get(key[0], len(order)), *key))])


if __name__ == "__main__":
    sys.exit(main())
