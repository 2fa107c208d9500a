"""A film strip: the screens and Q-values that belong to its steps, in pictures where nothing flickers."""
import matplotlib.pyplot as plt
import numpy as np
import pytest

from helpers.agents.build import build_agent
from helpers.agents.networks import build_ram_model
from helpers.game.environment import NB_ACTIONS, PIXELS, RAM, make_game
from helpers.learning.seeds import set_seeds
from helpers.watching.film import BothFrames, draw_film_strip
from helpers.watching.live_game import watch_game
from helpers.watching.q_bars import CHOSEN


@pytest.fixture(autouse=True)
def no_figure_is_left():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def film():
    set_seeds(3)
    agent = build_agent(build_ram_model(128, NB_ACTIONS, 1), NB_ACTIONS, window=1, fast=True, observation_scale=1 / 255)
    return watch_game(agent, seed=3, max_steps=150, make_env=lambda: BothFrames(make_game(RAM)))


def test_looking_at_the_next_frame_changes_nothing():
    looked, alone = BothFrames(make_game(PIXELS, seed=5)), make_game(PIXELS, seed=5)
    looked.reset(), alone.reset()
    flickers = 0
    for step in range(400):
        screen, reward, over, _ = alone.step(step % NB_ACTIONS)
        same, same_reward, same_over, _ = looked.step(step % NB_ACTIONS)
        both = looked.render("rgb_array")
        assert (same == screen).all() and (same_reward, same_over) == (reward, over)
        assert (both >= screen).all()
        flickers += (both > screen).any()
        if over:
            break
    assert flickers > 50  # a bomb or a shot that the screen alone does not show, as a rule


def test_each_column_has_a_screen_and_the_q_values_of_what_is_seen(film):
    axes = draw_film_strip(film, [10, 60, 149], titles=["a", "b", "c"], rows=(50, 200), columns=(30, 110))
    assert axes.shape == (2, 3) and [ax.get_title() for ax in axes[0]] == ["a", "b", "c"]
    for (above, below), step in zip(axes.T, (10, 60, 149)):
        assert (np.asarray(above.images[0].get_array()) == film.frame(step)[50:200, 30:110]).all()
        chosen, values = film.choice(step)
        bars = below.patches
        assert [bar.get_height() for bar in bars] == list(values)
        assert [plt.matplotlib.colors.to_hex(bar.get_facecolor()).upper() == CHOSEN for bar in bars] == [
            action == chosen for action in range(NB_ACTIONS)]
        assert below.get_ylim() == axes[1, 0].get_ylim()


def test_it_draws_on_the_axes_that_it_is_given(film):
    axes = plt.subplots(2, 1, squeeze=False)[1]
    assert draw_film_strip(film, [7], axes) is axes and axes[0, 0].get_title() == "step 7"


def test_after_the_last_step_there_are_no_bars(film):
    below = draw_film_strip(film, [149, 150])[1]
    assert len(below[0].patches) == NB_ACTIONS and not below[1].patches


def test_who_has_no_q_values_is_refused():
    fires = watch_game(lambda observation: 1, max_steps=5, make_env=lambda: make_game(RAM))
    with pytest.raises(ValueError, match="after step 2; expected the recording of an agent"):
        draw_film_strip(fires, [2])
