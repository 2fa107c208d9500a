"""What the RAM agents are shown of a state: bytes and, if they ask for it, bits and places as seen from the cannon.

Where the invaders stand: bytes 18 to 23 are their six rows, the lowest first, and bit 0 of each is the leftmost column
in which any is alive. That column's place is byte 26, and each further column stands 16 pixels to the right.
"""
import json
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

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


def check_shown(shown: Sequence[str]) -> Tuple[str, ...]:
    """Return these names of VIEWS in the table's order.

    Raises:
        ValueError: there is no such view, or it is no list.
    """
    if not isinstance(shown, (list, tuple)) or any(name not in list(VIEWS) for name in shown):
        raise ValueError(f"shown is {shown!r}; expected a list of some of {', '.join(VIEWS)}. Choose among these.")
    return tuple(name for name in VIEWS if name in shown)


def nb_rows(window: int, shown: Sequence[str] = (), **switches: Any) -> int:
    """Count the rows of 128 numbers that the network gets for `window` observations, with these of VIEWS before them.

    Raises:
        ValueError: there is no such view.
        TypeError: a view was switched on by an argument of its own, as it was once done.
    """
    if switches:
        names = json.dumps([name for name, on in switches.items() if on])
        raise TypeError(f"Received {', '.join(switches)}; expected what is shown in a list. Write shown={names}.")
    return window + sum(VIEWS[name].rows for name in check_shown(shown))


def show(states: Any, scale: Optional[float], shown: Sequence[str] = ()) -> np.ndarray:
    """Turn states [B, W, 128] of bytes into what the network gets, float32 [B, nb_rows(W, shown), 128].

    Args:
        scale: factor on bytes; None leaves them as they are.
        shown: names of VIEWS; their rows, made of the newest observation, come first, in the table's order.
    """
    states = np.asarray(states)
    tables = [table for name, view in VIEWS.items() if name in shown for table in view.tables(states[:, -1])]
    result = np.empty((len(states), len(tables) + states.shape[1], states.shape[2]), np.float32)
    result[:, :len(tables)] = 0
    for row, table in enumerate(tables):
        result[:, row, :table[0].size] = table.reshape(len(table), -1)
    np.multiply(states, np.float32(1 if scale is None else scale), out=result[:, len(tables):], casting="unsafe")
    return result


def _bits(ram: np.ndarray) -> np.ndarray:
    return (ram[:, None].astype(np.uint8, copy=False) >> _SHIFTS & 1).swapaxes(0, 1)


def _positions(ram: np.ndarray) -> List[np.ndarray]:
    places = ram.astype(np.float32)
    row = np.zeros_like(places)
    row[:, ACROSS] = ((places[:, ACROSS] - places[:, CANNON, None]) / STEP).clip(-FAR, FAR)
    row[:, DOWN] = ((places[:, DOWN] - CANNON_DOWN) / STEP).clip(-FAR, FAR)
    return [row]


def show_invaders(ram: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Turn bytes [B, 128] into what is near the cannon [B, 6, 21], and what its shot can meet [B, 7, 17]; float32.

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
    """Turn bytes [B, 128] into where bombs fall, float32 [B, 9, 13]: at each of BOMB_HEIGHTS, at BOMB_PLACES.

    A number is 1 where a bomb is exactly there, and falls to 0 until the next place or height.
    """
    places = ram.astype(np.float32)
    across, down = (places[:, one] for one in BOMBS)
    across = _nearness(across - places[:, CANNON, None], BOMB_PLACES)
    return _nearness(down, BOMB_HEIGHTS).transpose(0, 2, 1) @ across


def _nearness(distances: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Turn distances [B, N] into [B, N, places]: 1 at a place, 0 from the next place on, linear in between."""
    return np.maximum(0, 1 - np.abs(distances[:, :, None] - places.astype(np.float32)) / (places[1] - places[0]))


class View(NamedTuple):
    """What a network can be shown of the RAM besides its bytes.

    rows: how many of 128 numbers. tables: makes of the newest bytes [B, 128] what stands in each row, [B, up to 128
    numbers]; zeros fill it up. game: whose bytes it reads, as atari_py calls it; None for any.
    """

    rows: int
    tables: Callable[[np.ndarray], Sequence[np.ndarray]]
    game: Optional[str] = "space_invaders"


VIEWS: Dict[str, View] = {
    "bits": View(BITS, _bits, game=None),  # each bit is 0 or 1; a row for the highest bits comes first
    "positions": View(1, _positions),  # at ACROSS and DOWN, how far right of the cannon or below its top; else 0
    "invaders": View(2, show_invaders),  # what stands near the cannon, and what its shot can meet
    "bombs": View(1, lambda ram: [show_bombs(ram)]),  # where bombs fall, as seen from the cannon
}
"""The views by name, for `shown` of `build_agent`. Their order is that of the rows: a new one comes last."""
