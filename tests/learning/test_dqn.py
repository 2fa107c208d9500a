"""FastDQNAgent against keras-rl2's DQNAgent: the same bits, on the real game."""
import os
import random
import subprocess
import sys
import threading
from pathlib import Path

import gym
import numpy as np
import pytest
import rl
import tensorflow as tf
from rl.agents import DQNAgent
from rl.callbacks import Callback
from rl.core import Processor
from rl.memory import SequentialMemory
from rl.policy import BoltzmannQPolicy, EpsGreedyQPolicy, LinearAnnealedPolicy
from tensorflow.keras.layers import Conv2D, Dense, Flatten, Permute
from tensorflow.keras.models import Sequential
from tensorflow.keras.optimizers import Adam

from helpers.learning.dqn import FastDQNAgent
from helpers.learning.memory import ArrayMemory
from helpers.learning.threads import set_threads

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def empty_graph():
    """A graph that grows from test to test makes each slower than the one before."""
    tf.keras.backend.clear_session()


class Record(Callback):
    """Keeps what callbacks hear."""

    def __init__(self):
        self.metrics, self.scores, self.ended = [], [], None

    def on_step_end(self, step, logs=None):
        self.metrics.append(logs["metrics"])

    def on_episode_end(self, episode, logs=None):
        self.scores.append((logs["episode_reward"], logs["nb_episode_steps"], logs["nb_steps"]))

    def on_train_end(self, logs=None):
        self.ended = logs


class SmallScreen(gym.ObservationWrapper):
    """The game's screen in grey, 42x32."""

    def __init__(self, env):
        super().__init__(env)
        self.observation_space = gym.spaces.Box(0, 255, (42, 32), np.uint8)

    def observation(self, observation):
        return observation[::5, ::5].mean(axis=2).astype(np.uint8)


class Clip(Processor):
    """The usual processor: observations cut, rewards clipped, states scaled; with a metric of its own."""

    metrics_names, metrics = ["always_two"], [2.]

    def process_observation(self, observation):
        return observation[:64]

    def process_reward(self, reward):
        return np.clip(reward, -1., 1.)

    def process_state_batch(self, batch):
        return batch / 255.


def ram_model(size=128):
    return Sequential([Flatten(input_shape=(3, size)), Dense(512, activation="relu"), Dense(128, activation="relu"),
                       Dense(6)])


def screen_model():
    return Sequential([Permute((2, 3, 1), input_shape=(3, 42, 32)), Conv2D(8, 8, strides=4, activation="relu"),
                       Conv2D(16, 4, strides=2, activation="relu"), Flatten(), Dense(32, activation="relu"), Dense(6)])


def make_env():
    env = gym.make("SpaceInvaders-ram-v0")
    env.seed(11)
    return env


def make_agent(agent_class, memory_class, model, **options):
    options = {"nb_steps_warmup": 40, "target_model_update": 200, "enable_dueling_network": True, **options}
    policy = options.pop("policy", None) or LinearAnnealedPolicy(EpsGreedyQPolicy(), "eps", 1., .1, .05, 800)
    agent = agent_class(model=model, nb_actions=6, memory=memory_class(300, window_length=3), policy=policy, **options)
    agent.compile(Adam(lr=2.5e-4), metrics=["mae"])
    return agent


def train(agent_class, memory_class, build_model=ram_model, env=make_env, nb_steps=1041, weights=None, fit=None,
          **options):
    """Trains from the same seeds and, if given, the same weights; returns all that must be the same."""
    if fit is None:
        fit = {}
    np.random.seed(5)
    random.seed(5)
    agent = make_agent(agent_class, memory_class, build_model(), **options)
    if weights is None:
        weights = agent.model.get_weights()
    agent.model.set_weights(weights)
    agent.update_target_model_hard()
    record = Record()
    agent.fit(env(), nb_steps, callbacks=[record], verbose=0, **{"nb_max_episode_steps": 400, **fit})
    draws = random.random(), np.random.rand()
    return agent, weights, record, draws


