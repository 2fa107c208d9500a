"""The agent that learns quantiles: its loss against plain NumPy, and that it learns what it should."""
import random

import gym
import numpy as np
import pytest
import tensorflow as tf
from rl.policy import EpsGreedyQPolicy
from tensorflow.keras import backend
from tensorflow.keras.layers import Dense, Flatten
from tensorflow.keras.models import Sequential
from tensorflow.keras.optimizers import Adam

from helpers.agents.build import build_agent
from helpers.agents.networks import build_ram_model
from helpers.game.environment import RAM, make_game
from helpers.learning.memory import ArrayMemory
from helpers.learning.quantile_dqn import QuantileDQNAgent, quantile_loss, with_quantiles


@pytest.fixture(autouse=True)
def fresh_start():
    backend.clear_session()
    random.seed(1)
    np.random.seed(1)
    tf.compat.v1.set_random_seed(1)


def loss_by_hand(predicted, target):
    """Equation 10 of the paper, one number after the other."""
    total = 0.0
    for row, others in zip(predicted, target):
        for i, value in enumerate(row):
            middle = (2 * i + 1) / (2 * len(row))
            for other in others:
                error = other - value
                huber = 0.5 * error**2 if abs(error) <= 1 else abs(error) - 0.5
                total += abs(middle - (error < 0)) * huber / len(others)
    return total / len(predicted)


def test_the_loss_is_the_papers():
    numbers = np.random.RandomState(0)
    predicted, target = numbers.normal(size=(5, 4)).astype(np.float32), 2 * numbers.normal(size=(5, 3))
    loss = quantile_loss(tf.constant(predicted), tf.constant(target, tf.float32))
    assert backend.get_value(loss) == pytest.approx(loss_by_hand(predicted, target), rel=1e-5)
    # one quantile, the median, a quarter too low: half of 0.5 * 0.25²
    assert backend.get_value(quantile_loss(tf.constant([[0.25]]), tf.constant([[0.5]]))) == pytest.approx(0.015625)


@pytest.mark.parametrize("double", [False, True])
def test_an_update_learns_what_the_paper_says(double):
    """Transitions over three steps, some of which end the game, with a target network of other weights."""
    network = Sequential([Flatten(input_shape=(1, 5)), Dense(16, activation="relu"), Dense(3)])
    agent = QuantileDQNAgent(
        model=with_quantiles(network, nb_actions=3, nb_quantiles=4), nb_actions=3, n_step=3, gamma=0.9,
        reward_scale=0.5, memory=ArrayMemory(100, window_length=1), enable_double_dqn=double)
    agent.compile(Adam(lr=0.01))
    numbers = np.random.RandomState(3)
    agent.model.set_weights([numbers.normal(size=one.shape) for one in agent.model.get_weights()])
    agent.target_model.set_weights([numbers.normal(size=one.shape) for one in agent.target_model.get_weights()])
    state0, state1 = numbers.normal(size=(2, 6, 1, 5)).astype(np.float32)
    action, reward = numbers.randint(3, size=6), numbers.normal(size=6)
    not_over = np.array([1.0, 1, 0, 1, 0, 1])

    def quantiles(model, states):
        return tf.keras.models.Model(model.inputs, model.get_layer("quantiles").output).predict(states)

    following = quantiles(agent.target_model, state1)
    chooser = quantiles(agent.model, state1) if double else following
    best = chooser.mean(axis=2).argmax(axis=1)
    target = 0.5 * reward[:, None] + 0.9**3 * not_over[:, None] * following[np.arange(6), best]
    predicted = quantiles(agent.model, state0)[np.arange(6), action]
    loss = agent._learn(state0, state1, action, reward, not_over)[0]
    assert loss == pytest.approx(loss_by_hand(predicted, target), rel=1e-4)


