"""Whole games with a note for each step: what the agent saw, what it expected of each action, and what it did."""
from functools import partial
from typing import Any, Callable, Dict, List, NamedTuple, Tuple

import gym
import numpy as np

from helpers.game.environment import RAM, make_game
from helpers.measuring.parallel import each_choice


class Noted(NamedTuple):
    """One game, a row for each agent step, noted before the step is made.

    observations: [steps, ...], on the RAM uint8 [steps, 128]. q_values: [steps, actions] float32. actions: [steps] int.
    """

    observations: np.ndarray
    q_values: np.ndarray
    actions: np.ndarray


def note_games(agent: Any, nb_games: int = 16, seed: int = 1, epsilon: float = 0.05,
               make_env: Callable[[], gym.Env] = partial(make_game, RAM)) -> List[Noted]:
    """Let an agent play the games that `measure` plays with the same seed and epsilon, and note each step.

    `watch_game(agent, seed, epsilon, game=number)` plays game `number` of them once more, to be seen.

    Args:
        agent: of keras-rl2, or a `FastDQNAgent`.
        nb_games: at least 1; a game of 1,000 steps takes about 200 kB.
        seed: 0 to 2**32 - 1.
        epsilon: share of random actions, 0 to 1.
        make_env: makes the game that the agent was trained on.

    Raises:
        ValueError: a number is out of its range, the player is no agent, or its network does not fit the game.
    """
    games: Dict[int, List[Tuple[np.ndarray, np.ndarray, int]]] = {}
    for seat, seen, q_values, action, _ in each_choice(agent, make_env, nb_games, seed, epsilon):
        games.setdefault(seat.game, []).append((seen.copy(), q_values.copy(), action))
    return [Noted(*map(np.array, zip(*games[number]))) for number in sorted(games)]
