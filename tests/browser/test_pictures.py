"""The pictures of what only runs live can be taken again, by the program that took those in notebooks/pictures/."""
import numpy as np
import pytest
from PIL import Image
from take_pictures import PICTURES, take_game_player, take_tensorboard, train_two

BYTES = 150_000  # of a picture at most, as it is read on a telephone too


def colours_in(path) -> int:
    """How many colours a picture has; an empty page has very few."""
    return len(np.unique(np.asarray(Image.open(str(path)).convert("RGB")).reshape(-1, 3), axis=0))


@pytest.mark.parametrize("name", PICTURES)
def test_the_stored_pictures_are_small_and_show_something(project, name):
    path = project / "notebooks" / "pictures" / f"{name}.png"
    assert path.stat().st_size < BYTES and colours_in(path) > 40


def test_the_player_is_taken_at_play(sit_down, tmp_path):
    seat, path = sit_down("08"), tmp_path / "player.png"
    take_game_player(seat, path, steps=20)
    assert path.stat().st_size < BYTES and colours_in(path) > 40
    assert seat.trouble() == []


def test_tensorboard_is_taken_with_the_curves_of_both_runs(sit_down, lab, tmp_path):
    seat, path = sit_down("06"), tmp_path / "tensorboard.png"
    train_two(lab.runs, 4_000)
    take_tensorboard(seat, path)
    assert path.stat().st_size < BYTES and colours_in(path) > 40
    assert seat.trouble() == []
