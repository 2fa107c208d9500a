"""Weights files: HDF5 as Keras writes it, with a note of what the weights were made for."""
import io
import json
from pathlib import Path
from typing import Any, Dict, List

import h5py
from rl.core import Agent
from tensorflow.python.keras.saving import hdf5_format

from helpers.files import find_weights_file
from helpers.game.environment import game_of


def weights_as_hdf5(agent: Agent, env: Any = None) -> bytes:
    """Return what `agent.save_weights` writes; in memory, as HDF5 on a full disk takes the whole kernel down.

    It notes for which game the weights are, how observations were scaled, and what else than them was shown, which the
    weights don't tell. The same weights make the same bytes.
    """
    buffer = io.BytesIO()
    with h5py.File(io.BytesIO(), "w") as dated, h5py.File(buffer, "w") as file:
        hdf5_format.save_weights_to_hdf5_group(dated, agent.model.layers)
        _copy_without_times(dated, file)
        file.attrs["made_for"] = json.dumps({"game": game_of(env), "observation_scale": _observation_scale(agent),
                                             "shown": _shown(agent)})
    return buffer.getvalue()


def _made_for(path: Path) -> Dict[str, Any]:
    """Return what `weights_as_hdf5` noted in a file; nothing if another program wrote it."""
    try:
        with h5py.File(str(path), "r") as file:
            return json.loads(file.attrs.get("made_for", "{}"))
    except (OSError, ValueError):
        return {}


def _copy_without_times(source: h5py.Group, target: h5py.Group) -> None:
    """Copy a group without the times at which its arrays were written, which HDF5 notes unless it is told not to."""
    for name, value in source.attrs.items():
        target.attrs[name] = value
    for name, item in source.items():
        if isinstance(item, h5py.Group):
            _copy_without_times(item, target.create_group(name))
        else:
            target.create_dataset(name, data=item[()], track_times=False)


def _observation_scale(agent: Agent) -> float:
    scale = getattr(agent, "observation_scale", None) or getattr(agent.processor, "observation_scale", None)
    return round(float(scale or 1), 9)


def _shown(agent: Agent) -> List[str]:
    """Return what the agent sees besides its observations; see `helpers.game.ram.VIEWS`."""
    return list(getattr(agent.processor, "shown", ()))


def load_weights(agent: Agent, path: Path, env: Any = None) -> None:
    """Load weights that `SaveWeights` or `agent.save_weights` wrote into `agent`, target network included.

    Args:
        agent: made as the one that was trained.
        path: the weights file.
        env: the environment that the agent will play, to be sure that it is the game of the weights; or None.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file holds weights of another network or game, or for another input, in another format, or none
            at all.
    """
    path = find_weights_file(path)
    if not h5py.is_hdf5(str(path)):
        raise ValueError(f"{path.name} is no weights file; expected HDF5. Load a weights-*.h5 or weights.h5 that "
                         "training saved.")
    made_for = _made_for(path)
    for name, here in (("observation_scale", _observation_scale(agent)), ("shown", _shown(agent)),
                       ("game", game_of(env))):
        if here is not None and made_for.get(name) not in (None, here):
            raise ValueError(f"The weights in {path.name} were made for {name} {made_for[name]}, and here it is "
                             f"{here}; expected the same. Make agent and game as they were in training, or load other "
                             "weights.")
    try:
        agent.load_weights(str(path))
    except (ValueError, OSError, KeyError) as error:
        shapes = [tuple(weights.shape) for weights in agent.model.weights]
        raise ValueError(f"{path.name} does not fit this agent ({error}); expected weights of shapes {shapes}. Load a "
                         "file of this notebook's agent: the pixel and the RAM agent can't share weights.") from None
