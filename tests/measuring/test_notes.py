"""What is noted of each step, against the games that `measure` plays."""
import numpy as np
import pytest

from helpers.agents.build import build_agent
from helpers.agents.networks import build_ram_model
from helpers.game.environment import NB_ACTIONS, RAM
from helpers.learning.seeds import set_seeds
from helpers.measuring.notes import note_games
from helpers.measuring.protocol import measure
from helpers.watching.live_game import watch_game


@pytest.fixture(scope="module")
def agent():
    set_seeds(3)
    return build_agent(build_ram_model(128, NB_ACTIONS, 1), NB_ACTIONS, window=1, fast=True, observation_scale=1 / 255)


def test_the_games_are_those_of_measure_and_of_watch_game(agent):
    games = note_games(agent, 9, seed=4, epsilon=0.3)  # one more than emulators
    assert [len(game.actions) for game in games] == measure(agent, RAM, 9, seed=4, epsilon=0.3).steps.tolist()
    watched = watch_game(agent, seed=4, epsilon=0.3, game=8)
    choices = [watched.choice(step) for step in range(len(watched.moments) - 1)]
    assert [action for action, _ in choices] == games[8].actions.tolist()
    assert (np.array([values for _, values in choices], np.float32) == games[8].q_values).all()


def test_the_memory_is_the_one_that_was_seen_before_the_step(agent):
    (game,) = note_games(agent, 1, seed=4, epsilon=0)
    assert game.observations.dtype == np.uint8 and game.observations.shape == (len(game.actions), 128)
    expected = agent.compute_batch_q_values(np.repeat(game.observations[50][None, None], 8, axis=0))[0]
    assert (game.q_values[50] == expected).all() and game.actions[50] == expected.argmax()
    assert game.observations[0, 73] == 3 and len(np.unique(game.observations, axis=0)) > 100  # copies


@pytest.mark.parametrize("wrong", [{"nb_games": 0}, {"seed": -1}, {"epsilon": 2}])
def test_numbers_out_of_range_are_refused(agent, wrong):
    with pytest.raises(ValueError, match="expected"):
        note_games(agent, **wrong)


def test_who_has_no_q_values_is_refused():
    with pytest.raises(ValueError, match="expected an agent"):
        note_games(lambda observation: 0)
