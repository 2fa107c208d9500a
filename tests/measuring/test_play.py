"""Whole games, raw scores, and an interval that says how sure we are."""
import gym
import matplotlib.pyplot as plt
import numpy as np
import pytest

from helpers.game.environment import RAM, make_game
from helpers.measuring.play import play_games, random_player
from helpers.measuring.statistics import mean_interval, plot_scores


class CountDown(gym.Env):
    """A game of three steps with a reward of 5 for action 1."""

    observation_space = gym.spaces.Box(0, 9, (1,), np.uint8)
    action_space = gym.spaces.Discrete(2)

    def seed(self, seed=None):
        return [seed]

    def reset(self):
        self.left = 3
        return np.array([self.left], np.uint8)

    def step(self, action):
        self.left -= 1
        return np.array([self.left], np.uint8), 5.0 * action, self.left == 0, {}


def test_scores_are_sums_of_raw_rewards():
    assert play_games(CountDown(), lambda observation: 1, nb_games=4).tolist() == [15] * 4
    assert play_games(CountDown(), lambda observation: int(observation[0] == 2), nb_games=1).tolist() == [5]


def test_max_steps_cuts_a_game_short_and_still_counts_it():
    assert play_games(CountDown(), lambda observation: 1, nb_games=3, max_steps=2).tolist() == [10] * 3


def test_same_seed_same_scores_and_numpy_is_left_alone():
    env = make_game(RAM)
    state = np.random.get_state()[1].tolist()
    first = play_games(env, random_player(env), nb_games=2, seed=5)
    assert first.tolist() == play_games(env, random_player(env), nb_games=2, seed=5).tolist()
    assert np.random.get_state()[1].tolist() == state


def test_an_agent_plays_unclipped_and_keeps_its_step():
    from helpers.agents.build import build_agent
    from helpers.agents.inputs import ScaleAndClip
    from helpers.agents.networks import build_ram_model

    env = make_game(RAM, seed=1)
    agent = build_agent(build_ram_model(128, 6), 6, processor=ScaleAndClip())
    agent.step = 123
    scores = play_games(env, agent, nb_games=2, seed=1)
    assert agent.step == 123
    assert scores.tolist() == env.scores and scores.max() >= 5  # the smallest invader is worth 5: clipped it would be 1


def test_interval_agrees_with_the_textbook_for_many_games():
    scores = np.random.RandomState(0).normal(200, 50, size=400)
    low, high = mean_interval(scores)
    half = 1.96 * scores.std(ddof=1) / np.sqrt(400)
    assert low == pytest.approx(scores.mean() - half, abs=1) and high == pytest.approx(scores.mean() + half, abs=1)


def test_interval_covers_the_true_mean_about_95_times_in_100():
    random = np.random.RandomState(1)
    hits = sum(low <= 150 <= high for low, high in (mean_interval(random.exponential(150, 60)) for _ in range(60)))
    assert 50 <= hits <= 60


def test_bad_requests_are_refused():
    with pytest.raises(ValueError, match="nb_games is 0"):
        play_games(CountDown(), lambda observation: 1, nb_games=0)
    with pytest.raises(ValueError, match="at least 2"):
        mean_interval([100.0])
    assert mean_interval([7, 7, 7]) == (7, 7)


def test_the_plot_shows_every_game_and_the_interval():
    scores = {"random": np.array([0.0, 100, 200, 300]), "steady": np.array([285.0, 285])}
    ax = plot_scores(scores)
    dots = [line.get_xdata().tolist() for line in ax.lines if line.get_marker() == "."]
    assert dots == [[0, 100, 200, 300], [285, 285]]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["random", "steady"]
    low, high = ax.containers[0].lines[2][0].get_segments()[0][:, 0]
    assert (low, high) == pytest.approx(mean_interval(scores["random"]))
    plt.close(ax.figure)
