"""What the RAM agents are shown of a state: its bytes, and if they ask for it each bit by itself."""
from typing import Any, Optional

import numpy as np

BITS = 8
"""Rows by which a state grows when its bits are shown too."""

_SHIFTS = np.arange(BITS, dtype=np.uint8)[::-1, None]


def bits_and_bytes(states: Any, scale: Optional[float]) -> np.ndarray:
    """States [B, W, 128] of bytes as float32 [B, BITS + W, 128].

    First a row for each bit of the newest observation, the highest first, each 0 or 1; then the bytes, times `scale`.
    """
    states = np.asarray(states)
    shown = np.empty((len(states), BITS + states.shape[1], states.shape[2]), np.float32)
    newest = states[:, -1, None].astype(np.uint8, copy=False)
    shown[:, :BITS] = newest >> _SHIFTS & 1
    np.multiply(states, np.float32(scale or 1), out=shown[:, BITS:], casting="unsafe")
    return shown
