"""A game that grows while it is watched: the protocol's own game, with the Q-values that the agent really had."""
import numpy as np
import pytest

from helpers.agents.build import build_agent
from helpers.agents.networks import build_ram_model, build_small_pixel_model
from helpers.game.environment import NB_ACTIONS, PIXELS, RAM, make_game, make_small_screen_game
from helpers.measuring.parallel import EMULATORS, game_seeds
from helpers.measuring.protocol import measure
from helpers.watching import q_bars
from helpers.watching.live_game import LiveGame, game_for, record_measured_game, watch_game
from helpers.watching.recording import CAPTION_HEIGHT, record_game

WINDOW = 3


@pytest.fixture(scope="module")
def agent():
    """The RAM agent, hardly trained; its Q-values are tens of points apart."""
    agent = build_agent(build_ram_model(128, NB_ACTIONS), NB_ACTIONS, warmup_steps=50, target_update=1, fast=True)
    agent.fit(make_game(RAM, seed=1), nb_steps=60, verbose=0)
    return agent


@pytest.fixture(scope="module")
def game(agent):
    return watch_game(agent, seed=3, epsilon=0.3, max_steps=200)


def test_the_q_values_are_those_of_the_states_and_the_actions_those_taken(agent, game):
    """Played once more, by hand: what the emulator shows after these actions has these Q-values and these screens."""
    env = make_game(RAM, seed=game_seeds(3, 0)[0])
    state = np.zeros((WINDOW, 128), np.uint8)
    state[-1] = env.reset()
    at_random = 0
    for step in range(200):
        chosen, q_values = game.choice(step)
        expected = agent.compute_batch_q_values(np.repeat(state[None], EMULATORS, axis=0))[0]
        assert q_values == tuple(expected.tolist())
        np.testing.assert_allclose(q_values, agent.compute_q_values(list(state)), rtol=1e-4)
        at_random += chosen != expected.argmax()
        state[:-1] = state[1:]
        state[-1] = env.step(chosen)[0]
        assert (game.frame(step + 1) == env.render(mode="rgb_array")).all()
    assert game.score == env.score
    assert 200 * 0.3 * 5 / 6 * 0.6 < at_random < 200 * 0.3 * 5 / 6 * 1.5  # a sixth of the random ones is the best one


def test_it_is_the_first_game_of_the_measurement_in_whatever_pieces_it_is_played(agent):
    measured = measure(agent, RAM, nb_games=2, seed=3, epsilon=0.3)
    live = LiveGame(agent, seed=3, epsilon=0.3).play(7)
    assert not live.over and len(live.moments) == 8
    while not live.over:
        live.play(101)
    whole = watch_game(agent, seed=3, epsilon=0.3)
    assert whole.over and live.moments == whole.moments
    assert (whole.score, len(whole.moments) - 1) == (measured.scores[0], measured.steps[0])
    assert watch_game(agent, seed=3, epsilon=0.3, game=1).score == measured.scores[1]
    assert len(live.play(5).moments) == len(whole.moments)  # it is over


def test_bars_stand_beside_the_game_and_their_lengths_are_the_q_values(game):
    plain, with_bars = game.frame(50, scale=2, caption=True), game.frame(50, scale=2, caption=True, q_values=True)
    assert with_bars.shape == (420 + CAPTION_HEIGHT, 320 + q_bars.WIDTH, 3)
    assert (with_bars[:420, :320] == plain[:420]).all()
    chosen, q_values = game.choice(50)
    axis = q_bars.axis_for([moment.q_values for moment in game.moments[1:]])
    assert axis.low <= min(0, *q_values) and axis.high >= max(0, *q_values)
    left, right = q_bars._VALUES
    for action, value in enumerate(q_values):
        middle = int(q_bars._TITLE_HEIGHT + (420 - q_bars._TITLE_HEIGHT) / NB_ACTIONS * (action + 0.5))
        colour = (0xE6, 0x9F, 0) if action == chosen else (0x56, 0xB4, 0xE9)
        drawn = (with_bars[middle, 320 + left:320 + right + 1] == colour).all(axis=1).sum()
        assert drawn == pytest.approx(abs(value) * (right - left) / (axis.high - axis.low), abs=2)
    assert game.clip(start=1, seconds=1, q_values=True).data.startswith(b"\x89PNG")
    assert "video/mp4" in LiveGame.video(game, q_values=True)._repr_html_()


