"""What the RAM agents are shown of a state: bytes and, if they ask for it, bits and places as seen from the cannon."""
from typing import Any, Optional

import numpy as np

BITS = 8
"""Rows by which a state grows when its bits are shown."""

_SHIFTS = np.arange(BITS, dtype=np.uint8)[::-1, None]

CANNON = 28
"""The byte that says where the cannon stands, in pixels from the left."""

ACROSS = (26, 30, 83, 84, 87)
"""Bytes that say how far from the left something is: the invaders, the saucer, two bombs, the cannon's own shot."""

DOWN = (81, 82, 85)
"""Bytes that say how far down something is, in two rows of pixels: two bombs, the cannon's own shot."""

CANNON_DOWN = 90
"""How far down a bomb is when it meets the cannon, about; beyond 200: there is none."""

STEP, FAR = 4.0, 6.0
"""Distances are shown in units of STEP, and never beyond FAR units: what is near must be seen clearly.

A bomb that falls 0 to 8 pixels right of where the cannon's byte says it is hits. Of bytes divided by 255 a network
hardly learns that in a million steps.
"""


def nb_rows(window: int, bits: bool = False, positions: bool = False) -> int:
    """Rows of 128 numbers that the network gets for a state of `window` observations."""
    return BITS * bits + positions + window


def show(states: Any, scale: Optional[float], bits: bool = False, positions: bool = False) -> np.ndarray:
    """States [B, W, 128] of bytes as the network gets them, float32 [B, nb_rows(W, bits, positions), 128].

    Args:
        scale: factor on bytes; None leaves them as they are.
        bits: show each bit of the newest observation, 0 or 1: a row for the highest bits comes first.
        positions: then a row that has for the bytes in ACROSS and DOWN of the newest observation how far right of the
            cannon, or below its top, that is; 0 for all others. Of Space Invaders only.
    """
    states = np.asarray(states)
    first = nb_rows(0, bits, positions)
    shown = np.empty((len(states), first + states.shape[1], states.shape[2]), np.float32)
    if bits:
        shown[:, :BITS] = states[:, -1, None].astype(np.uint8, copy=False) >> _SHIFTS & 1
    if positions:
        places = states[:, -1].astype(np.float32)
        shown[:, first - 1] = 0
        shown[:, first - 1, ACROSS] = ((places[:, ACROSS] - places[:, CANNON, None]) / STEP).clip(-FAR, FAR)
        shown[:, first - 1, DOWN] = ((places[:, DOWN] - CANNON_DOWN) / STEP).clip(-FAR, FAR)
    np.multiply(states, np.float32(1 if scale is None else scale), out=shown[:, first:], casting="unsafe")
    return shown