def assert_same(stock, fast):
    for mine, theirs in zip(fast[0].model.get_weights() + fast[0].target_model.get_weights(),
                            stock[0].model.get_weights() + stock[0].target_model.get_weights()):
        assert np.array_equal(mine, theirs)
    assert not np.array_equal(stock[0].model.get_weights()[0], stock[1][0]), "something was learned"
    assert stock[2].scores and stock[2].scores == fast[2].scores
    assert np.array_equal(np.nan_to_num(stock[2].metrics), np.nan_to_num(fast[2].metrics))
    assert stock[0].metrics_names == fast[0].metrics_names
    assert stock[3] == fast[3], "the same random numbers were drawn"


@pytest.mark.parametrize("double", [False, True])
@pytest.mark.parametrize("delta_clip", [np.inf, 1.])
@pytest.mark.parametrize("dueling", [False, True])
def test_same_bits_on_ram(double, delta_clip, dueling):
    options = {"enable_double_dqn": double, "delta_clip": delta_clip, "enable_dueling_network": dueling}
    stock = train(DQNAgent, SequentialMemory, **options)
    fast = train(FastDQNAgent, ArrayMemory, weights=stock[1], **options)
    assert np.isfinite(np.array(fast[2].metrics)[:, 0]).sum() >= 1000, "so many updates"
    assert_same(stock, fast)


def test_same_bits_on_small_pixels():
    def make_screen_env():
        env = SmallScreen(gym.make("SpaceInvaders-v0"))
        env.seed(2)
        return env
    options = {"build_model": screen_model, "env": make_screen_env, "enable_double_dqn": True}
    stock = train(DQNAgent, SequentialMemory, **options)
    assert_same(stock, train(FastDQNAgent, ArrayMemory, weights=stock[1], **options))


def test_same_bits_with_a_processor():
    options = {"build_model": lambda: ram_model(64), "dueling_type": "max"}
    stock = train(DQNAgent, SequentialMemory, processor=Clip(), **options)
    assert_same(stock, train(FastDQNAgent, ArrayMemory, weights=stock[1], processor=Clip(), **options))


@pytest.mark.parametrize("options", [
    {"train_interval": 4, "memory_interval": 3, "batch_size": 7, "target_model_update": 30},
    {"fit": {"action_repetition": 2, "nb_max_start_steps": 5, "nb_max_episode_steps": 60,
             "start_step_policy": lambda observation: 1}},
    {"policy": BoltzmannQPolicy(tau=1e4), "gamma": .5, "nb_steps_warmup": 5},  # the memory is too small at first
], ids=["intervals", "fit arguments", "Boltzmann"])
@pytest.mark.filterwarnings("ignore")
def test_same_bits_with_other_options(options):
    stock = train(DQNAgent, SequentialMemory, nb_steps=450, **options)
    for memory_class in (ArrayMemory, SequentialMemory):
        fast = train(FastDQNAgent, memory_class, nb_steps=450, weights=stock[1], **options)
        assert_same(stock, fast)


def test_soft_updates_repeat_themselves_and_follow_the_optimizer():
    first = train(FastDQNAgent, ArrayMemory, nb_steps=450, target_model_update=.01)
    again = train(FastDQNAgent, ArrayMemory, nb_steps=450, target_model_update=.01, weights=first[1])
    assert_same(first, again)
    agent = again[0]
    before = agent.target_model.get_weights()
    agent.learn(agent.draw_batch(), step=450)
    for old, new, target in zip(before, agent.model.get_weights(), agent.target_model.get_weights()):
        assert np.array_equal(target, np.float32(.01) * new + np.float32(.99) * old)


def test_n_step_and_scales_equal_a_model_and_rewards_scaled_by_hand():
    class Halve(Processor):
        def process_reward(self, reward):
            return reward * .5

        def process_state_batch(self, batch):
            return batch.astype(np.float32) * np.float32(.25)

    by_hand = train(FastDQNAgent, ArrayMemory, nb_steps=200, processor=Halve(), n_step=3)
    inside = train(FastDQNAgent, ArrayMemory, nb_steps=200, weights=by_hand[1], n_step=3, observation_scale=.25,
                   reward_scale=.5)
    for mine, theirs in zip(inside[0].model.get_weights(), by_hand[0].model.get_weights()):
        assert np.array_equal(mine, theirs)


