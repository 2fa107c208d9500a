"""Draw an agent's Q-values as bars, a row for each action."""
import math
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, Optional, Sequence

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

WIDTH = 360
"""Pixels; even, as H.264 wants it."""

CHOSEN, OTHER, WORDS, FAINT = "#E69F00", "#56B4E9", "#FFFFFF", "#BBBBBB"
"""Orange and sky blue of Okabe and Ito's palette, which colour-blind readers can tell apart; on black."""

_TITLE_HEIGHT = 54
_VALUES, _NUMBERS, _DIFFERENCES = (104, 186), 192, (256, 352)  # columns, in pixels

_FONTS = Path(matplotlib.get_data_path()) / "fonts" / "ttf"  # Pillow brings no font that is easy to read


class Axis(NamedTuple):
    """Where bars end: Q-values at `low`, 0 or below, and `high`, 0 or above; differences at -`spread` and `spread`.

    A larger difference has a bar as long as the column.
    """

    low: float
    high: float
    spread: float


def axis_for(q_values: Sequence[Sequence[float]]) -> Axis:
    """Choose an axis with room for the Q-values of all these steps, [steps, actions], and for nine in ten differences.

    Once or twice in a game an action matters ten times as much as usual; the others shall be seen as well. Its numbers
    are 0 or one of 1, 1.5, 2, 3, 4, 6 and so on: a game that is played on does not stretch its bars all the time.
    """
    if not len(q_values):
        return Axis(0.0, 1.0, 1.0)
    values = np.array(q_values)
    furthest = np.abs(values - values.mean(axis=1, keepdims=True)).max(axis=1)
    return Axis(-_ceiling(-values.min()), _ceiling(values.max()), _ceiling(np.percentile(furthest, 90)))


def _ceiling(value: float) -> float:
    """Return the first of these numbers at or above `value`; 0 for what is not above 0."""
    if value <= 0:
        return 0.0
    power = 2.0 ** math.floor(math.log2(value))
    return next(factor * power for factor in (1, 1.5, 2) if factor * power >= value)


@lru_cache(maxsize=None)
def _font(name: str) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(_FONTS / f"{name}.ttf"), 12)


def draw_q_values(names: Sequence[str], q_values: Optional[Sequence[float]], chosen: Optional[int], axis: Axis,
                  height: int) -> Image.Image:
    """Draw a picture of WIDTH x `height` pixels, RGB, white on black.

    An action's first bar is its Q-value, from 0. Those of one state are nearly equal as a rule, so a second bar shows
    by how much each is above or below their mean, which is what the choice hangs on.

    Args:
        names: of the actions.
        q_values: one for each action; None after the last step, when there is nothing to choose.
        chosen: the action that was taken; its bars have another colour, and an arrow.
        axis: where bars end.
        height: 200 or more leaves room for the letters.
    """
    plain, bold = _font("DejaVuSans"), _font("DejaVuSans-Bold")
    if q_values is None:
        picture = Image.new("RGB", (WIDTH, height))
        ImageDraw.Draw(picture).text((14, 8), "No action: the recording ends here.", WORDS, font=plain)
        return picture
    picture = _labels(tuple(names), height).copy()
    draw = ImageDraw.Draw(picture)
    mean = sum(q_values) / len(q_values)
    by_chance = q_values[chosen] < max(q_values)
    draw.text((14, 8), f"Chosen: {names[chosen]}" + (", by chance" if by_chance else ", the highest"), WORDS, font=bold)
    for action, value in enumerate(q_values):
        middle, half = _middle(action, len(names), height), int((height - _TITLE_HEIGHT) / len(names) * 0.28)
        if action == chosen:
            draw.polygon([(3, middle - 5), (3, middle + 5), (9, middle)], fill=CHOSEN)
        draw.text((_NUMBERS, middle - 7), f"{value:.3f}"[:7], WORDS, font=bold if action == chosen else plain)
        for column, low, high, length in ((_VALUES, axis.low, axis.high, value),
                                          (_DIFFERENCES, -axis.spread, axis.spread, value - mean)):
            zero, end = (_place(column, low, high, number) for number in (0, length))
            draw.rectangle([min(zero, end), middle - half, max(zero, end), middle + half],
                           fill=CHOSEN if action == chosen else OTHER)
            draw.line([zero, middle - half - 6, zero, middle + half + 6], fill=FAINT)
    return picture


@lru_cache(maxsize=8)
def _labels(names: Sequence[str], height: int) -> Image.Image:
    """Draw what stays the same from step to step; letters take the longest."""
    picture = Image.new("RGB", (WIDTH, height))
    draw = ImageDraw.Draw(picture)
    draw.text((_VALUES[0], 32), "Q-value", FAINT, font=_font("DejaVuSans"))
    draw.text((_DIFFERENCES[0], 32), "from the mean", FAINT, font=_font("DejaVuSans"))
    for action, name in enumerate(names):
        draw.text((14, _middle(action, len(names), height) - 7), name, WORDS, font=_font("DejaVuSans"))
    return picture


def _middle(action: int, nb_actions: int, height: int) -> int:
    """Return the pixel row in the middle of an action's bars."""
    return int(_TITLE_HEIGHT + (height - _TITLE_HEIGHT) / nb_actions * (action + 0.5))


def _place(column: Sequence[int], low: float, high: float, number: float) -> float:
    """Return the pixel column of `number`, or of the end that it lies beyond, on an axis from `low` to `high`."""
    return column[0] + (column[1] - column[0]) * (min(max(number, low), high) - low) / ((high - low) or 1)
