"""What the network is given of observations and rewards: keras-rl2 processors."""
from typing import Any, List, Optional, Sequence

import numpy as np
from rl.core import Processor

from helpers.agents.hyperparameters import todays_names
from helpers.game.environment import game_of
from helpers.game.ram import VIEWS, check_shown, show


class ScaleAndClip(Processor):
    """Give the network numbers of a size that it can learn from.

    Observations, bytes from 0 to 255, are multiplied by `observation_scale` when a batch is made (the memory keeps
    bytes); rewards are clipped to [-reward_clip, reward_clip]. None leaves them as they are.
    """

    def __init__(self, observation_scale: Optional[float] = 1 / 255, reward_clip: Optional[float] = 1.0):
        self.observation_scale = observation_scale
        self.reward_clip = reward_clip

    def process_state_batch(self, batch: List[Any]) -> Any:
        if self.observation_scale is None:
            return batch
        return np.asarray(batch, dtype=np.float32) * np.float32(self.observation_scale)

    def process_reward(self, reward: float) -> float:
        return reward if self.reward_clip is None else float(np.clip(reward, -self.reward_clip, self.reward_clip))


class ShowRam(ScaleAndClip):
    """As `ScaleAndClip`, and show the network more of the RAM than bytes: the VIEWS of `helpers.game.ram`.

    Bytes that hold eight yes-or-no facts, such as which invaders of a row are alive, make no sense as numbers: 127 and
    128 are neighbours, but differ in every bit. And what matters of a place is often how far it is from the cannon.
    The memory keeps bytes.
    """

    def __init__(self, observation_scale: Optional[float] = 1 / 255, reward_clip: Optional[float] = 1.0,
                 shown: Sequence[str] = ("bits",)):
        super().__init__(observation_scale, reward_clip)
        self.shown = check_shown(shown)

    def check_env(self, env: Any) -> None:
        """Refuse a game whose bytes mean something else.

        Raises:
            ValueError: with the game, and what is shown of another one.
        """
        game = game_of(env)
        wrong = [name for name in self.shown if None not in (game, VIEWS[name].game) and game != VIEWS[name].game]
        if wrong:
            raise ValueError(f"The game is {game}, but shown={wrong} reads the bytes of {VIEWS[wrong[0]].game}; "
                             "expected that game. Choose it, or build network and agent without them.")

    def set_state(self, state: Any) -> None:
        """Go on from a checkpoint, of an agent that was shown the same.

        Raises:
            ValueError: it was shown something else.
        """
        stored = check_shown(todays_names(state["plain"])["shown"])
        if stored != self.shown:
            raise ValueError(f"The checkpoint's agent has shown={stored}, and this one {self.shown}; expected the "
                             "same. Make the agent as it was then, or start a new run.")

    def process_state_batch(self, batch: List[Any]) -> np.ndarray:
        return show(batch, self.observation_scale, self.shown)
