"""Wrappers around a game: its own score, a small grey screen, a life as an episode."""
from typing import Any, Dict, Optional, Tuple

import gym
import numpy as np
from PIL import Image

SMALL_SCREEN = (84, 84)
"""Rows and columns of a small screen. Source: Mnih et al. 2015."""


class ScoreKeeper(gym.Wrapper):
    """Keep the game's own score, in points, whatever a processor later does to the rewards.

    keras-rl2 reports the rewards that its processor returned: after clipping to 1, every hit counts the same. A
    ScoreKeeper around a wrapper that changes rewards counts what another one beneath that wrapper counts.
    `scores` holds one number for each finished game, `score` the points of the game that is being played, or of the
    last one until the next begins.
    """

    def __init__(self, env: gym.Env):
        super().__init__(env)
        self.scores = []
        self.score = 0.0
        self._beneath = keeper_in(env)

    def reset(self, **kwargs: Any) -> np.ndarray:
        self.score = 0.0
        return self.env.reset(**kwargs)

    def step(self, action: int) -> Tuple[np.ndarray, float, bool, Dict]:
        before = self._beneath.score if self._beneath else 0.0
        observation, reward, done, info = self.env.step(action)
        self.score += self._beneath.score - before if self._beneath else reward
        if done:
            self.scores.append(self.score)
        return observation, reward, done, info


def keeper_in(env: Any) -> Optional[ScoreKeeper]:
    """Return the outermost ScoreKeeper of an environment; None if there is none."""
    while not isinstance(env, ScoreKeeper):
        if not isinstance(env, gym.Wrapper):
            return None
        env = env.env
    return env


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


def finished_game(env: gym.Env, logs: Dict[str, Any]) -> Optional[Tuple[float, int]]:
    """Return the score and agent steps of the game that just ended, for a keras-rl2 callback's `on_episode_end`.

    The score is in game points if `env` holds a `ScoreKeeper`; otherwise it is the sum of the rewards that the agent
    saw. None if only a life ended (see `LifeAsEpisode`).
    """
    if getattr(env, "game_goes_on", False):
        return None
    keeper = keeper_in(env)
    return float(keeper.score if keeper else logs["episode_reward"]), int(getattr(env, "steps_in_game",
                                                                                  logs["nb_episode_steps"]))