def test_it_is_told_in_words_too(game):
    chosen, q_values = game.choice(50)
    words = game.describe(50)
    assert f"chosen: {game.action_names[chosen]}." in words and words.startswith("Step 50, ")
    assert f"FIRE {q_values[1]:.3f}" in words
    assert game.describe(200).endswith("the end of the recording.") and game.choice(-1) == (None, None)
    assert game.frame(200, q_values=True).shape == (210, 160 + q_bars.WIDTH, 3)


@pytest.mark.parametrize("q_values, axis", [
    ([[0.0, 0.0]], (0, 0, 0)),
    ([[1.2, 1.4], [2.9, 3.1]], (0, 4, 0.125)),
    ([[-5.0, 5.5]], (-6, 6, 6)),
    ([], (0, 1, 1)),
])
def test_the_axis_has_round_ends(q_values, axis):
    assert q_bars.axis_for(q_values) == axis


def test_one_step_that_matters_much_does_not_flatten_the_bars_of_all_others():
    steps = [[1.0, 1.2]] * 19 + [[1.0, 9.0]]
    assert q_bars.axis_for(steps).spread == 0.125
    picture = np.asarray(q_bars.draw_q_values(["NOOP", "FIRE"], steps[-1], 1, q_bars.axis_for(steps), 200))
    left, right = q_bars._DIFFERENCES
    colours = {"NOOP": (0x56, 0xB4, 0xE9), "FIRE": (0xE6, 0x9F, 0)}
    for row, (name, colour) in enumerate(colours.items()):  # both bars end at the edge of their column
        columns = np.flatnonzero((picture[q_bars._middle(row, 2, 200)] == colour).all(axis=1))
        middle = (left + right) / 2
        inside = columns[(columns >= left - 5) & (columns <= right + 5)]
        edge = right if name == "FIRE" else left
        assert abs(inside - edge).min() <= 1 and len(inside) == pytest.approx(right - middle, abs=2)
        assert inside.min() >= left and inside.max() <= right


def test_the_game_is_found_by_what_the_network_takes(agent):
    small = build_agent(build_small_pixel_model(NB_ACTIONS, 4), NB_ACTIONS, window=4, fast=True)
    assert game_for(agent).spec.id == RAM
    live = LiveGame(small, epsilon=0).play(3)
    assert len(live.moments) == 4 and game_for(small).observation_space.shape == (84, 84)
    assert LiveGame(small, make_small_screen_game, epsilon=0).play(3).moments == live.moments
    measured = measure(small, PIXELS, nb_games=1, seed=2, epsilon=1, make_env=make_small_screen_game)
    assert record_measured_game(small, measured, 0).score == measured.scores[0]


def test_a_function_plays_too_but_has_no_q_values():
    with pytest.raises(ValueError, match="shape None.*Pass make_env"):
        watch_game(lambda observation: 1)
    recording = watch_game(lambda observation: 1, epsilon=0, max_steps=20, make_env=lambda: make_game(RAM))
    assert [moment.action for moment in recording.moments[1:]] == [1] * 20
    assert recording.describe(3) == "Step 3, 0 points, chosen: FIRE."
    for known_nothing in (recording, record_game(make_game(RAM), lambda observation: 1, max_steps=5)):
        with pytest.raises(ValueError, match="knows no Q-values.*watch_game"):
            known_nothing.frame(3, q_values=True)


@pytest.mark.parametrize("wrong", [{"seed": -1}, {"epsilon": 1.5}, {"epsilon": float("nan")}, {"game": -1}])
def test_numbers_out_of_range_are_refused(agent, wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} is .*; expected 0 to"):
        watch_game(agent, **wrong)
