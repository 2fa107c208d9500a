"""Play whole games without learning, for a look at a player."""
from contextlib import contextmanager
from typing import Any, Callable, Iterator, Optional, Union

import gym
import numpy as np

from helpers.checks import check_count
from helpers.game.environment import seed_game
from helpers.game.wrappers import ScoreKeeper
from helpers.learning.emulator import Emulator, check_envs

Player = Union[Callable[[np.ndarray], int], Any]
"""A function from an observation to an action, or a keras-rl2 agent."""


@contextmanager
def numpy_seed(seed: Optional[int]) -> Iterator[None]:
    """Seed NumPy's global random state, which keras-rl2's policies draw from, and put the old state back afterwards."""
    if seed is None:
        yield
        return
    state = np.random.get_state()
    np.random.seed(seed)
    try:
        yield
    finally:
        np.random.set_state(state)


def play_games(env: gym.Env, player: Player, nb_games: int, seed: Optional[int] = None,
               max_steps: Optional[int] = None) -> np.ndarray:
    """Play `nb_games` whole games without learning and return their scores.

    Args:
        env: any gym environment; it is not closed.
        player: a function from an observation to an action, or a keras-rl2 agent, which plays by its `test_policy`.
        nb_games: at least 1.
        seed: seeds the environment, its action space and NumPy, so that the same call plays the same games.
        max_steps: end a game after so many agent steps; None plays to the end.

    Returns:
        float array of shape (nb_games,): game points, if there is a `ScoreKeeper` in `env`, such as `make_game` puts
            there; otherwise the sum of the rewards that `env` gives.

    Raises:
        ValueError: `nb_games` is below 1, the agent is not one for this game, or observations are not alike.
    """
    nb_games = check_count("nb_games", nb_games, 1)
    check_envs(player, [env])
    keeper = ScoreKeeper(env)
    if seed is not None:
        seed_game(env, seed)
    # where a processor stands between, keras-rl2's loop is who sees what the agent sees
    emulator = Emulator(keeper, window=int(getattr(player, "processor", None) is None))
    with numpy_seed(seed):
        scores = []
        for _ in range(nb_games):
            if hasattr(player, "test"):
                _play_with_agent(emulator, player, max_steps)
            else:
                _play_with_function(emulator, player, max_steps)
            scores.append(keeper.score)
    return np.array(scores, dtype=float)


def _play_with_function(env: Emulator, act: Callable[[np.ndarray], int], max_steps: Optional[int]) -> None:
    observation, done, steps = env.reset(), False, 0
    while not done and steps != max_steps:
        observation, _, done, _ = env.step(act(observation))
        steps += 1


def _play_with_agent(env: Emulator, agent: Any, max_steps: Optional[int]) -> None:
    step = agent.step  # test() sets it to 0, and with it epsilon, were we to train on afterwards
    try:
        agent.test(env, nb_episodes=1, visualize=False, verbose=0, nb_max_episode_steps=max_steps)
    finally:
        agent.step = step


def random_player(env: gym.Env) -> Callable[[np.ndarray], int]:
    """Make a player that does not look: it draws each action from the environment's action space."""
    return lambda observation: env.action_space.sample()
