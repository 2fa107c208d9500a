"""Make a game: a gym environment that is seeded and keeps its own score."""
from typing import Any, Optional

import gym
from gym.wrappers import TimeLimit

from helpers.checks import check_seed
from helpers.game.wrappers import ScoreKeeper, SmallScreen

PIXELS = "SpaceInvaders-v0"
"""Observations are screens, uint8 of shape (210, 160, 3); sticky actions, frame skip drawn from 2 to 4."""

RAM = "SpaceInvaders-ram-v0"
"""The same game; observations are the console's memory, uint8 of shape (128,)."""

NB_ACTIONS = 6
"""NOOP, FIRE, RIGHT, LEFT, RIGHTFIRE, LEFTFIRE."""


def make_game(env_id: str = PIXELS, seed: Optional[int] = None) -> ScoreKeeper:
    """Make the environment `env_id`, for example `PIXELS` or `RAM`, and seed it and its random actions.

    Raises:
        ValueError: gym knows no game of this name, or the seed is not a whole number from 0 to 2**32 - 1.
        FileNotFoundError: the game exists, but its ROM was not imported yet.
    """
    return _keep_score(_make(env_id), seed)


def make_small_screen_game(env_id: str = PIXELS, seed: Optional[int] = None) -> ScoreKeeper:
    """Do as `make_game`, but show the screen in grey, uint8 of shape (84, 84); see `SmallScreen`.

    The game is the one that `make_game(env_id, seed)` makes, with its frame skips, sticky actions and end.

    Raises:
        ValueError: gym knows no game of this name, it is not an Atari game, or the seed is out of its range.
        FileNotFoundError: the game exists, but its ROM was not imported yet.
    """
    env = _make(env_id).unwrapped
    if not hasattr(env, "ale"):
        raise ValueError(f"{env_id!r} is no Atari game; expected a name such as {PIXELS!r}. Use make_game for others.")
    return _keep_score(TimeLimit(SmallScreen(env)), seed)  # its limit is the one of env_id


def _make(env_id: str) -> gym.Env:
    try:
        return gym.make(env_id)
    except gym.error.Error as error:
        raise ValueError(f"gym knows no environment {env_id!r}: {error}. Expected a name such as {PIXELS!r} or "
                         f"{RAM!r}; notebook 02 lists the games.") from None
    except Exception as error:  # atari_py raises a bare Exception for a ROM that is missing
        if "ROM is missing" not in str(error):
            raise
        raise FileNotFoundError(f"The ROM of {env_id!r} is not imported; expected it inside the atari_py package. Run "
                                "notebook 02 (or `make roms`) first.") from None


def _keep_score(env: gym.Env, seed: Optional[int]) -> ScoreKeeper:
    env = ScoreKeeper(env)
    if seed is not None:
        seed_game(env, seed)
    return env


def seed_game(env: gym.Env, seed: int) -> None:
    """Seed the game and the actions that `env.action_space.sample()` draws, each with numbers of its own.

    With one seed for both, gym would draw frame skips and random actions from the same stream of numbers.

    Raises:
        ValueError: the seed is not a whole number from 0 to 2**32 - 1.
    """
    seed = check_seed(seed)
    env.seed(seed)
    env.action_space.seed(seed + 2**31)


def game_of(env: Any) -> Optional[str]:
    """Return the game as atari_py calls it, for example "space_invaders"; None where it is not known."""
    return getattr(getattr(env, "unwrapped", None), "game", None)
