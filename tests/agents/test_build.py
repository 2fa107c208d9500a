"""The post's networks and agent: their sizes, their mathematics, and that they learn."""
import random

import gym
import numpy as np
import pytest
import tensorflow as tf
from rl.agents import DQNAgent
from rl.memory import SequentialMemory
from tensorflow.keras.layers import Conv2D, Dense, Flatten
from tensorflow.keras.models import Model, Sequential
from tensorflow.keras.optimizers import SGD, Adam

from helpers.agents.build import build_agent
from helpers.agents.inputs import ScaleAndClip
from helpers.agents.networks import build_pixel_model, build_ram_model, build_small_pixel_model
from helpers.game.environment import RAM, make_game, make_small_screen_game
from helpers.game.ram import nb_rows
from helpers.learning.dqn import FastDQNAgent
from helpers.learning.memory import ArrayMemory


def seed_everything(seed):
    random.seed(seed)
    np.random.seed(seed)
    tf.compat.v1.set_random_seed(seed)


@pytest.fixture(autouse=True)
def fresh_graph():
    tf.keras.backend.clear_session()


def test_the_networks_have_the_posts_numbers_of_weights():
    assert build_pixel_model((210, 160, 3), nb_actions=6).count_params() == 34_812_326
    assert build_ram_model(128, nb_actions=6).count_params() == 263_558


def test_the_small_pixel_network_is_that_of_mnih_2015():
    model = build_small_pixel_model(nb_actions=6)
    assert model.input_shape == (None, 4, 84, 84) and model.output_shape == (None, 6)
    convolutions = [(layer.filters, layer.kernel_size, layer.strides, layer.output_shape[1:3])
                    for layer in model.layers if isinstance(layer, Conv2D)]
    assert convolutions == [(32, (8, 8), (4, 4), (20, 20)), (64, (4, 4), (2, 2), (9, 9)), (64, (3, 3), (1, 1), (7, 7))]
    assert model.count_params() == 1_687_206
    assert build_agent(model, 6, window=4).model.count_params() == 1_687_719


def test_the_small_pixel_network_sees_each_screen_as_a_channel():
    model = build_small_pixel_model(nb_actions=6, window=2)
    state = np.random.RandomState(0).rand(1, 2, 84, 84).astype(np.float32)
    kernel, bias = model.layers[1].get_weights()
    seen = Model(model.input, model.layers[1].output).predict(state)
    by_hand = np.tensordot(np.moveaxis(state[0, :, 4:12, 8:16], 0, -1), kernel, 3) + bias
    assert seen[0, 1, 2] == pytest.approx(np.maximum(by_hand, 0), abs=1e-5)


def test_observations_are_scaled_and_rewards_clipped_in_the_batch_only():
    processor = ScaleAndClip()
    batch = processor.process_state_batch([np.full((3, 128), 255, np.uint8)])
    assert batch.dtype == np.float32 and batch.shape == (1, 3, 128) and batch.max() == pytest.approx(1)
    assert [processor.process_reward(reward) for reward in (200.0, 0.0, -5.0)] == [1, 0, -1]
    assert ScaleAndClip(reward_clip=None).process_reward(200.0) == 200
    assert ScaleAndClip(observation_scale=None).process_state_batch(batch) is batch


@pytest.mark.parametrize("name, value", [
    ("window", 0), ("epsilon_start", 1.5), ("epsilon_end", -0.1), ("epsilon_test", float("nan")), ("replay_limit", 0),
    ("warmup_steps", -1), ("epsilon_steps", 0), ("target_update", 0), ("learning_rate", 0), ("adam_epsilon", 0),
    ("delta_clip", 0), ("train_interval", 0), ("n_step", 0), ("observation_scale", 0), ("reward_clip", -1),
])
def test_hyperparameters_out_of_range_are_named(name, value):
    with pytest.raises(ValueError, match=f"^{name} is {value}; expected"):
        build_agent(build_ram_model(128, 6), 6, **{name: value})


