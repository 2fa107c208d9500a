"""Take the state out of games, policies and processors, and put it into new ones that were made the same way."""
import hashlib
import os
import warnings
from collections import deque
from enum import Enum
from logging import Logger
from pathlib import Path, PurePath
from types import ModuleType
from typing import Any, Dict, List

import gym
import numpy as np
from atari_py import ALEInterface
from rl.core import Agent

STAYS = ("spec", "metadata", "viewer", "game_path", "params", "filepath")
"""Attributes that describe or show an environment, or belong to the computer or to the call of fit."""


class LoggedEmulator(ALEInterface):
    """An emulator that notes its state before the game began, and every action since.

    Why a log: atari_py's `cloneSystemState` leaves out which action is held. With sticky actions the next frame may
    need it, so an emulator that is given such a state soon plays another game in one case of thirty (tried 60 times).
    Every game begins with no action held; playing it again from there, at 4,000 steps a second, makes it exact.
    """

    def start_log(self, rom_file: str) -> None:
        """Note that a game may begin; for an emulator that exists already (see `log_games`)."""
        self.rom = hashlib.md5(Path(os.fsdecode(rom_file)).read_bytes()).hexdigest()
        self._begin_log(after_reset=False)

    def _begin_log(self, after_reset: bool) -> None:
        self.before, self.after_reset, self.actions = _snapshot(self), after_reset, bytearray()

    def loadROM(self, rom_file: Any) -> None:
        super().loadROM(rom_file)
        self.start_log(rom_file)

    def reset_game(self) -> None:
        self._begin_log(after_reset=True)
        super().reset_game()

    def act(self, action: int) -> int:
        self.actions.append(action)
        return super().act(action)

    def get_state(self) -> Dict[str, Any]:
        """Return what `set_state` needs, and the state that must come out."""
        return {"rom": self.rom, "before": self.before, "after_reset": self.after_reset,
                "actions": bytes(self.actions), "now": _snapshot(self)}

    def set_state(self, state: Dict[str, Any]) -> None:
        """Play the game again from its beginning.

        Raises:
            ValueError: it comes out differently, because the ROM or the emulator is another.
        """
        if state["rom"] != self.rom:  # its state would crash the emulator
            raise ValueError(f"The checkpoint's game is a ROM with MD5 {state['rom']}, but this environment's has "
                             f"{self.rom}; expected the same. Make the environment of the checkpoint's game.")
        _restore(self, state["before"])
        if state["after_reset"]:
            self.reset_game()
        for action in state["actions"]:
            self.act(action)
        if _snapshot(self) != state["now"]:
            raise ValueError("The game can't be continued: the same actions led elsewhere; expected the same state. "
                             "Use the atari_py with which the checkpoint was written, or start a new run.")


def _snapshot(ale: ALEInterface) -> bytes:
    state = ale.cloneSystemState()
    try:
        return ale.encodeState(state).tobytes()
    finally:
        ale.deleteState(state)


def _restore(ale: ALEInterface, data: bytes) -> None:
    state = ale.decodeState(np.frombuffer(data, np.uint8).copy())
    try:
        ale.restoreSystemState(state)
    finally:
        ale.deleteState(state)


def log_games(env: gym.Env) -> None:
    """From its next game on, let the emulator of `env` be one that can be stored."""
    console = layers_of(env)[-1]
    ale = getattr(console, "ale", None)
    if type(ale) is ALEInterface:  # not one that logs already
        ale.__class__ = LoggedEmulator  # in place: wrappers may hold it too
        ale.start_log(console.game_path)


def env_state(env: gym.Env) -> List[Dict[str, Any]]:
    """Return the state of each wrapper of an environment, from the outermost to the environment itself."""
    return [object_state(layer) for layer in layers_of(env)]


def restore_env(env: gym.Env, state: List[Dict[str, Any]]) -> None:
    """Put a state into an environment that was made in the same way.

    Raises:
        ValueError: the game comes out differently.
    """
    log_games(env)
    for layer, values in zip(layers_of(env), state):
        restore_object(layer, values)


def object_state(thing: Any) -> Any:
    """Return what may change in an object: what its class's `get_state` returns, or else its attributes.

    Taken are numbers, texts, arrays, and lists, dicts and so on of them; random generators; keras-rl2's objects; and
    objects whose class has `get_state` and `set_state`. What can't be taken is named in a warning.
    """
    if hasattr(type(thing), "get_state"):  # of the class: a gym.Wrapper passes on what its environment has
        return thing.get_state()
    if isinstance(thing, gym.Space):
        drew = vars(thing).get("_np_random") is not None  # else it will seed itself when it is first used
        return {"plain": {}, "inner": {"np_random": thing.np_random.get_state()} if drew else {}}
    lost = lost_in(thing)
    if lost:
        warnings.warn(f"Checkpoints leave out {', '.join(lost)} of the {type(thing).__name__}. If that changes during "
                      "training, give its class a get_state() and a set_state(state).", stacklevel=2)
    values = _changing(thing)
    return {"plain": {name: value for name, value in values.items() if _is_plain(value)},
            "inner": {name: object_state(value) for name, value in values.items() if _has_state(value)}}


def lost_in(thing: Any) -> List[str]:
    """Return the names of the attributes that `object_state` leaves out, because it can't take them."""
    if hasattr(type(thing), "get_state") or isinstance(thing, gym.Space):
        return []
    return [name for name, value in _changing(thing).items() if not (_is_plain(value) or _has_state(value))]


def _changing(thing: Any) -> Dict[str, Any]:
    return {name: value for name, value in vars(thing).items() if name not in STAYS and not _is_elsewhere(value)}


def restore_object(thing: Any, state: Any) -> None:
    """Put what `object_state` returned into `thing`; the objects inside stay the same, as others may share them."""
    if hasattr(type(thing), "set_state"):
        thing.set_state(state)
        return
    for name, value in state["plain"].items():
        setattr(thing, name, value)
    for name, value in state["inner"].items():
        restore_object(getattr(thing, name), value)


def _is_plain(value: Any) -> bool:
    """Return whether a file can hold the value as it is."""
    if type(value) in (list, tuple, deque):
        return all(_is_plain(item) for item in value)
    if isinstance(value, dict):
        return all(_is_plain(item) for item in [*value, *value.values()])
    if isinstance(value, (np.ndarray, np.generic)):
        return not value.dtype.hasobject
    return value is None or isinstance(value, (bool, int, float, str, bytes))


def _has_state(value: Any) -> bool:
    return hasattr(type(value), "get_state") or isinstance(value, gym.Space) or type(value).__module__.startswith("rl.")


def _is_elsewhere(value: Any) -> bool:
    """Return whether a value is stored elsewhere, or is code and does not change."""
    if type(value) in (list, tuple) and value:
        return all(map(_is_elsewhere, value))
    return callable(value) or isinstance(value, (gym.Env, Agent, ModuleType, np.dtype, Enum, Logger, PurePath))


def layers_of(env: gym.Env) -> List[gym.Env]:
    """Return the wrappers of an environment, from the outermost to the environment itself."""
    layers = [env]
    while isinstance(layers[-1], gym.Wrapper):
        layers.append(layers[-1].env)
    return layers