def test_optimizer_and_metrics_stay_keras_own():
    metrics = ["mae"]
    agent = make_agent(FastDQNAgent, ArrayMemory, ram_model())
    agent.compile(Adam(), metrics=metrics)
    agent.fit(make_env(), 60, verbose=0)
    assert metrics == ["mae"], "keras-rl2 appends mean_q to the list it was given"
    assert agent.metrics_names == ["loss", "mae", "mean_q", "mean_eps"]
    slots = agent.trainable_model.optimizer.get_weights()
    assert slots[0] == 19 and len(slots) == 1 + 2 * 6  # updates made; two moments per array of weights
    assert all(value == 0 for metric in agent.trainable_model.metrics
               for value in tf.keras.backend.batch_get_value(metric.variables))


def test_weights_go_to_files_and_back(tmp_path):
    agent = make_agent(FastDQNAgent, ArrayMemory, ram_model())
    agent.fit(make_env(), 60, verbose=0)
    agent.save_weights(str(tmp_path / "weights.h5"))
    stock = make_agent(DQNAgent, SequentialMemory, ram_model())
    stock.load_weights(str(tmp_path / "weights.h5"))
    other = make_agent(FastDQNAgent, ArrayMemory, ram_model())
    other.load_weights(str(tmp_path / "weights.h5"))
    state = [np.full((3, 128), 3, np.uint8)]
    assert np.array_equal(stock.compute_batch_q_values(state), agent.compute_batch_q_values(state))
    assert np.array_equal(stock.compute_batch_q_values(state), other.compute_batch_q_values(state))
    histories = [a.test(make_env(), nb_episodes=1, visualize=False, verbose=0).history for a in (stock, other)]
    assert histories[0] == histories[1]


class Breaks(gym.Wrapper):
    """Raises `error` at the given step."""

    def __init__(self, env, error, at):
        super().__init__(env)
        self.error, self.at, self.steps = error, at, 0

    def step(self, action):
        self.steps += 1
        if self.steps == self.at:
            raise self.error
        return self.env.step(action)


def threads_left():
    return [thread for thread in threading.enumerate() if thread.name.startswith("ThreadPool") and thread.is_alive()]


def test_interrupt_leaves_the_agent_usable():
    agent, record = make_agent(FastDQNAgent, ArrayMemory, ram_model()), Record()
    agent.fit(Breaks(make_env(), KeyboardInterrupt(), 70), 200, callbacks=[record], verbose=0)
    assert record.ended == {"did_abort": True} and len(record.metrics) == 69
    assert agent.under_way is None and not threads_left()
    agent.fit(make_env(), 60, verbose=0)


def test_an_error_of_the_environment_reaches_the_caller():
    agent = make_agent(FastDQNAgent, ArrayMemory, ram_model())
    with pytest.raises(OSError, match="no console"):
        agent.fit(Breaks(make_env(), OSError("no console"), 70), 200, verbose=0)
    assert agent.under_way is None and not threads_left()
    agent.fit(make_env(), 60, verbose=0)


@pytest.mark.parametrize("memory_class", [ArrayMemory, SequentialMemory])
def test_a_loss_that_is_no_number_stops_the_training(memory_class):
    class Spoil(Processor):
        def process_reward(self, reward):
            return np.nan

    agent, record = make_agent(FastDQNAgent, memory_class, ram_model(), processor=Spoil()), Record()
    with pytest.raises(FloatingPointError, match="The loss is nan at step 41, which spoilt the weights; expected a "
                                                 "finite number. It comes from the reward of step 0, which is no "
                                                 "finite number: mend the env"):
        agent.fit(make_env(), 200, callbacks=[record], verbose=0)
    assert record.ended == {"did_abort": True}


def test_the_first_observation_that_is_no_number_is_named():
    class Spoil(gym.ObservationWrapper):
        seen = 0

        def observation(self, observation):
            self.seen += 1
            return observation * np.float32(np.nan if self.seen == 53 else 1)

    agent = make_agent(FastDQNAgent, ArrayMemory, ram_model())
    with pytest.raises(FloatingPointError, match="comes from the observation before step 52, which"):
        agent.fit(Spoil(make_env()), 500, verbose=0)


