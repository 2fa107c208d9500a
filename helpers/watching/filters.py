"""What a network looks for: the weights of its first convolution as small pictures."""
from typing import Optional

import matplotlib.pyplot as plt
import numpy as np


def draw_filters(weights: np.ndarray, ax: Optional[plt.Axes] = None, limit: Optional[float] = None,
                 title: str = "") -> plt.Axes:
    """Draw a convolution's filters: a column for each, a row for each screen it looks at, the newest at the bottom.

    Red weights answer to what is bright, blue ones to what is dark.

    Args:
        weights: [height, width, screens, filters], as Keras keeps a `Conv2D`'s.
        limit: the weight with the deepest colour, above 0; None for the largest. Pictures that are compared want the
            same one.
    """
    height, width, screens, filters = weights.shape
    limit = limit or float(np.abs(weights).max()) or 1.0
    tiles = np.full((screens * (height + 1) - 1, filters * (width + 1) - 1), np.nan)  # NaN: the paper between them
    for screen in range(screens):
        for number in range(filters):
            row, column = screen * (height + 1), number * (width + 1)
            tiles[row:row + height, column:column + width] = weights[:, :, screen, number]
    ax = ax or plt.subplots(figsize=(10, 10 * tiles.shape[0] / tiles.shape[1] + 0.3))[1]
    ax.imshow(tiles, cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest")
    for screen in range(screens):
        name = {screens - 1: "newest", 0: "oldest"}.get(screen, "")
        ax.text(-1, screen * (height + 1) + height / 2, name, ha="right", va="center", fontsize=9)
    ax.set_title(title, loc="left", fontsize=10)
    ax.axis("off")
    return ax
