"""fit_parallel: the same callbacks as fit, repeatable, and no thread left behind."""
import json
import math
import random
import threading

import gym
import numpy as np
import pytest
import tensorflow as tf
from rl.callbacks import Callback, FileLogger, ModelIntervalCheckpoint
from rl.core import Processor
from rl.memory import SequentialMemory
from rl.policy import EpsGreedyQPolicy, LinearAnnealedPolicy
from tensorflow.keras.layers import Dense, Flatten
from tensorflow.keras.models import Sequential
from tensorflow.keras.optimizers import Adam

from helpers.agents.inputs import ScaleAndClip
from helpers.agents.networks import build_ram_model
from helpers.game.environment import NB_ACTIONS, RAM, make_game
from helpers.learning.dqn import FastDQNAgent
from helpers.learning.memory import CUT, ArrayMemory
from helpers.runs.callbacks import RunLogger, SaveWeights
from helpers.runs.folder import start_run
from helpers.runs.progress import ProgressBar


@pytest.fixture(autouse=True)
def empty_graph():
    tf.keras.backend.clear_session()


class Corridor(gym.Env):
    """Four fields in a row, the start at random: one step to the right of the last one earns 10 points and ends the
    game; a step to the left of the first one ends it without points. Observations are all different,
    so that a stored one tells where it came from."""
    observation_space, action_space = gym.spaces.Box(0, 255, (4,), np.uint8), gym.spaces.Discrete(2)
    made = 0

    def __init__(self):
        self.number, Corridor.made = Corridor.made, Corridor.made + 1
        self.steps, self.closed = 0, False

    def seed(self, seed=None):
        self.seeded, self.random = seed, np.random.RandomState(seed)

    def _observe(self):
        self.steps += 1
        return np.array([self.place == i for i in range(4)], np.uint8)

    def reset(self):
        self.place = self.random.randint(4)
        return self._observe()

    def step(self, action):
        self.place += 1 if action == 1 else -1
        return self._observe(), 10. * (self.place == 4), not 0 <= self.place < 4, {"place": self.place}

    def close(self):
        self.closed = True


class Record(Callback):
    def __init__(self):
        self.events, self.steps, self.scores, self.rounds, self.ended = [], [], [], [], None

    def on_episode_begin(self, episode, logs=None):
        self.events.append(("begin", episode))

    def on_step_end(self, step, logs=None):
        self.steps.append((logs["episode"], step, int(logs["action"]), logs["reward"], tuple(logs["observation"][:9]),
                           tuple(np.nan_to_num(logs["metrics"]))))

    def on_episode_end(self, episode, logs=None):
        self.events.append(("end", episode))
        self.scores.append((episode, logs["episode_reward"], logs["nb_episode_steps"], logs["nb_steps"]))

    def on_round_end(self, number):
        self.rounds.append((number, int(self.model.step)))

    def on_train_end(self, logs=None):
        self.ended = logs


def make_agent(memory=None, inputs=(2, 4), nb_actions=2, **options):
    tf.compat.v1.set_random_seed(1)
    model = Sequential([Flatten(input_shape=inputs), Dense(16, activation="relu"), Dense(nb_actions)])
    options = {"nb_steps_warmup": 100, "batch_size": 16, "train_interval": 4, "target_model_update": 100, **options}
    memory = memory or ArrayMemory(1000, window_length=inputs[0])
    agent = FastDQNAgent(model=model, nb_actions=nb_actions, memory=memory,
                         policy=LinearAnnealedPolicy(EpsGreedyQPolicy(), "eps", 1., .1, .05, 1000), **options)
    agent.compile(Adam(lr=.01))
    return agent


def threads_left():
    return [thread for thread in threading.enumerate() if thread.name.startswith("ThreadPool") and thread.is_alive()]


def test_a_trivial_task_is_learned_in_seconds():
    agent, record = make_agent(n_step=2, enable_double_dqn=True, delta_clip=1., reward_scale=.1), Record()
    history = agent.fit_parallel(Corridor, 8, 4000, callbacks=[record], verbose=0, seed=3)
    assert np.mean([score for _, score, _, _ in record.scores[-50:]]) > 8.5
    states = np.zeros((4, 2, 4))
    states[range(4), 1, range(4)] = 1
    assert agent.compute_batch_q_values(states).argmax(axis=1).tolist() == [1, 1, 1, 1]
    assert history.history["nb_steps"][-1] <= 4000 + 7 and record.ended == {"did_abort": False}
    assert not threads_left()


