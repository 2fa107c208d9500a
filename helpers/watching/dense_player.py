"""A trained RAM agent without TensorFlow, which takes seconds to start: its network is a few products of matrices.

It needs NumPy and h5py alone, so it also plays on today's Pythons (benchmarks/todays_tools.py).
"""
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, List, Tuple

import h5py
import numpy as np

from helpers.game.ram import show

if TYPE_CHECKING:  # gym 0.18, which it imports, does not install on today's Pythons
    from helpers.agents.recipes import Recipe


class DensePlayer:
    """Plays as the RAM agent of this recipe with these weights; it can't learn.

    Its Q-values are the agent's, rounded in another order: where two actions are worth the same to six digits, it may
    choose the other one.

    Args:
        made: of an agent on the RAM.
        weights: the file that its training saved.

    Attributes:
        memory, processor: what is asked of an agent that plays (see `helpers.measuring.parallel.Seat`).

    Raises:
        ValueError: the agent is not one on the RAM.
    """

    processor = None  # what one would do to the states is done in `compute_batch_q_values`

    def __init__(self, made: "Recipe", weights: Path):
        if not made.is_dense:
            raise ValueError(f"The agent's network is for {made.network}; expected an agent on the RAM. Use "
                             "build_and_load for others.")
        self.memory = SimpleNamespace(window_length=made.hyperparameters["window"])
        self._scale, self._shown = made.hyperparameters["observation_scale"], made.hyperparameters["shown"]
        *self._hidden, self._last = read_layers(weights)

    def compute_batch_q_values(self, states: Any) -> np.ndarray:
        """Turn states [B, W, 128] of bytes into Q-values, float32 [B, actions]."""
        values = show(states, self._scale, self._shown).reshape(len(states), -1)
        for kernel, bias in self._hidden:
            values = np.maximum(values @ kernel + bias, 0)
        kernel, bias = self._last
        values = values @ kernel + bias
        return values[:, :1] + values[:, 1:] - values[:, 1:].mean(axis=1, keepdims=True)  # dueling, "avg"


def read_layers(weights: Path) -> List[Tuple[np.ndarray, np.ndarray]]:
    """Read kernel [inputs, units] and bias [units] of each dense layer in a weights file, the first layer first."""
    with h5py.File(str(weights), "r") as file:
        groups = [file[name] for name in file.attrs["layer_names"]]
        return [tuple(group[name][()] for name in group.attrs["weight_names"])
                for group in groups if len(group.attrs["weight_names"])]
