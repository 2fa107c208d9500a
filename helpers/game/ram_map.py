"""A map of the console's memory in Space Invaders: what its bytes mean, each label with its check against the screen.

Notebook 10 finds it by watching and by changing bytes. A label's precision is the share of frames in which the screen
shows what the label says, among those in which it says something that can be seen. In the frame in which something
happens the memory knows it, but the screen shows it one frame later; nearly all misses are such frames.
"""
from typing import Any, Callable, Dict, NamedTuple, Tuple

import numpy as np

from helpers.game import ram_checks as checks
from helpers.game.ram import CANNON, INVADERS, SAUCER, SHOT, SHOT_DOWN
from helpers.game.ram_checks import (
    BOMBS_AT,
    COUNT,
    EXPLOSION,
    FLAGS,
    HEIGHT,
    HUNDREDS,
    LIVES,
    PHASE,
    POSE,
    SHIELDS_LEFT,
    TIMER,
    TURN,
    UNITS,
    Check,
)


class Label(NamedTuple):
    """A row of the map.

    bytes: their numbers, 0 to 127. read: how they are read. screen: where that is on the screen. others: which public
    maps say the same of these bytes; "" where neither does. check: compares the memory of N frames in a row,
    int [N, 128], with how red their screens are, uint8 [N, 210, 160].
    """

    name: str
    bytes: Tuple[int, ...]
    meaning: str
    read: str
    screen: str
    unit: str
    others: str
    check: Callable[[np.ndarray, np.ndarray], Check]


ARI, OC = "AtariARI", "OC_Atari"

RAM_MAP = (
    Label("cannon", (CANNON,), "where the cannon stands", "byte - 1", "left end of green, within 1, rows 185 to 194",
          "pixels", f"{ARI}, {OC}", checks.check_cannon),
    Label("cannon hit", (PHASE,), "the cannon explodes, if 4", "byte == 4", "its green has holes", "yes or no", "",
          checks.check_hit),
    Label("invaders, left end", (INVADERS,), "the leftmost column in which any is alive", "byte - 1",
          "leftmost yellow", "pixels", f"{ARI}, {OC}", checks.check_left),
    Label("invaders, height", (HEIGHT,), "how far down they are", "2 * byte + 121 - 18 * row",
          "topmost yellow of a row, the lowest being row 0", "two pixels", OC, checks.check_height),
    Label("invaders alive", tuple(range(18, 24)), "the six rows, the lowest first", "bit 0 is the leftmost column",
          "yellow 16 pixels further right for each column", "bits", OC, checks.check_rows),
    Label("invaders left", (COUNT,), "how many are alive", "byte", "how many are yellow", "invaders", f"{ARI}, {OC}",
          checks.check_count),
    Label("invader that explodes", (EXPLOSION,), "its row and its column", "bits 5 to 3, bits 2 to 0; 48: none",
          "yellow where nobody is alive", "row, column", "", checks.check_explosion),
    Label("invaders, pose", (POSE,), "which of two pictures is drawn", "9 or 255", "shape of an invader", "picture", "",
          checks.check_pose),
    Label("invaders, direction", (FLAGS,), "to the right, if 1", "bit 1", "the next move of the leftmost yellow",
          "yes or no", "", checks.check_direction),
    Label("invaders, turn", (TURN,), "the left end at which they turn back", "50 + 16 * columns that are gone",
          "rightmost column that is yellow", "pixels", "", checks.check_turn),
    Label("shields stand", (FLAGS,), "the shields are drawn, if 1", "bit 6", "anything brown", "yes or no", OC,
          checks.check_shields_stand),
    Label("shields", (SHIELDS_LEFT, *range(43, 70)), "three shields of nine bytes, each top down",
          "a bit for 1 x 2 pixels, bit 7 to the left", "brown from row 157 on, from byte 27 - 1, 32 pixels apart",
          "bits", OC, checks.check_shields),
    Label("shot", (SHOT, SHOT_DOWN), "where the cannon's shot is", "x - 2, 2 * y", "grey at x, 1 to 13 rows below y",
          "pixels, two pixels", OC, checks.check_shot),
    Label("first bomb", BOMBS_AT[0], "where a bomb is", "x - 2, 2 * y", "grey at x, 1 to 13 rows below y",
          "pixels, two pixels", OC, checks.check_first_bomb),
    Label("second bomb", BOMBS_AT[1], "where the other bomb is", "x - 2, 2 * y", "grey at x, 1 to 13 rows below y",
          "pixels, two pixels", OC, checks.check_second_bomb),
    Label("timer", (TIMER,), "counts frames down", "odd: the shot is drawn; even: bombs are", "what is grey", "frames",
          OC, checks.check_timer),
    Label("saucer", (SAUCER,), "where the saucer is", "byte - 1; 180: none", "leftmost purple, within 1", "pixels", OC,
          checks.check_saucer),
    Label("saucer, direction", (FLAGS,), "to the right, if 1", "bit 0", "the next move of the purple", "yes or no", "",
          checks.check_saucer_direction),
    Label("score", (HUNDREDS, UNITS), "four digits", "each half of a byte is a digit", "green, rows 10 to 19",
          "points", OC, checks.check_digits),
    Label("lives", (LIVES,), "lives left", "byte", "the golden digit of a pause", "lives", f"{ARI}, {OC}",
          checks.check_lives),
    Label("pause", (PHASE,), "all stands still, and lives are shown, if 1", "byte == 1", "a golden digit", "yes or no",
          "", checks.check_pause),
)
"""The map. Bytes that are not in it are copies, timers, sounds and pictures' addresses, or were not understood."""


def precision(ram: Any, screens: Any) -> Dict[str, Tuple[int, float]]:
    """Check the map against frames that follow one another.

    Args:
        ram: [N, 128], the memory after each frame.
        screens: what was seen then, [N, 210, 160, 3], or only the red of it, [N, 210, 160].

    Returns:
        For each label, in how many frames it says something that can be seen, and the share of them in which the
        screen shows it; NaN where there are none.

    Raises:
        ValueError: the shapes are others.
    """
    ram, red = np.asarray(ram), np.asarray(screens)
    red = red[..., 0] if red.ndim == 4 else red
    if ram.shape[1:] != (128,) or red.shape != (len(ram), 210, 160):
        raise ValueError(f"Received memory of shape {ram.shape} and screens of shape {np.shape(screens)}; expected "
                         "[N, 128] and [N, 210, 160] or [N, 210, 160, 3]. Record both after the same frames.")
    result = {}
    for label in RAM_MAP:
        said, right = label.check(ram.astype(int), red)
        result[label.name] = int(said.sum()), float(right[said].mean()) if said.any() else float("nan")
    return result