def test_the_heads_are_dueling():
    network = Sequential([Flatten(input_shape=(1, 5)), Dense(16, activation="relu"), Dense(3)])
    model = with_quantiles(network, nb_actions=3, nb_quantiles=4)
    states = np.random.RandomState(0).normal(size=(2, 1, 5)).astype(np.float32)
    hidden = tf.keras.models.Model(model.inputs, model.layers[-5].output).predict(states)
    kernel, bias = model.get_weights()[-2:]
    assert hidden.shape == (2, 16) and kernel.shape == (16, (1 + 3) * 4)
    heads = (hidden @ kernel + bias).reshape(2, 4, 4)
    expected = heads[:, :1] + heads[:, 1:] - heads[:, 1:].mean(axis=1, keepdims=True)
    quantiles = tf.keras.models.Model(model.inputs, model.get_layer("quantiles").output).predict(states)
    np.testing.assert_allclose(quantiles, expected, atol=1e-6)
    np.testing.assert_allclose(model.predict(states), expected.mean(axis=2), atol=1e-6)


class Lottery(gym.Env):
    """One step: action 0 is worth 0.4; action 1 is worth 1 in half of all games, and nothing in the others."""

    observation_space = gym.spaces.Box(0, 255, (2,), np.uint8)
    action_space = gym.spaces.Discrete(2)
    random = np.random.RandomState(7)

    def reset(self):
        return np.array([255, 0], np.uint8)

    def step(self, action):
        return np.array([255, 0], np.uint8), float(self.random.randint(2)) if action else 0.4, True, {}


def test_it_learns_the_spread_of_a_lottery_and_plays_by_its_mean():
    network = Sequential([Flatten(input_shape=(1, 2)), Dense(16, activation="relu"), Dense(2)])
    agent = QuantileDQNAgent(
        model=with_quantiles(network, nb_actions=2, nb_quantiles=8), nb_actions=2, observation_scale=1 / 255,
        memory=ArrayMemory(2_000, window_length=1), nb_steps_warmup=50, target_model_update=100, batch_size=32,
        policy=EpsGreedyQPolicy(eps=1.0), enable_dueling_network=False)
    agent.compile(Adam(lr=0.01))
    agent.fit(Lottery(), nb_steps=1_500, verbose=0)
    assert agent.metrics_names[:3] == ["loss", "mae", "mean_q"]
    state = np.array([[[1, 0]]], np.float32)
    quantiles = tf.keras.models.Model(agent.model.inputs, agent.model.get_layer("quantiles").output).predict(state)[0]
    assert quantiles[0] == pytest.approx(0.4, abs=0.1)
    assert quantiles[1].min() == pytest.approx(0, abs=0.15) and quantiles[1].max() == pytest.approx(1, abs=0.15)
    assert agent.compute_q_values(np.array([[255, 0]], np.uint8)) == pytest.approx([0.4, 0.5], abs=0.12)


def test_an_agent_of_the_game_is_built_acts_learns_and_repeats_itself():
    def train():
        backend.clear_session()
        np.random.seed(1)
        random.seed(1)
        tf.compat.v1.set_random_seed(1)
        network = build_ram_model(128, 6, 1 + 8, hidden=(32,))
        agent = build_agent(network, 6, window=1, bits=True, n_step=3, fast=True, double=True, nb_quantiles=16,
                            observation_scale=1 / 255, reward_clip=1, warmup_steps=60, target_update=50)
        before = agent.model.get_weights()
        agent.fit_parallel(lambda: make_game(RAM), 2, 200, seed=1, verbose=0)
        after = agent.model.get_weights()
        assert all((old != new).any() for old, new in zip(before, after))
        return after

    assert all((first == second).all() for first, second in zip(train(), train()))


def test_what_does_not_go_together_is_refused():
    model = with_quantiles(build_ram_model(128, 6), 6, 4)
    options = {"model": model, "nb_actions": 6, "memory": ArrayMemory(500, window_length=3)}
    with pytest.raises(ValueError, match="enable_dueling_network=True, .* expected False"):
        QuantileDQNAgent(enable_dueling_network=True, target_model_update=100, **options)
    with pytest.raises(ValueError, match="target_model_update=0.01 and delta_clip=inf; expected"):
        QuantileDQNAgent(target_model_update=0.01, **options)
    with pytest.raises(ValueError, match="delta_clip=1; expected False, at least 1 and infinity"):
        QuantileDQNAgent(target_model_update=100, delta_clip=1, **options)
    with pytest.raises(ValueError, match="nb_quantiles is 4, but keras-rl2's own agent knows only 1"):
        build_agent(build_ram_model(128, 6), 6, nb_quantiles=4)