def test_the_same_seed_repeats_the_training_on_the_real_game():
    runs = []
    for seed in (1, 1, 2):
        agent = make_agent(ArrayMemory(900, window_length=3), inputs=(3, 128), nb_actions=6)
        rng = np.random.RandomState(0)
        agent.model.set_weights([rng.normal(size=w.shape) * .01 for w in agent.model.get_weights()])
        record = Record()
        agent.fit_parallel(lambda: gym.make("SpaceInvaders-ram-v0"), 4, 900, callbacks=[record], verbose=0, seed=seed)
        runs.append((agent.model.get_weights(), record.steps, random.random(), np.random.rand()))
    assert all(np.array_equal(a, b) for a, b in zip(runs[0][0], runs[1][0]))
    assert runs[0][1:] == runs[1][1:]
    assert runs[0][1] != runs[2][1]


def test_callbacks_hear_what_they_hear_in_fit(tmp_path):
    agent, record = make_agent(), Record()
    log, weights = tmp_path / "log.json", tmp_path / "weights_{step}.h5"
    agent.fit_parallel(Corridor, 3, 300, verbose=0, seed=1,
                       callbacks=[record, FileLogger(str(log)), ModelIntervalCheckpoint(str(weights), 100)])
    assert agent.step == len(record.steps) >= 300
    learned = [i for i, step in enumerate(record.steps) if step[-1][0] != 0]
    assert learned == list(range(104, len(record.steps), 4)), "updates are counted in environment steps"
    assert (tmp_path / "weights_100.h5").exists() and (tmp_path / "weights_300.h5").exists()
    assert json.loads(log.read_text())["episode_reward"]
    for episode, score, nb_steps, _ in record.scores:
        steps = [step for step in record.steps if step[0] == episode]
        assert [step[1] for step in steps] == list(range(nb_steps))
        assert sum(step[3] for step in steps) == score
    begun = [episode for event, episode in record.events if event == "begin"]
    assert begun == list(range(len(begun)))
    assert [number for number, _ in record.rounds] == list(range(1, len(record.rounds) + 1))
    assert record.rounds[-1][1] == agent.step


@pytest.mark.parametrize("verbose", [1, 2])
def test_keras_rl2s_loggers_work(verbose, capsys):
    make_agent().fit_parallel(Corridor, 3, 400, verbose=verbose, log_interval=150, seed=1)
    printed = capsys.readouterr().out
    assert "Training for 400 steps" in printed and "done, took" in printed


def test_memory_holds_each_emulators_steps_in_order():
    agent = make_agent(nb_steps_warmup=10 ** 6)
    agent.fit_parallel(Corridor, 3, 200, verbose=0, seed=5)
    size = agent.memory.size
    stored = {name: rows[:size * 3].reshape((size, 3) + rows.shape[1:]) for name, rows in agent.memory.stored.items()}
    for i in range(3):
        env = Corridor()
        env.seed(5 + i)
        observation, reset_next = env.reset(), False
        for slot in range(size):
            assert np.array_equal(stored["observation"][slot, i], observation)
            if reset_next:
                observation, reward, done = env.reset(), 0., False
            else:
                observation, reward, done, _ = env.step(stored["action"][slot, i])
            assert (stored["reward"][slot, i], stored["terminal"][slot, i]) == (reward, done)
            reset_next = done


def test_acting_sees_the_states_that_fit_would_show():
    agent, seen = make_agent(nb_steps_warmup=10 ** 6), []
    compute = agent.compute_batch_q_values
    agent.compute_batch_q_values = lambda states: (seen.append(np.array(states)), compute(states))[1]
    agent.fit_parallel(Corridor, 1, 60, verbose=0, seed=5)
    stock = SequentialMemory(1000, window_length=2)
    stored = agent.memory.stored
    for slot, state in enumerate(seen):
        observation = stored["observation"][slot]
        assert np.array_equal(state[0], np.array(stock.get_recent_state(observation)))
        stock.append(observation, 0, 0., bool(stored["terminal"][slot]))


def test_processor_and_learning_rate():
    class Double(Processor):
        def process_observation(self, observation):
            return np.concatenate([observation, observation])

        def process_reward(self, reward):
            return 2 * reward

    rates = []

    class Rates(Callback):
        def on_round_end(self, number):
            rates.append(float(tf.keras.backend.get_value(self.model.trainable_model.optimizer.learning_rate)))
    agent, record = make_agent(inputs=(2, 8), processor=Double()), Record()
    agent.fit_parallel(Corridor, 2, 2500, callbacks=[record, Rates()], verbose=0, seed=1,
                       learning_rate=lambda step: .01 * (1 - step / 5000))
    assert {score for _, score, _, _ in record.scores} == {0., 20.}
    assert np.allclose(sorted(set(rates)), [.006, .008, .01])


