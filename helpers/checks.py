"""What is checked of a value that a reader chose, and of a game that an agent is given."""
from functools import partial
from math import inf
from numbers import Real
from typing import Any

import numpy as np
from gym import Space, spaces


def check_range(name: str, value: Any, low: float, high: float = inf, advice: str = "Choose another.", *,
                whole: bool = False) -> float:
    """Return the number as a float, or as an int if it has to be whole: 1e4 is 10,000.

    Raises:
        ValueError: it is not in the range, or no number; with the name, the value, what was expected, and the advice.
    """
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if not (is_number and low <= value <= high and (not whole or value % 1 == 0)):  # so that NaN is refused too
        expected = f"at least {low}" if high == inf else f"{low} to {high:,}"
        raise ValueError(f"{name} is {value!r}; expected {expected}{', a whole number' if whole else ''}. {advice}")
    return int(value) if whole else float(value)


check_count = partial(check_range, whole=True)


def check_seed(seed: Any, name: str = "seed") -> int:
    """Return what NumPy, `random`, TensorFlow and the emulator all take as a seed: 0 to 2**32 - 1.

    Raises:
        ValueError: it is something else.
    """
    return check_count(name, seed, 0, 2**32 - 1)


def check_alike(observation: np.ndarray, held: np.ndarray) -> None:
    """Refuse an observation that is not like those in `held` [..., *shape]: NumPy would cast it without a word.

    Raises:
        ValueError: its shape or dtype differs, or it is no array of numbers.
    """
    if observation.shape != held.shape[1:] or observation.dtype != held.dtype or observation.dtype.hasobject:
        raise ValueError(f"Received an observation of shape {observation.shape} and dtype {observation.dtype}; "
                         f"expected {held.shape[1:]} and {held.dtype} as before. Wrap the environment so that all "
                         "observations are alike, or use a new memory.")


def check_fits(agent: Any, env: Any) -> None:
    """Refuse, before the first step, a game that the agent can't have been made for.

    A processor that has a method `check_env` is asked as well. One that has its own `process_action` may translate from
    other numbers of actions.

    Raises:
        ValueError: the network has another number of outputs than the game has actions, actions are not numbered,
            observations are several things, or the processor refuses.
    """
    processor = getattr(agent, "processor", None)
    if hasattr(processor, "check_env"):
        processor.check_env(env)
    translates = any("process_action" in vars(base) for base in type(processor).__mro__ if base.__module__ != "rl.core")
    seen, space = getattr(env, "observation_space", None), getattr(env, "action_space", None)
    if processor is None and isinstance(seen, (spaces.Dict, spaces.Tuple)):
        raise ValueError(f"This game's observations are a {type(seen).__name__}; expected an array. Wrap it, in gym's "
                         "FlattenObservation for example.")
    if not translates and isinstance(space, Space) and not isinstance(space, spaces.Discrete):
        raise ValueError(f"This game's actions are a {type(space).__name__}; expected numbers (Discrete). Wrap it so "
                         "that each action has a number.")
    outputs, actions = getattr(agent, "nb_actions", None), getattr(space, "n", None)
    if not translates and None not in (outputs, actions) and outputs != actions:
        raise ValueError(f"The agent chooses among {outputs} actions, but this game has {actions}; expected the same "
                         "number. Build network and agent with the game's, or choose the agent's game.")
