"""What a player sees of an environment: the same in training, in measuring and in watching."""
from copy import deepcopy
from numbers import Real
from typing import Any, Dict, Sequence, Tuple

import gym
import numpy as np

from helpers.checks import check_alike, check_fits

Outcome = Tuple[Any, float, bool, dict]
"""Observation, reward, whether the game ended, and what else is known, as numbers."""


def check_envs(player: Any, envs: Sequence[Any]) -> None:
    """Refuse, before the first step, environments on which `player` can't train, be measured or be recorded.

    Whoever is given environments asks here, so that all refuse the same in the same words.

    Raises:
        ValueError: two of them are the same one, or one is refused by `check_fits`.
    """
    parts = [_parts(env) for env in envs]
    if len({part for inside in parts for part in inside}) < sum(map(len, parts)):
        raise ValueError("make_env returned the same environment twice, be it in two wrappers; expected a new one each "
                         "time, as each plays games of its own. Make the environment inside make_env.")
    for env in envs:
        check_fits(player, env)


def _parts(env: Any) -> Dict[int, Any]:
    """Collect, by their id, an environment and those inside it, whatever a wrapper calls them."""
    found, waiting = {}, [env]
    while waiting:
        part = waiting.pop()
        if id(part) not in found:
            found[id(part)] = part
            waiting += [value for value in getattr(part, "__dict__", {}).values() if isinstance(value, gym.Env)]
    return found


class Emulator:
    """An environment behind an agent's processor, with a window on its last observations.

    Whoever shows an agent a game does it through this class: an agent is measured on what it was trained on.

    Args:
        env: the environment.
        processor: the agent's, of the kind of keras-rl2's `Processor`; None changes nothing.
        window: observations that make one state; 0 keeps none, where the agent's memory does that.
        reaches_back: whether a state may reach back into the game before, instead of beginning with zeros.

    Attributes:
        observation: the last one, as the processor returned it; an array of its own.
        state: [window, *observation shape], the last observations; None before the first.
        over: whether the game is finished, or none has begun.
    """

    def __init__(self, env: Any, processor: Any = None, window: int = 1, reaches_back: bool = False):
        self.env, self.processor, self.window, self.reaches_back = env, processor, window, reaches_back
        self.observation, self.state, self.over = None, None, True

    def reset(self) -> Any:
        """Begin a game; return what is seen."""
        return self.see_first(self.env.reset())

    def step(self, action: Any) -> Outcome:
        """Make a step with an action that `process_action` returned; return what is seen of its outcome."""
        return self.see(*self.env.step(action))

    def process_action(self, action: Any) -> Any:
        """Return what the environment is given for an action of the agent."""
        return action if self.processor is None else self.processor.process_action(action)

    def see_first(self, observation: Any) -> Any:
        """Take in what the environment's `reset` returned; return what is seen of it."""
        observation, self.over = _copy(observation), False
        if self.processor is not None:
            observation = self.processor.process_observation(observation)
        self._show(observation, begins=True)
        return observation

    def see(self, observation: Any, reward: float, done: bool, info: dict) -> Outcome:
        """Take in what the environment's `step` returned; return what is seen of it.

        Raises:
            ValueError: the observation is not like those before.
        """
        observation = _copy(observation)
        if self.processor is not None:
            observation, reward, done, info = self.processor.process_step(observation, reward, done, info)
        self.over = bool(done)
        self._show(observation, begins=False)
        return observation, reward, done, {key: value for key, value in info.items() if _is_number(value)}

    def _show(self, observation: Any, begins: bool) -> None:
        self.observation = observation
        if not self.window:
            return
        observation = np.asarray(observation)
        if self.state is None:
            self.state = np.zeros((self.window, *observation.shape), observation.dtype)
        check_alike(observation, self.state)
        self.state[:-1] = self.state[1:]
        if begins and not self.reaches_back:
            self.state[:-1] = 0
        self.state[-1] = observation


def _is_number(value: Any) -> bool:
    return isinstance(value, (Real, np.bool_)) or (
        isinstance(value, np.ndarray) and value.size == 1 and value.dtype.kind in "biuf")


def _copy(observation: Any) -> Any:
    return observation.copy() if type(observation) is np.ndarray else deepcopy(observation)
