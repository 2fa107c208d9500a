"""Make a game: a gym environment that is seeded and keeps its own score."""
from typing import Any, Dict, List, Optional, Tuple

import gym
import numpy as np
from gym.wrappers import TimeLimit
from PIL import Image

PIXELS = "SpaceInvaders-v0"
"""Observations are screens, uint8 of shape (210, 160, 3); sticky actions, frame skip drawn from 2 to 4."""

RAM = "SpaceInvaders-ram-v0"
"""The same game; observations are the console's memory, uint8 of shape (128,)."""

SMALL_SCREEN = (84, 84)
"""Rows and columns of a small screen. Source: Mnih et al. 2015."""

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


class SmallScreen(gym.Wrapper):
    """Show a bare Atari environment's screen in grey and 84x84, as the brighter of its last two frames.

    Observations are uint8 of shape (84, 84). Each step repeats the action for as many frames as the environment
    itself would, drawn from the same random numbers: the game stays the same, and only what is seen differs.

    Why two frames: Space Invaders draws bombs in one frame and your shots in the next, by turns. The last frame alone
    would lack nearly half of all that flies.

    Why not gym's own wrappers: `AtariPreprocessing` wants an environment without frame skip, and then skips a fixed
    number of frames, which is another game than `SpaceInvaders-v0`; `GrayScaleObservation` and `ResizeObservation`
    see the last frame only, and all three need OpenCV, which is not among the pinned packages. The emulator makes the
    grey itself, and Pillow the small picture, each pixel the mean of those that it covers; both leave Python's lock
    to other threads, and neither starts threads of its own. Source: Mnih et al. 2015, "Preprocessing".

    At a skip of 2 or more both frames belong to the same step: what comes next follows from the emulator's state and
    `np_random` alone.
    """

    def __init__(self, env: gym.Env):
        super().__init__(env)
        width, height = env.ale.getScreenDims()
        self.observation_space = gym.spaces.Box(0, 255, SMALL_SCREEN, np.uint8)
        self.frames = np.zeros((2, height, width), np.uint8)
        self.newest = 0  # which of the two frames is the later one

    def reset(self, **kwargs: Any) -> np.ndarray:
        self.env.reset(**kwargs)
        self.frames[:] = 0
        self._look()
        return self._small()

    def step(self, action: int) -> Tuple[np.ndarray, float, bool, Dict]:
        game = self.env
        skip = game.frameskip if isinstance(game.frameskip, int) else game.np_random.randint(*game.frameskip)
        reward = 0.0
        for frames_left in reversed(range(skip)):
            reward += game.ale.act(game._action_set[action])
            if frames_left < 2:
                self._look()
        return self._small(), reward, game.ale.game_over(), {"ale.lives": game.ale.lives()}

    def _look(self) -> None:
        self.newest = 1 - self.newest
        self.env.ale.getScreenGrayscale(self.frames[self.newest])

    def _small(self) -> np.ndarray:
        both = Image.fromarray(np.maximum(*self.frames))
        return np.asarray(both.resize(SMALL_SCREEN[::-1], Image.BOX))


class LifeAsEpisode(gym.Wrapper):
    """End an episode with each life that is lost, so that nothing is expected after it; the game itself goes on.

    For training only: `reset` begins a new game if the old one is over, and otherwise goes on after one step without
    an action. Source: Mnih et al. 2015, "Training details".

    Attributes:
        game_goes_on: whether the episode ended, but not the game.
        steps_in_game: agent steps so far in the game, over all its lives.
    """

    def __init__(self, env: gym.Env):
        super().__init__(env)
        self.game_goes_on, self.steps_in_game, self.lives = False, 0, 0

    def reset(self, **kwargs: Any) -> np.ndarray:
        if self.game_goes_on:
            observation, _, done, _ = self.env.step(0)
            self.steps_in_game += 1
            self.game_goes_on = not done
        if not self.game_goes_on:
            observation = self.env.reset(**kwargs)
            self.steps_in_game = 0
        self.game_goes_on, self.lives = False, self.env.unwrapped.ale.lives()
        return observation

    def step(self, action: int) -> Tuple[np.ndarray, float, bool, Dict]:
        observation, reward, done, info = self.env.step(action)
        self.steps_in_game += 1
        self.game_goes_on = not done and info["ale.lives"] < self.lives
        self.lives = info["ale.lives"]
        return observation, reward, done or self.game_goes_on, info


def make_game(env_id: str = PIXELS, seed: Optional[int] = None) -> ScoreKeeper:
    """Make the environment `env_id`, for example `PIXELS` or `RAM`, and seed it and its random actions.

    Raises:
        ValueError: gym knows no game of this name.
        FileNotFoundError: the game exists, but its ROM was not imported yet.
    """
    return _keep_score(_make(env_id), seed)


def make_small_screen_game(env_id: str = PIXELS, seed: Optional[int] = None) -> ScoreKeeper:
    """As `make_game`, but observations are the screen in grey, uint8 of shape (84, 84); see `SmallScreen`.

    The game is the one that `make_game(env_id, seed)` makes, with its frame skips, sticky actions and end.

    Raises:
        ValueError: gym knows no game of this name, or it is not an Atari game.
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


def _keep_score(env: gym.Env, seed: Optional[int]) -> ScoreKeeper:
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


def layers_of(env: gym.Env) -> List[gym.Env]:
    """The wrappers of an environment, from the outermost to the environment itself."""
    layers = [env]
    while isinstance(layers[-1], gym.Wrapper):
        layers.append(layers[-1].env)
    return layers


def finished_game(env: gym.Env, logs: Dict[str, Any]) -> Optional[Tuple[float, int]]:
    """Score and agent steps of the game that just ended, for a keras-rl2 callback's `on_episode_end`.

    The score is in game points if `env` holds a `ScoreKeeper`; otherwise it is the sum of the rewards that the agent
    saw. None if only a life ended (see `LifeAsEpisode`).
    """
    if getattr(env, "game_goes_on", False):
        return None
    return float(getattr(env, "score", logs["episode_reward"])), int(getattr(env, "steps_in_game",
                                                                             logs["nb_episode_steps"]))
