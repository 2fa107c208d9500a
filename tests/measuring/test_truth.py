"""What an agent expects and receives, against sums made by hand and games that `measure` plays."""
import numpy as np
import pytest

from helpers.agents.build import build_agent
from helpers.agents.inputs import ScaleAndClip
from helpers.agents.networks import build_ram_model
from helpers.game.environment import NB_ACTIONS, RAM, make_game, seed_game
from helpers.game.wrappers import LifeAsEpisode
from helpers.learning.seeds import set_seeds
from helpers.measuring.parallel import game_seeds
from helpers.measuring.protocol import measure
from helpers.measuring.truth import Truth, discounted, expected_and_received


@pytest.fixture(scope="module")
def agent():
    """An untrained network, and no discount, so that the first step of a game receives all of it."""
    set_seeds(3)
    return build_agent(build_ram_model(128, NB_ACTIONS, 1), NB_ACTIONS, window=1, fast=True, observation_scale=1 / 255,
                       gamma=1.0)


def test_discounted_by_hand():
    assert discounted([1, 0, 2], 0.5).tolist() == [1 + 0.25 * 2, 0.5 * 2, 2]


def test_without_discount_and_clipping_it_receives_the_score(agent):
    measured = measure(agent, RAM, nb_games=3, seed=4, epsilon=0)
    truth = expected_and_received(agent, nb_games=3, seed=4)
    begins = [np.flatnonzero(truth.game == game)[0] for game in range(3)]
    assert truth.received[begins].tolist() == measured.scores.tolist() and measured.scores.max() > 0
    assert np.bincount(truth.game).tolist() == measured.steps.tolist()
    assert len(truth.expected) == len(truth.received) and (np.diff(truth.received[truth.game == 0]) <= 0).all()


def test_it_expects_what_the_network_says_of_the_action_taken(agent):
    truth = expected_and_received(agent, nb_games=1, seed=4)
    env = make_game(RAM)
    seed_game(env, game_seeds(4, 0)[0])
    state = np.repeat(env.reset()[None, None], 8, axis=0)
    assert truth.expected[0] == agent.compute_batch_q_values(state)[0].max()


def test_rewards_are_those_that_the_agent_learned(agent, monkeypatch):
    points = expected_and_received(agent, nb_games=1, seed=4)
    monkeypatch.setattr(agent, "processor", ScaleAndClip(None, 1))
    monkeypatch.setattr(agent, "reward_scale", 0.5)
    hits = expected_and_received(agent, nb_games=1, seed=4)
    rewards = -np.diff(np.append(points.received, 0))
    assert hits.received[0] == 0.5 * np.count_nonzero(rewards) > 0


def test_after_a_lost_life_nothing_is_received(agent):
    lives = expected_and_received(agent, nb_games=2, seed=4, make_env=lambda: LifeAsEpisode(make_game(RAM)))
    first = lives.received[lives.game == 0]
    ends = np.flatnonzero(np.diff(first) > 0) + 1  # a new life: more is to come again
    assert 1 <= len(ends) <= 2
    assert set(lives.game) == {0, 1}


def test_too_much_has_a_number_for_each_game():
    truth = Truth(np.array([2.0, 4.0, 1.0]), np.array([1.0, 1.0, 3.0]), np.array([0, 0, 1]))
    assert truth.too_much.tolist() == [2.0, -2.0]


def test_what_it_refuses(agent):
    with pytest.raises(ValueError, match="expected an agent, which has Q-values"):
        expected_and_received(lambda observation: 1)
    with pytest.raises(ValueError, match="nb_games is 0; expected 1 to"):
        expected_and_received(agent, nb_games=0)