def test_the_learning_rate_is_asked_for_steps_that_are_made_only():
    """Also in the last round, which goes beyond the last step."""
    asked = []

    def falling(step):
        asked.append(step)
        return .01 * math.sqrt(1 - step / 1999)
    make_agent().fit_parallel(Corridor, 8, 1999, verbose=0, seed=1, learning_rate=falling)
    assert asked == [0, 1000, 1998]


def test_what_is_no_learning_rate_is_refused_by_name():
    schedule = tf.keras.optimizers.schedules.ExponentialDecay(.01, 100, .9)
    agent = make_agent()
    for wrong, words in [(schedule, "is a ExponentialDecay; expected a function.*or give it to the optimizer"),
                         ([.01, .02], "is a list; expected a function"), (.01, "is a float; expected a function"),
                         (lambda step: None, r"learning_rate\(0\) is None; expected a number"),
                         (lambda step: np.nan, r"learning_rate\(0\) is nan; expected a number")]:
        with pytest.raises(ValueError, match=words):
            agent.fit_parallel(Corridor, 2, 100, verbose=0, seed=1, learning_rate=wrong)
    agent.compile(Adam(schedule))
    with pytest.raises(ValueError, match="an optimizer with a schedule of its own; expected one of them"):
        agent.fit_parallel(Corridor, 2, 100, verbose=0, seed=1, learning_rate=lambda step: .01)
    before = agent.model.get_weights()
    agent.fit_parallel(Corridor, 2, 200, verbose=0, seed=1)
    assert not np.array_equal(before[0], agent.model.get_weights()[0]), "the optimizer's own schedule works"


class Endless(gym.Env):
    """A point for each step, for ever; the place counts from 0 in each game."""
    observation_space, action_space = gym.spaces.Box(0, 255, (4,), np.uint8), gym.spaces.Discrete(2)

    def seed(self, seed=None):
        return [seed]

    def reset(self):
        self.place = 0
        return np.zeros(4, np.uint8)

    def step(self, action):
        self.place += 1
        return np.full(4, self.place, np.uint8), 1., False, {}


@pytest.mark.parametrize("n_step", [1, 3])
def test_a_time_limit_is_no_end(n_step):
    """With gamma 0.5, points for ever are worth 2; were the fourth step an end, the last two were worth 1.5 and 1."""
    agent = make_agent(n_step=n_step, gamma=.5)
    agent.fit_parallel(lambda: gym.wrappers.TimeLimit(Endless(), 4), 4, 4000, verbose=0, seed=4)
    assert set(agent.memory.stored["terminal"]) == {0, CUT}
    for place in range(4):
        state = np.array([[[max(0, place - 1)] * 4, [place] * 4]], np.uint8)
        assert agent.compute_batch_q_values(state).max() == pytest.approx(2, abs=.3)


class Breaks(Corridor):
    error, at = None, None

    def step(self, action):
        if self.steps >= Breaks.at and self.seeded == 2:
            raise Breaks.error
        return super().step(action)


def test_an_emulator_that_dies_is_reported_and_the_agent_stays_usable():
    agent, record, envs = make_agent(), Record(), []

    def make_env():
        envs.append(Breaks())
        return envs[-1]
    Breaks.error, Breaks.at = OSError("no console"), 100
    before = agent.model.get_weights()
    with pytest.raises(RuntimeError, match=r"Emulator 1 of 3 died \(OSError\('no console'\)\); expected"):
        agent.fit_parallel(make_env, 3, 1000, callbacks=[record], verbose=0, seed=1)
    assert record.ended == {"did_abort": True} and not threads_left() and all(env.closed for env in envs)
    assert not np.array_equal(before[0], agent.model.get_weights()[0]), "what was learned is kept"
    agent.fit_parallel(Corridor, 3, 200, verbose=0, seed=1)


def test_interrupt_ends_threads_and_leaves_the_agent_usable():
    class Interrupt(Callback):
        def on_step_end(self, step, logs=None):
            if logs is None:
                logs = {}
            if self.model.step == 150:
                raise KeyboardInterrupt

    agent, record = make_agent(), Record()
    agent.fit_parallel(Corridor, 3, 1000, callbacks=[record, Interrupt()], verbose=0, seed=1)
    assert record.ended == {"did_abort": True} and not threads_left()
    agent.fit_parallel(Corridor, 3, 200, verbose=0, seed=1)
    with pytest.warns(UserWarning, match="3 emulators; it is emptied for a training with 1"):
        env = Corridor()
        env.seed(1)
        agent.fit(env, 200, verbose=0)
    agent.test(env, nb_episodes=2, visualize=False, verbose=0)


