"""Play an agent of weights/ on Gymnasium and ale-py, with NumPy in the place of TensorFlow.

`make todays-tools`, or `python -m benchmarks.todays_tools --games 20` in the peers' environment. The rules are those of
`helpers.measuring.protocol`: whole games, the game's own points, epsilon 0.05, no game longer than 10,000 agent steps.
What differs is all that is not a rule: the emulator (ale-py's), the environment around it, the library
that multiplies the matrices, and the random numbers.
"""
import argparse
import json
import platform
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import List, Optional, Tuple

import ale_py
import gymnasium
import numpy as np

from helpers.game.ram import VIEWS
from helpers.watching.dense_player import DensePlayer

WEIGHTS = Path(__file__).resolve().parents[1] / "weights"
RESULT = Path(__file__).with_suffix(".json")
MAX_STEPS = 10_000


def load_player(agent: str) -> DensePlayer:
    """The agent as its training left it, by what MANIFEST.json says of it.

    Raises:
        ValueError: there is no such agent, or it does not play from the RAM.
    """
    entries = json.loads((WEIGHTS / "MANIFEST.json").read_text(encoding="utf-8"))
    entry = entries.get(agent, {})
    if "ram" not in entry.get("env_id", "") or not entry.get("weights"):
        there = [name for name, one in entries.items() if "ram" in one["env_id"] and one.get("weights")]
        raise ValueError(f"agent is {agent!r}; expected one that plays from the RAM. Choose among {', '.join(there)}.")
    recorded = entry["hyperparameters"]
    shown = recorded.get("shown") or [name for name in VIEWS if recorded.get(name)]  # as it was written at first
    numbers = {"window": recorded["window"], "observation_scale": recorded.get("observation_scale"), "shown": shown}
    made = SimpleNamespace(is_dense=True, network="RAM", hyperparameters=numbers)
    return DensePlayer(made, WEIGHTS / entry["weights"])


def make_env() -> gymnasium.Env:
    """gym's `SpaceInvaders-ram-v0`: the last action is repeated with probability 0.25, 2 to 4 frames a step."""
    gymnasium.register_envs(ale_py)
    return gymnasium.make("ALE/SpaceInvaders-v5", obs_type="ram", frameskip=(2, 5), repeat_action_probability=0.25,
                          full_action_space=False)


def play_game(player: DensePlayer, env: gymnasium.Env, seed: Tuple[int, int], epsilon: float) -> float:
    """Points of one game."""
    of_game, of_actions = (int(one) for one in np.random.SeedSequence(seed).generate_state(2))
    random = np.random.default_rng(of_actions)
    observation, _ = env.reset(seed=of_game)
    state = np.repeat(observation[None], player.memory.window_length, axis=0)
    score = 0.0
    for _ in range(MAX_STEPS):
        if random.random() < epsilon:
            action = int(random.integers(env.action_space.n))
        else:
            action = int(player.compute_batch_q_values(state[None])[0].argmax())
        observation, reward, terminated, truncated, _ = env.step(action)
        state = np.concatenate([state[1:], observation[None]])
        score += float(reward)
        if terminated or truncated:
            break
    return score


def main(arguments: Optional[List[str]] = None) -> int:
    """Play, print, and with --store keep the scores in todays_tools.json; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.todays_tools", description=__doc__.split("\n")[0])
    parser.add_argument("agent", nargs="?", default="ram_best", help="ram_best (the default) or ram_post")
    parser.add_argument("--games", type=int, default=200, help="with each seed (default 200)")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2], help="default 1 2")
    parser.add_argument("--epsilon", type=float, default=0.05, help="share of random actions (default 0.05)")
    parser.add_argument("--store", action="store_true", help=f"write {RESULT.name}, which the text quotes")
    options = parser.parse_args(arguments)
    if options.games < 1:
        parser.error(f"--games is {options.games}; expected at least 1. Choose another.")
    try:
        player = load_player(options.agent)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    env, scores = make_env(), []
    seeds = [(seed, game) for seed in options.seeds for game in range(options.games)]
    for number, seed in enumerate(seeds, 1):
        scores.append(play_game(player, env, seed, options.epsilon))
        if sys.stdout.isatty() or number % 20 == 0:
            print(f"game {number} of {len(seeds)}: mean {np.mean(scores):.0f}", flush=True)
    versions = {"python": platform.python_version(), "gymnasium": gymnasium.__version__, "ale-py": ale_py.__version__,
                "numpy": np.__version__}
    error = np.std(scores, ddof=1) / len(scores) ** 0.5 if len(scores) > 1 else float("nan")
    print(f"{options.agent} on {', '.join(f'{name} {version}' for name, version in versions.items())}: "
          f"mean {np.mean(scores):.0f} points, standard error {error:.0f}, {len(scores)} games")
    if options.store:
        result = {"agent": options.agent, "seeds": options.seeds, "epsilon": options.epsilon, "versions": versions,
                  "scores": scores}
        RESULT.write_text(json.dumps(result) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