def test_a_network_with_an_empty_layer_is_refused():
    for hidden, words in (([0], "hidden is 0; expected 1 to 100,000, a whole"), ([2.5], "hidden is 2.5; expected"),
                          (64, r"hidden is 64; expected a list of numbers. Write \[64\]")):
        with pytest.raises(ValueError, match=words):
            build_ram_model(128, 6, hidden=hidden)
    assert build_ram_model(128, 6, hidden=[4.0]).layers[1].units == 4


def test_a_network_without_a_window_is_refused():
    for window in (0, -1):
        with pytest.raises(ValueError, match=f"^window is {window}; expected 1 to 100"):
            build_ram_model(128, 6, window=window)
        with pytest.raises(ValueError, match=f"^window is {window}; expected 1 to 100"):
            build_pixel_model((210, 160, 3), 6, window=window)
        with pytest.raises(ValueError, match=f"^window is {window}; expected 1 to 100"):
            build_small_pixel_model(6, window=window)


def test_a_model_of_another_window_is_refused():
    with pytest.raises(ValueError, match="looks at 4 rows, but window=3 make 3;"):
        build_agent(build_ram_model(128, 6, window=4), 6)


class OneStepBandit(gym.Env):
    """A trivial game: one step; action 2 is worth 1, the others nothing."""

    observation_space = gym.spaces.Box(0, 255, (4,), np.uint8)
    action_space = gym.spaces.Discrete(3)

    def reset(self):
        return np.array([0, 255, 0, 255], np.uint8)

    def step(self, action):
        return np.array([0, 255, 0, 255], np.uint8), float(action == 2), True, {}


def test_a_trivial_task_is_learned_in_seconds():
    seed_everything(0)
    model = Sequential([Flatten(input_shape=(1, 4)), Dense(16, activation="relu"), Dense(3)])
    agent = build_agent(model, 3, window=1, replay_limit=500, warmup_steps=50, epsilon_steps=300, target_update=50,
                        learning_rate=0.01, epsilon_test=0.0, processor=ScaleAndClip())
    agent.fit(OneStepBandit(), nb_steps=600, verbose=0)
    history = agent.test(OneStepBandit(), nb_episodes=20, visualize=False, verbose=0)
    assert history.history["episode_reward"] == [1.0] * 20
    q_values = agent.compute_q_values(np.array([[0, 255, 0, 255]], np.uint8))
    assert q_values == pytest.approx([0, 0, 1], abs=0.1)


def test_seeded_training_twice_gives_the_same_weights():
    def train():
        tf.keras.backend.clear_session()
        seed_everything(3)
        agent = build_agent(build_ram_model(128, 6), 6, warmup_steps=50, target_update=100, processor=ScaleAndClip())
        agent.fit(make_game(RAM, seed=3), nb_steps=250, verbose=0)
        return agent.model.get_weights()

    assert all(np.array_equal(first, second) for first, second in zip(train(), train()))


@pytest.mark.parametrize("double", [False, True])
def test_one_update_moves_towards_the_bellman_target(double):
    """keras-rl2's update against plain NumPy: a linear network, whose gradient can be worked out by hand."""
    gamma, rate, batch = 0.9, 0.1, 8
    seed_everything(5)
    model = Sequential([Flatten(input_shape=(1, 4)), Dense(3, use_bias=False)])
    memory = SequentialMemory(limit=100, window_length=1)
    agent = DQNAgent(model=model, nb_actions=3, memory=memory, gamma=gamma, batch_size=batch, nb_steps_warmup=10,
                     target_model_update=10_000, enable_double_dqn=double)
    agent.compile(SGD(lr=rate), metrics=[])
    numbers = np.random.RandomState(0)
    target_weights = numbers.normal(size=(4, 3)).astype(np.float32)
    agent.target_model.set_weights([target_weights])
    weights = model.get_weights()[0]
    for _ in range(60):
        memory.append(numbers.normal(size=4), numbers.randint(3), numbers.normal(), numbers.rand() < 0.2)

    drawn = []
    sample = memory.sample
    memory.sample = lambda size: drawn.append(sample(size)) or drawn[-1]
    agent.training, agent.step = True, 60
    agent.recent_observation, agent.recent_action = numbers.normal(size=4), 0
    agent.backward(0.0, terminal=False)

    gradient = np.zeros_like(weights)
    for step in drawn[0]:
        state, following = np.asarray(step.state0[0]), np.asarray(step.state1[0])
        best = np.argmax(following @ (weights if double else target_weights))
        target = step.reward + (0 if step.terminal1 else gamma * (following @ target_weights)[best])
        # keras-rl2 takes half the squared error and averages over the batch
        gradient[:, step.action] += (state @ weights - target * np.eye(3)[step.action])[step.action] * state / batch
    assert model.get_weights()[0] == pytest.approx(weights - rate * gradient, abs=1e-5)
    assert any(step.terminal1 for step in drawn[0])


