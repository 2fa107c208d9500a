"""The filters of a convolution are drawn where they belong, in colours that can be compared."""
import matplotlib.pyplot as plt
import numpy as np
import pytest

from helpers.watching.filters import draw_filters


@pytest.fixture(autouse=True)
def no_figure_is_left():
    yield
    plt.close("all")


@pytest.fixture
def weights():
    """2 rows, 3 columns, 4 screens, 5 filters; each weight says where it is."""
    return np.arange(2 * 3 * 4 * 5, dtype=np.float32).reshape(2, 3, 4, 5) - 60


def test_each_filter_has_a_column_and_each_screen_a_row(weights):
    tiles = np.asarray(draw_filters(weights).images[0].get_array().filled(np.nan))
    assert tiles.shape == (4 * 3 - 1, 5 * 4 - 1)
    assert (tiles[9:11, 8:11] == weights[:, :, 3, 2]).all()  # the newest screen's part of the third filter
    assert np.isnan(tiles[2]).all() and np.isnan(tiles[:, 3]).all()


def test_the_newest_screen_is_said_to_be_at_the_bottom(weights):
    words = {text.get_text(): text.get_position()[1] for text in draw_filters(weights).texts}
    assert words["oldest"] < words["newest"]  # an image's rows are counted from the top


@pytest.mark.parametrize("limit, colours", [(None, 60), (5, 5)])
def test_no_weight_is_white_and_the_limit_has_the_deepest_colour(weights, limit, colours):
    assert draw_filters(weights, limit=limit).images[0].get_clim() == (-colours, colours)


def test_it_draws_on_the_axes_that_it_is_given(weights):
    ax = plt.subplots()[1]
    assert draw_filters(weights, ax, title="before") is ax and ax.get_title(loc="left") == "before"


def test_a_network_without_weights_can_be_drawn():
    assert draw_filters(np.zeros((8, 8, 4, 32))).images[0].get_clim() == (-1, 1)