def test_a_loss_that_is_no_number_stops_the_training():
    class Spoil(Processor):
        def process_reward(self, reward):
            return np.nan

    record = Record()
    with pytest.raises(FloatingPointError, match="at step 104.* comes from the reward of step 0, which is no finite"):
        make_agent(processor=Spoil()).fit_parallel(Corridor, 2, 500, callbacks=[record], verbose=0, seed=1)
    assert record.ended == {"did_abort": True} and not threads_left()


def test_the_observation_that_is_no_number_is_named_and_not_the_learning_rate():
    class Spoilt(Corridor):
        observation_space = gym.spaces.Box(0, 1, (4,), np.float32)
        shown = 0

        def _observe(self):
            Spoilt.shown += 1
            return super()._observe() * np.float32(np.inf if Spoilt.shown == 150 else 1)

    agent, record = make_agent(), Record()
    with pytest.raises(FloatingPointError, match="The loss is .* comes from the observation before step") as raised:
        agent.fit_parallel(Spoilt, 2, 1000, callbacks=[record], verbose=0, seed=1)
    named = int(str(raised.value).split("before step ")[1].split(",")[0])
    assert named - 1 in [number for number, step in enumerate(record.steps) if not np.isfinite(step[4]).all()] or (
        100 < named < 150)  # the first observation of a game is in no step's log
    with pytest.raises(FloatingPointError, match="spoilt the weights; expected a finite number. Lower the learn"):
        make_agent(reward_scale=1e30).fit_parallel(Corridor, 2, 1000, verbose=0, seed=1)


@pytest.mark.parametrize("nb_envs", [0, -1, 251])
def test_impossible_numbers_of_emulators(nb_envs):
    with pytest.raises(ValueError, match=f"nb_envs is {nb_envs}; expected 1 to 250"):
        make_agent().fit_parallel(Corridor, nb_envs, 100)


def test_other_bad_input():
    with pytest.raises(ValueError, match="nb_steps_warmup is 10; expected at least 32, a whole number. 8 emulators"):
        make_agent(nb_steps_warmup=10).fit_parallel(Corridor, 8, 100)
    with pytest.raises(ValueError, match="expected an ArrayMemory"):
        make_agent(SequentialMemory(100, window_length=2)).fit_parallel(Corridor, 2, 100)
    with pytest.raises(ValueError, match="seed is 1099511627776; expected 0 to 4,294,967,295, a whole number"):
        make_agent().fit_parallel(Corridor, 2, 100, seed=2**40)
    agent = make_agent()
    agent.compiled = False
    with pytest.raises(RuntimeError, match="; expected a call of compile"):
        agent.fit_parallel(Corridor, 2, 100)


def test_run_folders_work_as_in_fit(tmp_path):
    """The real game: each emulator's own score, unclipped, in the order in which the games ended."""
    envs = []

    def make_env():
        envs.append(make_game(RAM))
        return envs[-1]

    agent = FastDQNAgent(
        model=build_ram_model(128, NB_ACTIONS), nb_actions=NB_ACTIONS, memory=ArrayMemory(5_000, window_length=3),
        policy=LinearAnnealedPolicy(EpsGreedyQPolicy(), "eps", 1.0, 0.1, 0.05, 5_000), nb_steps_warmup=200,
        train_interval=4, processor=ScaleAndClip())
    agent.compile(Adam(lr=1e-4))
    run = start_run("ram", {}, tmp_path)
    callbacks = [RunLogger(run), SaveWeights(run, 2_000), ProgressBar()]
    agent.fit_parallel(make_env, nb_envs=4, nb_steps=6_000, callbacks=callbacks, verbose=0, seed=1)
    episodes = run.episodes
    assert sorted(episodes["score"]) == sorted(score for env in envs for score in env.scores)
    assert len(episodes) >= 4 and episodes["score"].max() > 30
    assert episodes["step"].is_monotonic_increasing and episodes["epsilon"].is_monotonic_decreasing
    assert np.isfinite(episodes[["loss", "mean_q"]].values).all()
    assert [path.name for path in run.checkpoints][:3] == [f"weights-{n:09d}.h5" for n in (2_000, 4_000, 6_000)]
