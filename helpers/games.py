"""Make a game: a gym environment that is seeded and keeps its own score."""
from typing import Any, Dict, Optional, Tuple

import gym
import numpy as np

PIXELS = "SpaceInvaders-v0"
"""Observations are screens, uint8 of shape (210, 160, 3); sticky actions, frame skip drawn from 2 to 4."""

RAM = "SpaceInvaders-ram-v0"
"""The same game; observations are the console's memory, uint8 of shape (128,)."""

NB_ACTIONS = 6
"""NOOP, FIRE, RIGHT, LEFT, RIGHTFIRE, LEFTFIRE."""


class ScoreKeeper(gym.Wrapper):
    """Keep the game's own score, in points, whatever a processor later does to the rewards.

    keras-rl2 reports the rewards that its processor returned: after clipping to 1, every hit counts the same.
    `scores` holds one number for each finished game, `score` the points of the game that is being played, or of the
    last one until the next begins.
    """

    def __init__(self, env: gym.Env):
        super().__init__(env)
        self.scores = []
        self.score = 0.0

    def reset(self, **kwargs: Any) -> np.ndarray:
        self.score = 0.0
        return self.env.reset(**kwargs)

    def step(self, action: int) -> Tuple[np.ndarray, float, bool, Dict]:
        observation, reward, done, info = self.env.step(action)
        self.score += reward
        if done:
            self.scores.append(self.score)
        return observation, reward, done, info


def make_game(env_id: str = PIXELS, seed: Optional[int] = None) -> ScoreKeeper:
    """Make the environment `env_id`, for example `PIXELS` or `RAM`, and seed it and its random actions.

    Raises:
        ValueError: gym knows no game of this name.
        FileNotFoundError: the game exists, but its ROM was not imported yet.
    """
    try:
        env = gym.make(env_id)
    except gym.error.Error as error:
        raise ValueError(
            f"gym knows no environment {env_id!r}: {error}. "
            f"Expected a name such as {PIXELS!r} or {RAM!r}; notebook 02 lists the games."
        ) from None
    except Exception as error:  # atari_py raises a bare Exception for a ROM that is missing
        if "ROM is missing" not in str(error):
            raise
        raise FileNotFoundError(
            f"The ROM of {env_id!r} is not imported. Expected it inside the atari_py package; "
            "run notebook 02 (or `make roms`) first."
        ) from None
    env = ScoreKeeper(env)
    if seed is not None:
        seed_game(env, seed)
    return env


def seed_game(env: gym.Env, seed: int) -> None:
    """Seed the game and the actions that `env.action_space.sample()` draws, each with numbers of its own.

    With one seed for both, gym would draw frame skips and random actions from the same stream of numbers.
    """
    env.seed(seed)
    env.action_space.seed(seed + 2**31)


def game_score(env: gym.Env, logs: Dict[str, Any]) -> float:
    """The score of the game that just ended, for a keras-rl2 callback's `on_episode_end`.

    In game points if `env` holds a `ScoreKeeper`; otherwise the sum of the rewards that the agent saw.
    """
    return float(getattr(env, "score", logs["episode_reward"]))
