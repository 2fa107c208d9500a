"""The gradients in another order of sums, against TensorFlow's own."""
import random

import gym
import numpy as np
import pytest
import rl.agents  # noqa: F401  first: it switches eager execution off
import tensorflow as tf
from tensorflow.keras.layers import Conv2D, Dense, Flatten, Lambda, Permute
from tensorflow.keras.models import Sequential

from helpers import build_agent, build_pixel_model, build_ram_model, build_small_pixel_model, make_small_screen_game
from helpers.learning.gradients import CONVOLUTION, PRODUCT, with_faster_gradients


@pytest.fixture(autouse=True)
def empty_graph():
    """A graph that grows from test to test makes each slower than the one before."""
    tf.keras.backend.clear_session()


def gradients_of(model, states, errors):
    """What `errors` at the model's outputs mean for its weights and for its inputs."""
    session, inputs = tf.compat.v1.keras.backend.get_session(), model.inputs[0]
    found = tf.gradients(model.outputs[0], [*model.trainable_weights, inputs], grad_ys=tf.constant(errors))
    return session.run(found, {inputs: states})


def both_gradients(model, batch=5):
    """The gradients of TensorFlow and those of this project, for random states and errors; and the second model."""
    numbers = np.random.RandomState(0)
    states = numbers.normal(size=(batch, *model.input_shape[1:])).astype(np.float32)
    errors = numbers.normal(size=(batch, *model.output_shape[1:])).astype(np.float32)
    faster = with_faster_gradients(model)
    return gradients_of(model, states, errors), gradients_of(faster, states, errors), faster


def kinds_of_gradients():
    """How often each gradient of this project is asked for in the graph."""
    operations = tf.compat.v1.get_default_graph().get_operations()
    kinds = [op.node_def.attr["_gradient_op_type"].s.decode() for op in operations]
    return kinds.count(CONVOLUTION), kinds.count(PRODUCT)


@pytest.mark.parametrize("height, width, channels, size, filters, stride", [
    (84, 84, 4, 8, 32, 4), (20, 20, 32, 4, 64, 2), (9, 9, 64, 3, 64, 1),
    (51, 39, 8, 4, 16, 2),  # a last row and column that no kernel reaches
    (23, 31, 3, (5, 2), 4, (3, 2)), (11, 6, 2, (11, 6), 3, 1), (7, 9, 1, 1, 2, 3)])
def test_a_convolution_has_the_same_gradients(height, width, channels, size, filters, stride):
    model = Sequential([Conv2D(filters, size, strides=stride, input_shape=(height, width, channels))])
    own, ours, _ = both_gradients(model)
    assert kinds_of_gradients() == (1, 0)
    for expected, found in zip(own, ours):
        assert expected.shape == found.shape
        assert np.abs(found - expected).max() < 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize("make", [
    lambda: Conv2D(4, 3, padding="same", input_shape=(12, 10, 2)),
    lambda: Lambda(lambda x: tf.matmul(x, tf.ones((6, 4)), transpose_b=True), input_shape=(4,))])
def test_what_else_there_is_keeps_tensorflows_gradients(make):
    own, ours, _ = both_gradients(Sequential([make()]))
    assert sum(kinds_of_gradients()) == 1
    assert all(np.array_equal(expected, found) for expected, found in zip(own, ours))


def test_a_dense_layer_has_the_same_gradients():
    own, ours, _ = both_gradients(Sequential([Dense(512, activation="relu", input_shape=(3_136,)), Dense(6)]), 32)
    assert kinds_of_gradients() == (0, 2)
    for expected, found in zip(own, ours):
        assert np.abs(found - expected).max() < 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize("build", [
    lambda: build_small_pixel_model(6), lambda: build_ram_model(128, 6), lambda: build_pixel_model((105, 80, 3), 6)])
def test_whole_networks_share_weights_and_have_the_same_gradients(build):
    model = build()
    own, ours, faster = both_gradients(model, 3)
    assert [id(weights) for weights in model.weights] == [id(weights) for weights in faster.weights]
    for expected, found in zip(own, ours):
        assert np.abs(found - expected).max() < 2e-5 * np.abs(expected).max()


SMALL_PIXELS = {"window": 4, "replay_limit": 2_000, "warmup_steps": 50, "epsilon_steps": 200, "target_update": 20,
                "observation_scale": 1 / 255, "reward_clip": 1.0, "double": True, "fast": True}


def test_an_agent_that_need_not_be_exact_learns_the_same_but_for_the_last_digits():
    learned = {}
    for exact in (True, False):
        tf.keras.backend.clear_session()
        random.seed(4)
        np.random.seed(4)
        tf.random.set_seed(4)
        agent = build_agent(build_small_pixel_model(6), 6, exact=exact, **SMALL_PIXELS)
        assert (agent.exact, kinds_of_gradients()[0]) == (exact, 0 if exact else 3)
        before = learned.setdefault("before", agent.model.get_weights())
        agent.model.set_weights(before)
        agent.fit(make_small_screen_game(seed=4), nb_steps=85, verbose=0)
        learned[exact] = agent.model.get_weights() + agent.target_model.get_weights()
    change = max(np.abs(after - first).max() for first, after in zip(before, learned[True]))
    apart = [np.abs(exact - other).max() for exact, other in zip(learned[True], learned[False])]
    assert 0 < max(apart) < change / 20, "they differ, and by little beside what was learned"


class Bars(gym.Env):
    """Two pictures, one step: a standing bar wants action 1, a lying one action 0."""

    observation_space, action_space = gym.spaces.Box(0, 255, (12, 12), np.uint8), gym.spaces.Discrete(2)

    def reset(self):
        self.standing = int(self.np_random.rand() < 0.5)
        picture = np.zeros((12, 12), np.uint8)
        place = self.np_random.randint(2, 10)
        picture[(slice(None), place) if self.standing else place] = 255
        return picture

    def step(self, action):
        return np.zeros((12, 12), np.uint8), float(action == self.standing), True, {}

    def seed(self, seed=None):
        self.np_random = np.random.RandomState(seed)


def test_it_learns_a_task_that_needs_its_convolution(tmp_path):
    np.random.seed(0)
    tf.random.set_seed(0)
    model = Sequential([Permute((2, 3, 1), input_shape=(1, 12, 12)), Conv2D(8, 4, strides=2, activation="relu"),
                        Flatten(), Dense(16, activation="relu"), Dense(2)])
    agent = build_agent(model, 2, window=1, fast=True, exact=False, replay_limit=1_000, warmup_steps=60,
                        epsilon_steps=800, target_update=50, learning_rate=0.002, epsilon_test=0.0,
                        observation_scale=1 / 255)
    env = Bars()
    env.seed(1)
    agent.fit(env, nb_steps=2_500, verbose=0)
    history = agent.test(env, nb_episodes=60, visualize=False, verbose=0)
    assert np.mean(history.history["episode_reward"]) > 0.95
    agent.save_weights(str(tmp_path / "weights.h5"))
    weights = agent.model.get_weights()
    agent.model.set_weights([np.zeros_like(x) for x in weights])
    agent.load_weights(str(tmp_path / "weights.h5"))
    assert all(np.array_equal(x, y) for x, y in zip(weights, agent.model.get_weights()))
