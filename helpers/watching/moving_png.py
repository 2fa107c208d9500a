"""Moving PNGs: browsers and GitHub's preview show them, with all their colours."""
from typing import Any, Iterable, List, Tuple

from PIL import Image


def write_moving_png(path: Any, frames: Iterable[Tuple[Image.Image, float]]) -> None:
    """Write a moving PNG that repeats for ever; an old viewer shows its first frame.

    Args:
        path: a path or an open binary file.
        frames: pictures of one size, at least one, each with the milliseconds for which it is shown.
    """
    pictures: List[Image.Image] = []
    durations: List[float] = []
    for picture, milliseconds in frames:
        if pictures and pictures[-1].tobytes() == picture.tobytes():
            durations[-1] += milliseconds  # Pillow 7.2 can't write two equal frames in a row
        else:
            pictures.append(picture)
            durations.append(milliseconds)
    pictures[0].save(path, "PNG", save_all=True, append_images=pictures[1:], duration=durations, loop=0)
