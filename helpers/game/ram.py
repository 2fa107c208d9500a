"""What the RAM agents are shown of a state: bytes and, if they ask for it, bits and places as seen from the cannon.

Where the invaders stand: bytes 18 to 23 are their six rows, the lowest first, and bit 0 of each is the leftmost column
in which any is alive. That column's place is byte 26, and each further column stands 16 pixels to the right.
"""
from typing import Any, Dict, Optional, Tuple

import numpy as np

BITS = 8
"""Rows by which a state grows when its bits are shown."""

_SHIFTS = np.arange(BITS, dtype=np.uint8)[::-1, None]

CANNON = 28
"""The byte that says where the cannon stands, in pixels from the left."""

SHOT, SHOT_DOWN = 87, 85
"""The bytes that say where the cannon's own shot is: pixels from the left, and how far down."""

SAUCER, NO_SAUCER = 30, 180
"""The byte that says where the saucer is, in pixels from the left, and its value while there is none."""

INVADERS, ROWS, COLUMN = 26, slice(18, 24), 16
"""The byte of the leftmost column's place, the bytes of the rows, and the pixels from a column to the next."""

AROUND_CANNON = np.arange(-40, 41, 4)
"""Places, in pixels right of the cannon, at which invaders are shown: 21 for each row."""

AROUND_SHOT = np.arange(-16, 17, 2)
"""Places, in pixels right of the cannon's shot, at which invaders and the saucer are shown: 17 for each row."""

BOMBS = (83, 84), (81, 82)
"""The bytes that say where the two bombs are: pixels from the left, and how far down."""

BOMB_PLACES, BOMB_HEIGHTS = np.arange(-20, 29, 4), np.arange(42, 107, 8)
"""Where bombs are shown: 13 places in pixels right of the cannon, 9 heights, the highest first."""

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


def shown_with(options: Dict[str, Any]) -> Dict[str, bool]:
    """Which of `show`'s switches these options of an agent turn on; off is what they do not name."""
    return {name: bool(options.get(name, False)) for name in ("bits", "positions", "invaders", "bombs")}


def nb_rows(window: int, bits: bool = False, positions: bool = False, invaders: bool = False,
            bombs: bool = False) -> int:
    """Rows of 128 numbers that the network gets for a state of `window` observations."""
    return BITS * bits + positions + 2 * invaders + bombs + window


def show(states: Any, scale: Optional[float], bits: bool = False, positions: bool = False, invaders: bool = False,
         bombs: bool = False) -> np.ndarray:
    """States [B, W, 128] of bytes as the network gets them, float32 [B, rows, 128]; see `nb_rows`.

    Args:
        scale: factor on bytes; None leaves them as they are.
        bits: show each bit of the newest observation, 0 or 1: a row for the highest bits comes first.
        positions: then a row that has for the bytes in ACROSS and DOWN of the newest observation how far right of the
            cannon, or below its top, that is; 0 for all others. Of Space Invaders only.
        invaders: then a row of what stands near the cannon, and one of what its shot can meet; see `show_invaders`. Of
            Space Invaders only.
        bombs: then a row of where bombs fall, as seen from the cannon; see `show_bombs`. Of Space Invaders only.
    """
    states = np.asarray(states)
    rows = nb_rows(0, bits, positions, invaders, bombs)
    shown = np.empty((len(states), rows + states.shape[1], states.shape[2]), np.float32)
    newest = states[:, -1]
    if bits:
        shown[:, :BITS] = newest[:, None].astype(np.uint8, copy=False) >> _SHIFTS & 1
    if positions:
        places, row = newest.astype(np.float32), shown[:, BITS * bits]
        row[:] = 0
        row[:, ACROSS] = ((places[:, ACROSS] - places[:, CANNON, None]) / STEP).clip(-FAR, FAR)
        row[:, DOWN] = ((places[:, DOWN] - CANNON_DOWN) / STEP).clip(-FAR, FAR)
    tables = [*(show_invaders(newest) if invaders else ()), *([show_bombs(newest)] if bombs else ())]
    for row, table in enumerate(tables, rows - len(tables)):
        shown[:, row] = 0
        shown[:, row, :table[0].size] = table.reshape(len(table), -1)
    np.multiply(states, np.float32(1 if scale is None else scale), out=shown[:, rows:], casting="unsafe")
    return shown


def show_invaders(ram: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Bytes [B, 128] to what stands near the cannon [B, 6, 21], and what its shot can meet [B, 7, 17]; float32.

    The first table has the six rows of invaders, the lowest first, at the places AROUND_CANNON; the second has them and
    then the saucer at the places AROUND_SHOT, and only zeros while no shot flies. A number is 1 where the left edge of
    one who is alive stands exactly there, and falls to 0 until the next place.
    """
    places = ram.astype(np.float32)
    alive = (ram[:, ROWS, None].astype(np.uint8, copy=False) >> np.arange(6, dtype=np.uint8) & 1).astype(np.float32)
    columns = places[:, INVADERS, None] + COLUMN * np.arange(6, dtype=np.float32)
    # what stands at a place is in one column, or in none: columns are further apart than places
    around = alive @ _nearness(columns - places[:, CANNON, None], AROUND_CANNON)
    targets = np.concatenate([alive @ _nearness(columns - places[:, SHOT, None], AROUND_SHOT),
                              _nearness((places[:, SAUCER] - places[:, SHOT])[:, None], AROUND_SHOT)], axis=1)
    targets[:, -1] *= (places[:, SAUCER] != NO_SAUCER)[:, None]
    targets *= (places[:, SHOT_DOWN] < CANNON_DOWN)[:, None, None]
    return around, targets


def show_bombs(ram: np.ndarray) -> np.ndarray:
    """Bytes [B, 128] to where bombs fall, float32 [B, 9, 13]: at each of BOMB_HEIGHTS, at the places BOMB_PLACES.

    A number is 1 where a bomb is exactly there, and falls to 0 until the next place or height.
    """
    places = ram.astype(np.float32)
    across, down = (places[:, one] for one in BOMBS)
    across = _nearness(across - places[:, CANNON, None], BOMB_PLACES)
    return _nearness(down, BOMB_HEIGHTS).transpose(0, 2, 1) @ across


def _nearness(distances: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Distances [B, N] to [B, N, places]: 1 at a place, 0 from the next place on, linear in between."""
    return np.maximum(0, 1 - np.abs(distances[:, :, None] - places.astype(np.float32)) / (places[1] - places[0]))
