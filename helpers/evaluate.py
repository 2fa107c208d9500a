"""Play whole games and say how well: scores in game points, and how sure we are of their mean."""
from contextlib import contextmanager
from typing import Any, Callable, Dict, Iterator, Optional, Sequence, Tuple, Union

import gym
import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import bootstrap

from helpers.games import ScoreKeeper, seed_game

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
        float array of shape (nb_games,): the sum of the environment's own rewards, in game points, never clipped.

    Raises:
        ValueError: `nb_games` is below 1.
    """
    if nb_games < 1:
        raise ValueError(f"nb_games is {nb_games}; expected at least 1. Ask for one game or more.")
    keeper = ScoreKeeper(env)
    if seed is not None:
        seed_game(env, seed)
    with numpy_seed(seed):
        scores = []
        for _ in range(nb_games):
            if hasattr(player, "test"):
                _play_with_agent(keeper, player, max_steps)
            else:
                _play_with_function(keeper, player, max_steps)
            scores.append(keeper.score)
    return np.array(scores, dtype=float)


def _play_with_function(env: gym.Env, act: Callable[[np.ndarray], int], max_steps: Optional[int]) -> None:
    observation, done, steps = env.reset(), False, 0
    while not done and steps != max_steps:
        observation, _, done, _ = env.step(act(observation))
        steps += 1


def _play_with_agent(env: gym.Env, agent: Any, max_steps: Optional[int]) -> None:
    step = agent.step  # test() sets it to 0, and with it epsilon, were we to train on afterwards
    try:
        agent.test(env, nb_episodes=1, visualize=False, verbose=0, nb_max_episode_steps=max_steps)
    finally:
        agent.step = step


def mean_interval(scores: Sequence[float], confidence: float = 0.95) -> Tuple[float, float]:
    """The interval that holds the true mean score with the given confidence, by the bootstrap.

    Draws the games again with replacement, 9,999 times, and looks at how the mean of the draws spreads (BCa method).

    Args:
        scores: one number a game; at least 2.

    Returns:
        (low, high) in the unit of `scores`.

    Raises:
        ValueError: fewer than two scores.
    Source:
        Efron and Tibshirani 1993, chapter 14; scipy.stats.bootstrap.
    """
    scores = np.asarray(scores, dtype=float)
    if scores.ndim != 1 or len(scores) < 2:
        raise ValueError(f"Received scores of shape {scores.shape}; expected a list of at least 2. Play more games.")
    if np.ptp(scores) == 0:  # the bootstrap has nothing to resample from
        return float(scores[0]), float(scores[0])
    interval = bootstrap((scores,), np.mean, confidence_level=confidence, random_state=0).confidence_interval
    return float(interval.low), float(interval.high)


def random_player(env: gym.Env) -> Callable[[np.ndarray], int]:
    """A player that does not look: it draws each action from the environment's action space."""
    return lambda observation: env.action_space.sample()


def plot_scores(scores: Dict[str, np.ndarray], ax: Optional[plt.Axes] = None) -> plt.Axes:
    """A row for each player: a grey dot for each game, a diamond and a line for the mean and its 95 % interval."""
    ax = ax or plt.subplots(figsize=(8, 0.6 + 0.7 * len(scores)))[1]
    for row, points in enumerate(scores.values()):
        low, high = mean_interval(points)
        mean = np.mean(points)
        ax.plot(points, np.full(len(points), row), ".", color="0.7")
        ax.errorbar(mean, row, xerr=[[mean - low], [high - mean]], fmt="D", color="tab:blue", capsize=5)
    ax.set(yticks=range(len(scores)), yticklabels=scores, ylim=(-0.5, len(scores) - 0.5), xlabel="score, points")
    return ax