def test_bad_input():
    with pytest.raises(ValueError, match="batch_size is 298; expected 1 to 296, a whole number. A memory with lim"):
        make_agent(FastDQNAgent, ArrayMemory, ram_model(), batch_size=298)
    with pytest.raises(ValueError, match="n_step is 3 with a SequentialMemory"):
        make_agent(FastDQNAgent, SequentialMemory, ram_model(), n_step=3)
    for wrong in (0, 1.5):
        with pytest.raises(ValueError, match=f"^n_step is {wrong}; expected at least 1, a whole number"):
            make_agent(FastDQNAgent, ArrayMemory, ram_model(), n_step=wrong)
        with pytest.raises(ValueError, match=f"^nb_envs is {wrong}; expected 1 to 500, a whole number. Use fewer"):
            ArrayMemory(500, window_length=2, nb_envs=wrong)
        with pytest.raises(ValueError, match=f"^action_repetition is {wrong}; expected at least 1, a whole number"):
            make_agent(FastDQNAgent, ArrayMemory, ram_model()).fit(make_env(), 100, action_repetition=wrong, verbose=0)
        with pytest.raises(ValueError, match=f"^n is {wrong}; expected at least 1, a whole number"):
            set_threads(wrong)

    class Shrink(gym.ObservationWrapper):
        seen = 0

        def observation(self, observation):
            self.seen += 1
            return observation if self.seen < 50 else observation.astype(np.float32)
    with pytest.raises(ValueError, match="dtype float32; expected .* uint8"):
        make_agent(FastDQNAgent, ArrayMemory, ram_model()).fit(Shrink(make_env()), 100, verbose=0)


KERAS_RL_SUITE = '''
import importlib, sys, pytest
# the wheel's tests/rl/agents/__init__.py is a copy of rl/agents/__init__.py and looks for its modules beside it
for name in ('dqn', 'ddpg', 'cem', 'sarsa'):
    sys.modules['tests.rl.agents.' + name] = importlib.import_module('rl.agents.' + name)
from helpers.learning.memory import ArrayMemory
from helpers.learning.dqn import FastDQNAgent
swapped = set()
class Swap:
    def pytest_collection_modifyitems(self, items):
        for item in items:
            for name, ours in (('DQNAgent', FastDQNAgent), ('SequentialMemory', ArrayMemory)):
                if hasattr(item.module, name):
                    setattr(item.module, name, ours)
                    swapped.add((item.module.__name__, name))
# test_ddpg.py hands 'sgd' to DDPGAgent.compile, which wants an object: it fails without us, and has no DQN in it
status = pytest.main([sys.argv[1], '-k', 'not ddpg', '-q', '-p', 'no:cacheprovider', '-W', 'ignore'], plugins=[Swap()])
assert len(swapped) >= 4, swapped
sys.exit(status)
'''


def run_python(code, *arguments, **environment):
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), **environment}
    return subprocess.run([sys.executable, "-c", code, *arguments], env=environment, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=str(REPOSITORY))


def test_keras_rl2s_own_tests_pass():
    result = run_python(KERAS_RL_SUITE, str(Path(rl.__file__).parent.parent / "tests" / "rl"))
    assert result.returncode == 0, result.stdout


SET_THREADS = '''
from helpers.learning.threads import set_threads
import tensorflow as tf
import rl.agents
set_threads({first})
tf.compat.v1.keras.backend.get_session()
set_threads({second})
'''


def test_set_threads():
    result = run_python(SET_THREADS.format(first="", second=""))
    assert result.returncode == 0, result.stdout
    result = run_python(SET_THREADS.format(first=2, second=2))
    assert result.returncode == 0, result.stdout
    result = run_python(SET_THREADS.format(first=2, second=1))
    assert "RuntimeError: set_threads(1) came after TensorFlow started its threads" in result.stdout
    result = run_python(SET_THREADS.format(first=0, second=1))
    assert "ValueError: n is 0; expected at least 1, a whole number" in result.stdout
