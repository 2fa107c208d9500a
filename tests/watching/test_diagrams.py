"""The pictures draw what they are told, on the axes that they are given or on new ones."""
import io

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from helpers.watching import diagrams

DRAWINGS = {
    "draw_q_table": lambda ax: diagrams.draw_q_table(np.array([[0, 0.25], [0.5, 1], [0, 0]]), {2: "goal"}, ax, cell=1),
    "draw_backup": lambda ax: diagrams.draw_backup(1, {"left": 0.5, "right": 2, "fire": 1}, 0.99, ax),
    "draw_n_step": lambda ax: diagrams.draw_n_step(3, ax=ax),
    "draw_data_flow": diagrams.draw_data_flow,
    "draw_network_to_scale": lambda ax: diagrams.draw_network_to_scale({"first": 100, "flatten": 0, "last": 300}, ax),
    "draw_time_axis": lambda ax: diagrams.draw_time_axis(
        {"in turn": [[("act", 1), ("step", 2), ("learn", 5)]], "at once": [[("learn", 5)], [("step", 2)]]}, ax),
}

WORDS = {
    "draw_q_table": ["0.25 ▸", "◂ 0.50", "goal"],
    "draw_backup": ["left: 0.5", "right: 2", "1 + 0.99 × 2  =  2.98"],
    "draw_n_step": [r"$r_0 + \gamma\,r_1 + \gamma^2\,r_2 + \gamma^3\,\max\,Q(s_3)$"],
    "draw_data_flow": ["game", "replay memory", "network", "target network", "loss"],
    "draw_network_to_scale": ["first\n100\n25 %", "last\n300\n75 %"],
    "draw_time_axis": ["act", "step", "learn"],
}


@pytest.fixture(autouse=True)
def no_figure_is_left():
    yield
    plt.close("all")


@pytest.mark.parametrize("name", DRAWINGS)
@pytest.mark.parametrize("given", [True, False])
def test_it_draws_on_the_axes_that_it_returns_and_nothing_falls_off(name, given):
    ax = plt.subplots()[1] if given else None
    drawn = DRAWINGS[name](ax)
    assert drawn is ax or not given
    words = [text.get_text() for text in drawn.texts]
    assert all(any(word in text for text in words) for word in WORDS[name]), words
    if not given:  # at its own size everything fits
        renderer = drawn.figure.canvas.get_renderer()
        room = drawn.figure.bbox
        for text in drawn.texts:
            box = text.get_window_extent(renderer)
            assert box.x0 >= room.x0 and box.x1 <= room.x1 and box.y0 >= room.y0 and box.y1 <= room.y1, text


@pytest.mark.parametrize("name", DRAWINGS)
def test_no_words_of_a_picture_lie_on_others(name):
    ax = DRAWINGS[name](None)
    renderer = ax.figure.canvas.get_renderer()
    boxes = [(text.get_text(), text.get_window_extent(renderer)) for text in ax.texts]
    for number, (words, box) in enumerate(boxes):
        assert not [other for other, its in boxes[number + 1:] if box.overlaps(its)], words


def test_the_areas_of_a_network_are_its_weights():
    first, last = diagrams.draw_network_to_scale({"first": 100, "last": 300}).patches
    assert last.get_width() * last.get_height() == pytest.approx(3 * first.get_width() * first.get_height())


def test_a_lane_goes_on_where_the_last_part_ended():
    ax = diagrams.draw_time_axis({"one": [[("act", 1), (None, 2), ("learn", 4)]], "two": [[("step", 3)]]})
    bars = [(bar.get_x(), bar.get_width(), bar.get_y()) for bar in ax.patches]
    assert [bar[:2] for bar in bars] == [(0, 1), (3, 4), (0, 3)]
    assert bars[0][2] == bars[1][2] < bars[2][2]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["one", "two"]


def test_a_target_needs_a_state_to_look_at():
    with pytest.raises(ValueError, match="n is 6; expected 1 to 5, a whole number. Draw more states"):
        diagrams.draw_n_step(6)


def test_a_moving_picture_moves_and_waits_at_its_end():
    film = diagrams.moving_picture(lambda ax, number: ax.text(0, 0, str(number // 2)), nb_frames=6, milliseconds=100)
    picture = Image.open(io.BytesIO(film.data))
    assert picture.n_frames == 3  # two equal frames are one, shown for longer
    durations = []
    for number in range(3):
        picture.seek(number)
        durations.append(picture.info["duration"])
    assert durations == [200, 200, 600]
