"""Whole games with a note for each step: what the agent saw, what it expected of each action, and what it did."""
from functools import partial
from typing import Any, Callable, Dict, List, NamedTuple

import gym
import numpy as np

from helpers.checks import check_count, check_range, check_seed
from helpers.game.environment import RAM, make_game
from helpers.measuring.parallel import EMULATORS, is_agent, q_values_of, take_seats


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
    if not is_agent(agent):
        raise ValueError(f"Received {agent!r}; expected an agent, which has Q-values. Pass an agent of keras-rl2.")
    nb_games, seed = check_count("nb_games", nb_games, 1, 10**6), check_seed(seed)
    epsilon = check_range("epsilon", epsilon, 0, 1)
    envs = [make_env() for _ in range(min(EMULATORS, nb_games))]
    rows: Dict[int, List] = {game: [] for game in range(nb_games)}
    try:
        seats, waiting, q_values = take_seats(agent, envs), iter(range(nb_games)), q_values_of(agent)
        for seat, game in zip(seats, waiting):
            seat.begin(game, seed)
        while seats:
            for seat, values in zip(list(seats), q_values(seats)):
                action = seat.explore(values.argmax(), epsilon)
                rows[seat.game].append((seat.observation.copy(), values.copy(), action))
                seat.play(action)
                if seat.over:
                    game = next(waiting, None)
                    seats.remove(seat) if game is None else seat.begin(game, seed)
    finally:
        for env in envs:
            env.close()
    return [Noted(*map(np.array, zip(*game))) for game in rows.values()]
