"""Make an agent of weights/ from scratch: train it, measure it, write its files and its entry in MANIFEST.json.

python tools/ship_agent.py ram_best --seeds 1 2 3

Trainings that are done, or begun, in runs/ are taken from there. With several seeds the median one ships, chosen by
games that are not the ones that are reported; the others' scores and logs ship as well. Called by `make ship`.
"""
import argparse
import shutil
import sys
from pathlib import Path
from typing import Any, Dict, List, Optional

from finish_run import exit_status, finish_run
from tqdm import tqdm

from helpers.agents.recipes import RECIPES, recipe, recorded_recipe
from helpers.checks import check_range
from helpers.files import hold
from helpers.measuring.protocol import Measurement, measure
from helpers.measuring.shipped import WEIGHTS_FOLDER, add_entry, build_to_measure, log_of
from helpers.runs.folder import Run
from helpers.train import describe_run

CHOICE_SEED, REPORT_SEED = 2, 1
"""Of the games by which the median training is chosen, and of those that are reported."""

EPSILONS = (0.05, 0.0)
LARGEST = 20e6
"""Bytes of a weights file; what is larger does not ship."""


def main() -> int:
    parser = argparse.ArgumentParser(description="Train, measure and ship an agent.")
    parser.add_argument("agent", choices=RECIPES)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1], help="a training for each (default: 1)")
    parser.add_argument("--steps", type=int, help="agent steps (default: the agent's own number)")
    parser.add_argument("--games", type=int, default=200, help="for each measurement (default 200)")
    parser.add_argument("--folder", type=Path, default=WEIGHTS_FOLDER)
    options = parser.parse_args()
    return exit_status(lambda: make(options), "Stopped; nothing was shipped. The same command goes on from here.")


def make(options: argparse.Namespace) -> None:
    """Train, measure and ship, as the command line says.

    Raises:
        ValueError: a number is out of its range.
    """
    check_range("--games", options.games, 1, 10**6, "Ask for 200.")
    if options.steps is not None:
        check_range("--steps", options.steps, 1, 10**12)
    runs = {seed: train(options.agent, seed, options.steps) for seed in options.seeds}
    for run in runs.values():
        run.held = hold(run.folder)  # nobody trains on while it is measured
    players = {seed: build_to_measure(recorded_recipe(run.hyperparameters), run.folder / "weights.h5")
               for seed, run in runs.items()}
    seed = choose_median({seed: play(run, players[seed], options.games, CHOICE_SEED).mean for seed, run in runs.items()}
                         if len(runs) > 1 else {options.seeds[0]: 0.0})
    reported = {s: [play(run, players[s], options.games, REPORT_SEED, epsilon) for epsilon in EPSILONS]
                for s, run in runs.items()}
    ship(options.agent, runs, reported, seed, options.folder)


def train(agent: str, seed: int, nb_steps: Optional[int] = None) -> Run:
    """Return the finished training of this agent with this seed; it takes hours unless it is there."""
    nb_steps = nb_steps or recipe(agent).nb_steps
    return finish_run(f"{agent}-seed{seed}", [agent, "--seed", str(seed), "--steps", str(nb_steps)],
                      describe_run(agent, nb_steps, seed, {}))


def play(run: Run, agent: Any, nb_games: int, seed: int, epsilon: float = 0.05) -> Measurement:
    made = recorded_recipe(run.hyperparameters)
    what = f"{run.name}, {nb_games} games of seed {seed}, epsilon {epsilon:g}"
    with tqdm(total=nb_games, unit=" games", desc=what, disable=None) as bar:
        measured = measure(agent, made.env_id, nb_games, seed, epsilon, make_env=made.make_env, bar=bar)
    if not measured.complete:
        raise KeyboardInterrupt
    print(f"{what}: mean {measured.mean:.0f}", flush=True)
    return measured


def choose_median(means: Dict[int, float]) -> int:
    """Choose the seed whose mean lies in the middle; of two, the lower one."""
    return sorted(means, key=means.get)[(len(means) - 1) // 2]


def ship(agent: str, runs: Dict[int, Run], reported: Dict[int, List[Measurement]], seed: int, folder: Path) -> None:
    """Write the files and the entry of `runs[seed]`, and the logs of the others; other entries stay as they are."""
    run = runs[seed]
    weights = run.folder / "weights.h5"
    seeds = list(runs)
    with hold(folder, wait=True):
        add_entry(agent, weights if weights.stat().st_size <= LARGEST else None, run.folder / "episodes.csv",
                  reported[seed], folder, agent=agent, command=command(agent, seeds, run.hyperparameters["steps"]),
                  commit=run.hyperparameters.get("commit"), seed=seed,
                  seeds={str(s): [one.summary() for one in measured] for s, measured in reported.items()},
                  env_id=run.hyperparameters["environment"], hyperparameters=run.hyperparameters,
                  steps=run.hyperparameters["steps"], wall_seconds=wall_seconds(run))
        for other in set(seeds) - {seed}:
            shutil.copyfile(str(runs[other].folder / "episodes.csv"), str(folder / log_of(agent, other)))


def command(agent: str, seeds: List[int], nb_steps: int) -> str:
    steps = "" if nb_steps == recipe(agent).nb_steps else f" STEPS={nb_steps}"
    return f'make ship AGENT={agent} SEEDS="{" ".join(map(str, seeds))}"{steps}'


def wall_seconds(run: Run) -> float:
    """Return the seconds of training, without the time in which it stood still."""
    return float(run.episodes["seconds"].iloc[-1])


if __name__ == "__main__":
    sys.exit(main())