def test_compile_does_not_pile_up_metrics():
    names = [build_agent(build_ram_model(128, 6), 6).metrics_names for _ in range(2)]
    assert names[0] == names[1] == ["loss", "mae", "mean_q", "mean_eps"]


def test_a_model_built_before_the_import_of_rl_crashes_as_the_lesson_says():
    """Keeps notebook 05's warning true."""
    import subprocess
    import sys

    code = (
        "import tensorflow as tf; from tensorflow.keras.models import Sequential;"
        "from tensorflow.keras.layers import Dense, Flatten;"
        "model = Sequential([Flatten(input_shape=(1, 4)), Dense(3)]);"
        "from rl.agents import DQNAgent; from rl.memory import SequentialMemory;"
        "agent = DQNAgent(model=model, nb_actions=3, memory=SequentialMemory(limit=9, window_length=1));"
        "agent.compile(tf.keras.optimizers.Adam())"
    )
    result = subprocess.run([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True)
    assert "_compile_time_distribution_strategy" in result.stderr


def test_adam_of_the_agent_has_the_posts_learning_rate():
    agent = build_agent(build_ram_model(128, 6), 6)
    optimizer = agent.trainable_model.optimizer
    assert isinstance(optimizer, Adam)
    assert float(tf.keras.backend.get_value(optimizer.lr)) == pytest.approx(0.00025)


def test_without_options_the_agent_is_keras_rl2s_own():
    agent = build_agent(build_ram_model(128, 6), 6)
    assert (type(agent), type(agent.memory), agent.processor) == (DQNAgent, SequentialMemory, None)
    assert (agent.train_interval, agent.delta_clip, agent.enable_double_dqn) == (1, np.inf, False)
    assert agent.trainable_model.optimizer.epsilon == 1e-7


def test_options_reach_the_agent():
    options = {"train_interval": 4, "delta_clip": 1.0, "adam_epsilon": 1.5e-4, "reward_clip": 1.0,
               "observation_scale": 1 / 255, "double": True}
    stock = build_agent(build_ram_model(128, 6), 6, **options)
    fast = build_agent(build_ram_model(128, 6), 6, fast=True, n_step=3, **options)
    assert (type(stock), type(stock.memory)) == (DQNAgent, SequentialMemory)
    assert (type(fast), type(fast.memory), fast.n_step) == (FastDQNAgent, ArrayMemory, 3)
    assert (stock.processor.observation_scale, stock.processor.reward_clip) == (1 / 255, 1.0)
    assert (fast.observation_scale, fast.processor.observation_scale, fast.processor.reward_clip) == (1 / 255, None, 1)
    for agent in (stock, fast):
        assert (agent.train_interval, agent.delta_clip, agent.enable_double_dqn) == (4, 1, True)
        assert agent.trainable_model.optimizer.epsilon == 1.5e-4
    assert build_agent(build_ram_model(128, 6), 6, fast=True, observation_scale=1 / 255).processor is None
    unscaled = build_agent(build_ram_model(128, 6), 6, reward_clip=1.0).processor
    assert (unscaled.observation_scale, unscaled.reward_clip) == (None, 1.0)
    unclipped = build_agent(build_ram_model(128, 6), 6, observation_scale=0.5).processor
    assert (unclipped.observation_scale, unclipped.reward_clip) == (0.5, None)


def test_an_agent_with_bits_acts_learns_and_keeps_bytes():
    options = {"shown": ["bits"], "observation_scale": 1 / 255, "reward_clip": 1.0, "warmup_steps": 50, "gamma": 0.9,
               "batch_size": 16}
    for fast in (False, True):
        agent = build_agent(build_ram_model(128, 6, 3 + 8, hidden=(32,)), 6, fast=fast, **options)
        agent.fit(make_game(RAM, seed=1), nb_steps=60, verbose=0)
        assert agent.model.get_weights()[0].shape == ((3 + 8) * 128, 32)
        assert agent.memory.sample(1)[0].state0[-1].dtype == np.uint8
        assert (agent.processor.reward_clip, agent.gamma, agent.batch_size) == (1.0, 0.9, 16)
    with pytest.raises(ValueError, match=r"looks at 3 rows, but window=3, shown=\('bits',\) make 11"):
        build_agent(build_ram_model(128, 6), 6, shown=["bits"])


def test_options_that_exclude_each_other_are_named():
    with pytest.raises(ValueError, match="n_step is 3, but keras-rl2's own agent knows only 1; .* fast=True"):
        build_agent(build_ram_model(128, 6), 6, n_step=3)
    with pytest.raises(ValueError, match="reward_scale is 0.1, but keras-rl2's own agent knows only 1"):
        build_agent(build_ram_model(128, 6), 6, reward_scale=0.1)
    with pytest.raises(ValueError, match="exact is False, but keras-rl2's own agent knows only True; .* fast=True"):
        build_agent(build_ram_model(128, 6), 6, exact=False)
    for option in ({"reward_clip": 1.0}, {"observation_scale": 1 / 255}, {"shown": ["bits"]}, {"shown": ["bombs"]}):
        with pytest.raises(ValueError, match="Received a processor, .*; expected one or the other"):
            build_agent(build_ram_model(128, 6, nb_rows(3, option.get("shown", ()))), 6, processor=ScaleAndClip(),
                        **option)
    with pytest.raises(ValueError, match=r"observations of shape \(84, 84\); expected \(128,\), the RAM"):
        build_agent(build_small_pixel_model(6, 12), 6, window=4, shown=["bits"])


SMALL_PIXELS = {"window": 4, "replay_limit": 2_000, "warmup_steps": 50, "epsilon_steps": 200, "target_update": 20,
                "observation_scale": 1 / 255, "reward_clip": 1.0}


def test_stock_and_fast_learn_the_same_bits_from_small_screens():
    results = []
    for fast in (False, True):
        tf.keras.backend.clear_session()
        seed_everything(4)
        agent = build_agent(build_small_pixel_model(6), 6, double=True, fast=fast, **SMALL_PIXELS)
        before = agent.model.get_weights()
        agent.fit(make_small_screen_game(seed=4), nb_steps=85, verbose=0)
        results.append(agent.model.get_weights() + agent.target_model.get_weights())
        assert not np.array_equal(before[0], results[-1][0]), "something was learned"
    assert all(np.array_equal(stock, fast) for stock, fast in zip(*results))


def test_small_screens_in_parallel_and_scores_that_clipping_does_not_touch():
    envs = []

    def make_env():
        envs.append(make_small_screen_game())
        return envs[-1]

    seed_everything(4)
    agent = build_agent(build_small_pixel_model(6), 6, fast=True, n_step=3, train_interval=40, delta_clip=1.0,
                        **SMALL_PIXELS)
    before = agent.model.get_weights()
    history = agent.fit_parallel(make_env, nb_envs=2, nb_steps=1_400, verbose=0, seed=4)
    stored = agent.memory.stored
    assert stored["observation"].shape == (2_000, 84, 84) and stored["observation"].dtype == np.uint8
    assert set(stored["reward"]) == {0, 1}
    assert not np.array_equal(before[0], agent.model.get_weights()[0]), "something was learned"
    assert all(np.isfinite(weights).all() for weights in agent.model.get_weights())

    scores = [score for env in envs for score in env.scores]
    clipped = history.history["episode_reward"]  # how many invaders were hit
    assert len(scores) == len(clipped) >= 1 and sum(clipped) > 0
    assert sum(scores) >= 5 * sum(clipped) and all(score % 5 == 0 for score in scores)
    agent.test(make_small_screen_game(seed=5), nb_episodes=1, visualize=False, verbose=0, nb_max_episode_steps=20)
