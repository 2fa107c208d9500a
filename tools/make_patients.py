"""The healthy agent and the four sick ones of notebook 06's clinic, into weights/patients.csv.

python tools/make_patients.py            some two minutes each on free cores; `python tools/make_patients.py A D` some

A row for each game: patient, kind ("training", or "measured" once it was trained), step (agent steps at its end),
score, epsilon, loss, mean_q. Rows of patients that are not named stay.
"""
import argparse
import sys
from pathlib import Path
from typing import Any, Dict

import gym
import pandas as pd
from finish_run import exit_status

from helpers.agents.build import build_by_recipe
from helpers.agents.hyperparameters import check_hyperparameters
from helpers.agents.recipes import Recipe
from helpers.files import hold, write_whole
from helpers.game.environment import RAM, make_game
from helpers.learning.seeds import set_seeds
from helpers.learning.threads import set_threads
from helpers.measuring.protocol import measure
from helpers.measuring.settings import graph_of_its_own
from helpers.measuring.shipped import WEIGHTS_FOLDER
from helpers.runs.callbacks import RunLogger, SaveWeights
from helpers.runs.folder import start_run
from helpers.runs.progress import ProgressBar

SEED, NB_ENVS, NB_GAMES = 1, 8, 40

HEALTHY: Dict[str, Any] = {
    "window": 3, "shown": ["positions", "invaders", "bombs"], "observation_scale": 1 / 255, "reward_clip": 1.0,
    "replay_limit": 100_000, "warmup_steps": 1_000, "epsilon_start": 1.0, "epsilon_end": 0.1, "epsilon_steps": 40_000,
    "epsilon_test": 0.05, "train_interval": 4, "target_update": 8_000, "learning_rate": 0.0001, "n_step": 3,
    "double": True}
"""Those of notebook 06 at demo length."""

PATIENTS: Dict[str, Dict[str, Any]] = {
    "healthy": {},
    "A": {"target_update": 10_000_000},  # never copied after the first step
    "B": {"observation_scale": None},  # bytes from 0 to 255
    "C": {"nb_fits": 10},  # each begins again at step 0, and at epsilon 1
    "D": {"make_env": lambda: gym.make(RAM)},  # nobody keeps the game's own score
}
"""What makes each of them sick: a hyperparameter, in how many calls of fit it is trained, or how its game is made."""


def main() -> int:
    parser = argparse.ArgumentParser(description="Train the patients of notebook 06.")
    parser.add_argument("names", nargs="*", default=list(PATIENTS), help=f"of {', '.join(PATIENTS)}; default: all")
    parser.add_argument("--steps", type=int, default=100_000, help="agent steps of each (default 100,000)")
    parser.add_argument("--folder", type=Path, default=WEIGHTS_FOLDER)
    options = parser.parse_args()
    for name in options.names:
        if name not in PATIENTS:
            parser.error(f"there is no patient {name!r}; expected one of {', '.join(PATIENTS)}. Choose another.")
    return exit_status(lambda: make(options), "Stopped. The patients before this one are in the table.")


def make(options: argparse.Namespace) -> None:
    """Train each patient, and put its games into the table."""
    set_threads(1)
    table = options.folder / "patients.csv"
    for name in options.names:
        games = train(name, options.steps, **PATIENTS[name])
        with hold(options.folder, wait=True):
            kept = pd.read_csv(str(table)) if table.exists() else pd.DataFrame({"patient": []})
            both = pd.concat([kept[kept["patient"] != name], games], sort=False)
            write_whole(table, both[list(games)].to_csv(index=False, float_format="%.5g").encode())


def train(name: str, nb_steps: int, nb_fits: int = 1, make_env: Any = lambda: make_game(RAM),
          **sick: Any) -> pd.DataFrame:
    """Train one patient, and measure it by the game's own points; return its rows of the table."""
    numbers = {**HEALTHY, **sick}
    run = start_run(f"patient-{name}", {"network": "RAM", "nb_steps": nb_steps, "seed": SEED, **numbers})
    with graph_of_its_own():
        set_seeds(SEED)
        agent = build_by_recipe(Recipe("RAM", check_hyperparameters(numbers), 0, NB_ENVS))
        callbacks, pieces, rows = [RunLogger(run), SaveWeights(run, nb_steps), ProgressBar()], [], 0
        for done in range(0, nb_steps, nb_steps // nb_fits):
            agent.fit_parallel(make_env, NB_ENVS, nb_steps // nb_fits, seed=SEED + done, callbacks=callbacks, verbose=0)
            new = run.episodes.iloc[rows:]
            rows += len(new)
            pieces.append(new.assign(kind="training", step=new["step"] + done))  # each fit counts from 0
        scores = measure(agent, RAM, NB_GAMES, SEED + 1_000).scores
    print(f"{name}: {rows} games, measured {scores.mean():.0f}")
    games = pd.concat([*pieces, pd.DataFrame({"kind": "measured", "step": nb_steps, "score": scores,
                                              "epsilon": 0.05})], sort=False)
    return games.assign(patient=name)[["patient", "kind", "step", "score", "epsilon", "loss", "mean_q"]]


if __name__ == "__main__":
    sys.exit(main())
