"""`python -m helpers.evaluate`: measure weights files, or all agents that ship, and print a table or JSON."""
import argparse
import json
import sys
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence

import numpy as np
from tqdm import tqdm

from helpers.agents.recipes import recipe
from helpers.checks import check_range, check_seed
from helpers.files import find_weights_file
from helpers.measuring.protocol import PROTOCOL, Measurement, measure
from helpers.measuring.published import PUBLISHED, Published, measure_baselines, score_table
from helpers.measuring.shipped import (
    WEIGHTS_FOLDER,
    Found,
    build_to_measure,
    check_weights,
    identify,
    list_agents,
    sha256,
    shipped_scores,
)
from helpers.measuring.statistics import compare
from helpers.runs.output import lose

INTERRUPTED = 130
"""The exit status of a command that Ctrl-C ended."""

NOT_READ = 141
"""Of a command whose output nobody read to its end, as shells report it."""


def parse(arguments: Optional[List[str]]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m helpers.evaluate", epilog=f"The protocol:\n{PROTOCOL}",
                                     description="Measure trained agents by this project's protocol.",
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("weights", nargs="*", type=Path,
        help="weights.h5 of a run, or a file of weights/; without one, all agents of weights/MANIFEST.json")
    add("--agent", help="the agent's name, where neither a manifest nor a run's settings lie beside the weights")
    add("--episodes", type=int, default=200, help="whole games (default 200)")
    add("--seed", type=int, default=1, help="of the games (default 1)")
    add("--epsilon", type=float, nargs="+", default=[0.05],
        help="share of random actions (default 0.05); several are measured one after the other")
    add("--json", action="store_true", help="print one JSON object on standard output, nothing else")
    return parser.parse_intermixed_args(arguments)


def find_targets(options: argparse.Namespace) -> List[Found]:
    """Find what to measure; every mistake that can be seen before the first game is refused here.

    Raises:
        ValueError, FileNotFoundError: with what to do.
    """
    check_range("--episodes", options.episodes, 1, 10**6, "Ask for 200.")
    check_seed(options.seed, "--seed")
    for epsilon in options.epsilon:
        check_range("--epsilon", epsilon, 0, 1, "0.05 is the protocol's.")
    if options.weights:
        return [_target(path, options.agent) for path in options.weights]
    if not list_agents():
        raise FileNotFoundError(f"There are no trained agents in {WEIGHTS_FOLDER}; expected a MANIFEST.json with some. "
                                "Name a weights file, such as runs/NAME/weights.h5.")
    return [_target(check_weights(name), None) for name in list_agents()]


def _target(path: Path, agent: Optional[str]) -> Found:
    found = identify(find_weights_file(path))
    if agent and found.agent and agent != found.agent:
        raise ValueError(f"--agent is {agent}, but {path} holds the weights of {found.agent}; expected the same. Leave "
                         "--agent out.")
    if not (agent or found.agent):
        raise ValueError(f"Nothing beside {path} says which agent it belongs to; expected a MANIFEST.json that lists "
                         "it, or a run's hyperparameters.json. Give --agent NAME.")
    name = agent or found.agent
    return found._replace(agent=name, recipe=found.recipe or recipe(name))


def measure_target(target: Found, options: argparse.Namespace) -> Iterator[Measurement]:
    """Yield one measurement for each epsilon, with a bar on standard error, if that is a terminal.

    An interrupted one, the last, has what was played.
    """
    made, player = target.recipe, None
    for epsilon in options.epsilon:
        try:
            player = player or build_to_measure(made, target.weights)
            label = f"{target.name}, epsilon {epsilon:g}"
            with tqdm(total=options.episodes, unit=" games", desc=label, disable=None) as bar:
                games = measure(player, made.env_id, options.episodes, options.seed, epsilon, make_env=made.make_env,
                                bar=bar)
        except KeyboardInterrupt:  # before the first game
            games = Measurement(np.zeros(0), np.zeros(0, int), made.env_id, epsilon, options.seed, options.episodes)
        yield games
        if not games.complete:
            raise KeyboardInterrupt


def report(target: Found, measured: Measurement) -> Dict[str, Any]:
    """Return what --json prints of a measurement; as_shipped: whether these are the manifest's very games, or null."""
    shipped = [one for one in (shipped_scores(target.entry, target.weights.parent) if target.entry else [])
               if (one.epsilon, one.seed, one.episodes) == (measured.epsilon, measured.seed, measured.episodes)]
    as_shipped = shipped[0].scores.tolist() == measured.scores.tolist() if shipped else None
    return {"agent": target.agent, "weights": target.weights.name, "sha256": sha256(target.weights),
            **measured.summary(), "as_shipped": as_shipped, "protocol": PROTOCOL}


def print_table(measured: Dict[str, Measurement], published: Sequence[Published],
                reports: List[Dict[str, Any]]) -> None:
    """Print a row for each measurement and published score, what is special about one, differences, the protocol."""
    table = score_table(measured, published)
    numbers = table.drop(columns="how it was measured").round(1).assign(epsilon=table["epsilon"])
    print(numbers.to_string(na_rep="-"))
    for one in published:
        print(f"{one.name}: {one.differs}.")
    for name, games in measured.items():
        if not games.complete:
            print(f"{name}: interrupted after {games.episodes} of {games.requested} games. Games that were under way "
                  "do not count; they are the long ones, so the true mean may be a little higher.")
    for name, one in zip(measured, reports):  # the agents come first
        if one["as_shipped"] is False:
            print(f"{name}: not the very games of the manifest; on another processor TensorFlow rounds differently.")
    best_first = sorted(measured, key=lambda name: measured[name].mean, reverse=True)
    for better, worse in zip(best_first, best_first[1:]):
        if min(measured[better].episodes, measured[worse].episodes) > 1:
            print(f"{better} against {worse}: {compare(measured[better].scores, measured[worse].scores)}.")
    print(f"\n{PROTOCOL}", flush=True)


def deliver(show: Callable[[], None]) -> int:
    """Print results; return the exit status: 0, or NOT_READ, or 1 after an error that it prints."""
    try:
        show()
        return 0
    except BrokenPipeError:  # `| head` has read enough
        status = NOT_READ
    except OSError as error:
        print(f"The results could not be written ({error.strerror}). Free some disk space.", file=sys.stderr)
        status = 1
    lose(1)
    return status


def main(arguments: Optional[List[str]] = None) -> int:
    """Measure and print; return the exit status: 0, 1 for a mistake, INTERRUPTED (with what was played), NOT_READ."""
    options = parse(arguments)
    measured: Dict[str, Measurement] = {}
    reports: List[Dict[str, Any]] = []
    targets: List[Found] = []
    published: Sequence[Published] = ()
    try:
        targets = find_targets(options)
        for target in targets:
            for games in measure_target(target, options):
                name = target.name if len(options.epsilon) == 1 else f"{target.name}, epsilon {games.epsilon:g}"
                measured[name] = games
                reports.append(report(target, games))
        if not options.weights and not options.json:
            published = PUBLISHED
            measured.update(measure_baselines(options.episodes, options.seed))
            if not all(games.complete for games in measured.values()):
                raise KeyboardInterrupt
        status = 0
    except KeyboardInterrupt:
        status = INTERRUPTED
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    if options.json:
        told = reports[0] if reports and len(targets) * len(options.epsilon) == 1 else {"results": reports}
        return deliver(lambda: print(json.dumps(told), flush=True)) or status
    if reports:
        return deliver(lambda: print_table(measured, published, reports)) or status
    return status


if __name__ == "__main__":
    sys.exit(main())
