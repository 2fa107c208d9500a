"""The post's networks and agent: their sizes, their mathematics, and that they learn."""
import random

import gym
import numpy as np
import pytest
import tensorflow as tf
from rl.agents import DQNAgent
from rl.memory import SequentialMemory
from tensorflow.keras.layers import Dense, Flatten
from tensorflow.keras.models import Sequential
from tensorflow.keras.optimizers import SGD, Adam

from helpers.agents import ScaleAndClip, build_agent, build_pixel_model, build_ram_model
from helpers.games import RAM, make_game


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


def test_observations_are_scaled_and_rewards_clipped_in_the_batch_only():
    processor = ScaleAndClip()
    batch = processor.process_state_batch([np.full((3, 128), 255, np.uint8)])
    assert batch.dtype == np.float32 and batch.shape == (1, 3, 128) and batch.max() == pytest.approx(1)
    assert [processor.process_reward(reward) for reward in (200.0, 0.0, -5.0)] == [1, 0, -1]
    assert ScaleAndClip(reward_clip=None).process_reward(200.0) == 200


@pytest.mark.parametrize("name, value", [
    ("window", 0), ("epsilon_start", 1.5), ("epsilon_end", -0.1), ("epsilon_test", float("nan")), ("replay_limit", 0),
    ("warmup_steps", -1), ("epsilon_steps", 0), ("target_update", 0), ("learning_rate", 0),
])
def test_hyperparameters_out_of_range_are_named(name, value):
    with pytest.raises(ValueError, match=f"^{name} is {value}; expected"):
        build_agent(build_ram_model(128, 6), 6, **{name: value})


def test_a_network_without_a_window_is_refused():
    for window in (0, -1):
        with pytest.raises(ValueError, match=f"^window is {window}; expected 1 to 100"):
            build_ram_model(128, 6, window=window)
        with pytest.raises(ValueError, match=f"^window is {window}; expected 1 to 100"):
            build_pixel_model((210, 160, 3), 6, window=window)


def test_a_model_of_another_window_is_refused():
    with pytest.raises(ValueError, match="looks at 4 observations, but window is 3"):
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
    """Keeps notebook 04's warning true."""
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
