"""All that changes during a training, as one tree of arrays, numbers and texts; and back again."""
import random
from typing import Any, Dict, List

import numpy as np
from rl.callbacks import FileLogger, ModelIntervalCheckpoint, TrainEpisodeLogger
from tensorflow.keras import backend
from tensorflow.keras.callbacks import EarlyStopping, History, ReduceLROnPlateau

from helpers.checkpoints.object_state import env_state, object_state, restore_env, restore_object

KERAS_RL = (FileLogger, ModelIntervalCheckpoint, TrainEpisodeLogger)
"""keras-rl2's callbacks that go on where they were; TrainIntervalLogger begins a new interval."""

KERAS = {History: ("epoch", "history"), EarlyStopping: ("wait", "best", "stopped_epoch"),
         ReduceLROnPlateau: ("wait", "best", "cooldown_counter")}
"""Keras's callbacks that go on where they were, and what changes in them."""


def training_state(training: Any) -> Dict[str, Any]:
    """Return the state of a `helpers.learning.loop.Training` between two rounds.

    Arrays are not copied: use the state before the training goes on.
    """
    agent = training.agent
    optimizer = agent.optimizer
    return {
        "weights": agent.model.get_weights(),
        "target weights": agent.target_model.get_weights(),
        "optimizer": optimizer.get_weights(),
        "learning rates": {name: backend.get_value(getattr(optimizer, name)) for name in _numbers_of(optimizer)},
        "agent": {name: getattr(agent, name) for name in ("step", "recent_action", "recent_observation")},
        "memory": agent.memory.get_state(),
        "policy": object_state(agent.policy),
        "processor": None if agent.processor is None else object_state(agent.processor),
        "training": {name: getattr(training, name) for name in training.KEPT},
        "games": [env_state(env) for env in training.envs],
        "callbacks": [[type(callback).__name__, _callback_state(callback)] for callback in _kept(training)],
        "random": {"numpy": np.random.get_state(), "python": random.getstate()},
    }


def restore_training(training: Any, state: Dict[str, Any]) -> None:
    """Put a state into a training with the same settings, whose callbacks have heard that it begins.

    Raises:
        ValueError: a game comes out differently when it is played again, because the emulator is another.
    """
    for env, games in zip(training.envs, state["games"]):
        restore_env(env, games)
    agent = training.agent
    optimizer = agent.optimizer
    agent.model.set_weights(state["weights"])
    agent.target_model.set_weights(state["target weights"])
    optimizer.set_weights(state["optimizer"])
    for name, value in state["learning rates"].items():
        backend.set_value(getattr(optimizer, name), value)
    for name, value in state["agent"].items():
        setattr(agent, name, value)
    agent.memory.set_state(state["memory"])
    restore_object(agent.policy, state["policy"])
    if agent.processor is not None:
        restore_object(agent.processor, state["processor"])
    for name, value in state["training"].items():
        setattr(training, name, value)
    _restore_callbacks(_kept(training), state["callbacks"])
    np.random.set_state(state["random"]["numpy"])
    random.setstate(state["random"]["python"])


def _numbers_of(optimizer: Any) -> List[str]:
    """Return the optimizer's settings that may change while it runs, such as the learning rate."""
    return [name for name in optimizer.get_config() if hasattr(getattr(optimizer, name, None), "assign")]


def _kept(training: Any) -> List[Any]:
    return [callback for callback in training.callbacks.callbacks
            if hasattr(callback, "get_state") or isinstance(callback, (*KERAS, *KERAS_RL))]


def _callback_state(callback: Any) -> Any:
    if isinstance(callback, tuple(KERAS)):
        names = next(names for kind, names in KERAS.items() if isinstance(callback, kind))
        return {name: getattr(callback, name) for name in names}
    return object_state(callback)


def _restore_callbacks(callbacks: List[Any], states: List[List[Any]]) -> None:
    """Tell callbacks apart by their class, and those of one class by their order; new ones begin anew."""
    waiting = list(callbacks)
    for name, state in states:
        callback = next((callback for callback in waiting if type(callback).__name__ == name), None)
        if callback is None:
            continue
        waiting.remove(callback)
        if isinstance(callback, tuple(KERAS)):
            vars(callback).update(state)
        else:
            restore_object(callback, state)
