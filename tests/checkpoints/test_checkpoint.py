"""Trainings that are stopped, killed and resumed, on the real game: to the bit as if they had never stopped."""
import math
import os
import random
import resource
import signal
import subprocess
import sys
import threading

import gym
import numpy as np
import pytest
import tensorflow as tf
from kill_and_resume import first_difference, make_agent, outcome
from rl.agents import DQNAgent
from rl.callbacks import Callback, FileLogger
from rl.memory import SequentialMemory
from rl.policy import EpsGreedyQPolicy
from tensorflow.keras.optimizers import SGD, Adam

from helpers.agents.build import build_agent
from helpers.agents.networks import build_ram_model
from helpers.checkpoints import state_file
from helpers.checkpoints.checkpoint import Checkpoint, find_checkpoints
from helpers.checkpoints.state_file import read_state
from helpers.game.environment import NB_ACTIONS, RAM, make_game
from helpers.learning.dqn import FastDQNAgent
from helpers.runs.callbacks import RunLogger, SaveWeights
from helpers.runs.folder import start_run
from helpers.runs.progress import ProgressBar


@pytest.fixture(autouse=True)
def start_afresh():
    afresh()


def afresh():
    """As in a new process."""
    tf.keras.backend.clear_session()
    random.seed(1)
    np.random.seed(1)
    tf.compat.v1.set_random_seed(1)


def fit(folder, nb_steps, agent=None, every=50, callbacks=(), **options):
    agent = agent or make_agent()
    callbacks = [*callbacks, Checkpoint(folder, every)]
    return agent, agent.fit(make_game(RAM, seed=1), nb_steps, callbacks=callbacks, verbose=0, **options)


class Listener(Callback):
    """Notes whether a training has begun."""

    heard = False

    def on_train_begin(self, logs=None):
        self.heard = True


def names(folder):
    return sorted(path.name for path in folder.iterdir() if path.name != "writer.lock")


def test_killed_ten_times_and_resumed_it_is_equal_to_the_bit(project):
    """Ten processes, killed with SIGKILL at other random moments each time. `make kill-test` kills more of them."""
    command = [sys.executable, str(project / "tests" / "kill_and_resume.py"), "fit:3", "fit_parallel:5", "fit:2"]
    result = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(project)}, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True)
    assert result.returncode == 0, result.stdout
    assert result.stdout.count("equal to the bit") == 3, result.stdout


def test_checkpoints_change_nothing_and_two_are_kept(tmp_path, capsys):
    agent, history = fit(tmp_path / "a", 320)
    assert names(tmp_path / "a") == ["checkpoint-0000000300.dqn", "checkpoint-0000000320.dqn"]
    assert "Checkpoints: up to" in capsys.readouterr().out
    about = read_state(tmp_path / "a" / "checkpoint-0000000320.dqn")[0]
    assert about["step"] == 320 and about["settings"]["environment"] == RAM
    weights, draws = agent.model.get_weights(), (np.random.rand(), random.random())
    afresh()
    agent = make_agent()
    agent.fit(make_game(RAM, seed=1), 320, verbose=0)
    assert (np.random.rand(), random.random()) == draws
    assert not first_difference(agent.model.get_weights(), weights)


OPTIONS = {"action_repetition": 2, "nb_max_start_steps": 10, "nb_max_episode_steps": 60}


def test_all_options_and_callbacks_of_fit_go_on(tmp_path, capsys):
    """With keras-rl2's loggers, too; the second half runs in the same process, with a new agent."""
    logs = {}
    for name, stops in (("whole", [300]), ("resumed", [130, 300])):
        run = start_run(name, {}, tmp_path)
        log = tmp_path / f"{name}.json"
        for nb_steps in stops:
            afresh()
            callbacks = [RunLogger(run), SaveWeights(run, 100), ProgressBar(), FileLogger(str(log))]
            resume = run.folder if nb_steps != stops[0] else None
            _, history = fit(run.folder, nb_steps, callbacks=callbacks, resume=resume, **OPTIONS)
        result = outcome(run.folder)
        for kind, values in result["callbacks"]:
            if kind == "FileLogger":
                values["plain"].pop("starts", None)
                values["plain"]["data"].pop("duration", None)
        logs[name] = {**result, "history": history.history, "weights": [path.name for path in run.checkpoints]}
    assert len(logs["whole"]["history"]["episode_reward"]) >= 5
    logs["resumed"]["weights"].remove("weights-000000130.h5")
    assert first_difference(logs["whole"], logs["resumed"]) == ""


def test_a_damaged_checkpoint_is_named_and_the_one_before_used(tmp_path, monkeypatch):
    agent, _ = fit(tmp_path, 60, every=40)
    newest = tmp_path / "checkpoint-0000000060.dqn"
    good = newest.read_bytes()
    state = read_state(newest)
    with monkeypatch.context() as patch:
        patch.setattr(state_file, "FORMAT", 9)
        state_file.write_state(newest, *state)
    for data, reason in [(good[:-50_000], "is cut short or damaged"), (b"another file", "is no checkpoint"),
                         (newest.read_bytes(), "has format 9")]:
        newest.write_bytes(data)
        with pytest.warns(UserWarning, match=f"checkpoint-0000000060.dqn {reason}.*The checkpoint before it is used"):
            fit(tmp_path, 50, agent, resume=tmp_path)
        assert agent.step == 50
        assert names(tmp_path) == [f"checkpoint-00000000{name}" for name in ("40.dqn", "50.dqn", "60.dqn.unused")]
        (tmp_path / "checkpoint-0000000050.dqn").unlink()
    (tmp_path / "checkpoint-0000000040.dqn").write_bytes(good[:100])
    with pytest.warns(UserWarning, match="damaged.* There is none before it, and this one renamed"), \
            pytest.raises(FileNotFoundError, match="There is no checkpoint in .* that can be read"):
        fit(tmp_path, 50, agent, resume=tmp_path)


def test_other_files_in_the_folder_are_left_alone_and_what_a_kill_left_goes(tmp_path):
    fit(tmp_path, 60, every=40)
    copy = tmp_path / "checkpoint-backup.dqn"
    copy.write_bytes((tmp_path / "checkpoint-0000000040.dqn").read_bytes())
    (tmp_path / "checkpoint-0000000055.dqn.part").write_bytes(b"half")
    fit(tmp_path, 70, every=40, resume=tmp_path)
    assert names(tmp_path) == ["checkpoint-0000000060.dqn", "checkpoint-0000000070.dqn", copy.name]


def test_a_checkpoint_of_other_settings_is_refused_and_they_are_named(tmp_path):
    agent, _ = fit(tmp_path, 20)
    envs = []

    def make_env():
        envs.append(make_game(RAM))
        return envs[-1]

    def refused(match, nb_steps=100, **options):
        with pytest.raises(ValueError, match=match):
            fit(tmp_path, nb_steps, agent, resume=tmp_path, **options)

    refused("nb_steps is 20, but 20 steps are done already", nb_steps=20)
    refused("nb_max_episode_steps=None, here 7", nb_max_episode_steps=7)
    with pytest.raises(ValueError, match="environment=SpaceInvaders-ram-v0, here SpaceInvaders-ram-v4"):
        agent.fit(make_game("SpaceInvaders-ram-v4"), 100, verbose=0, resume=tmp_path)
    with pytest.warns(UserWarning, match="emptied"), \
            pytest.raises(ValueError, match="environments=1, here 2.*trained by=fit, here fit_parallel"):
        agent.fit_parallel(make_env, 2, 100, verbose=0, resume=tmp_path)
    agent.gamma, agent.memory.limit, agent.policy.nb_steps = 0.9, 800, 5
    refused("belongs to a training with other settings, gamma=0.99, here 0.9; memory limit=700, here 800; "
            "policy nb_steps=2000, here 5; expected the same. Make agent")
    agent.compile(Adam(lr=0.5))
    refused("optimizer learning_rate=0.0001, here 0.5")
    agent.compile(SGD(lr=1e-4))
    refused("optimizer=Adam, here SGD")


def test_a_checkpoint_of_an_agent_that_is_shown_something_else_is_refused(tmp_path):
    """Both networks have the same shape."""
    def agent(*shown):
        return build_agent(build_ram_model(128, NB_ACTIONS, 2, [8]), NB_ACTIONS, window=1, warmup_steps=50, fast=True,
                           replay_limit=200, shown=shown)

    fit(tmp_path, 60, agent("positions"))
    with pytest.raises(ValueError, match=r"has shown=\('positions',\), and this one \('bombs',\); expected the s"):
        fit(tmp_path, 100, agent("bombs"), resume=tmp_path)
    resumed, _ = fit(tmp_path, 100, agent("positions"), resume=tmp_path)
    assert resumed.step == 100


def test_what_cannot_be_stored_is_refused(tmp_path):
    for every in (0, 1.5):
        with pytest.raises(ValueError, match=f"^every is {every}; expected at least 1, a whole number"):
            Checkpoint(tmp_path, every)
    options = {"nb_actions": NB_ACTIONS, "policy": EpsGreedyQPolicy(), "nb_steps_warmup": 50}
    for agent_class in (DQNAgent, FastDQNAgent):
        agent = agent_class(build_ram_model(128, NB_ACTIONS), memory=SequentialMemory(500, window_length=3), **options)
        agent.compile(Adam())
        with pytest.raises(ValueError, match=f"a {agent_class.__name__} with a SequentialMemory; expected a FastDQNA"):
            fit(tmp_path, 100, agent)
    fit(tmp_path / "a", 20)
    fit(tmp_path / "b", 40)
    listener = Listener()
    for options in ({}, {"resume": tmp_path / "b"}):
        with pytest.raises(ValueError, match="holds checkpoint-0000000020.dqn, of an earlier training; expected none"):
            fit(tmp_path / "a", 100, callbacks=[listener], **options)
    assert not listener.heard  # the callbacks before this one need not clean up


def test_a_learning_rate_that_is_another_function_is_found(tmp_path):
    def falling(total, nb_steps, asked=None):
        def rate(step):
            if asked is not None:
                asked.append(step)
            return 1e-3 * math.sqrt(1 - step / total)
        options = {"nb_steps": nb_steps, "callbacks": [Checkpoint(tmp_path)], "verbose": 0, "seed": 1}
        resume = tmp_path if find_checkpoints(tmp_path) else None
        agent = make_agent()
        agent.fit_parallel(lambda: make_game(RAM), 2, learning_rate=rate, resume=resume, **options)
        return agent

    asked = []
    falling(1_500, 150, asked)
    assert max(asked) == 149 and min(asked) == 0
    with pytest.raises(ValueError, match=r"learning rate at step 149=0\.000949\d+, here 0\.00096\d+; expected the s"):
        falling(2_000, 160)
    assert falling(1_500, 160).step >= 160
    with pytest.raises(ValueError, match="optimizer learning_rate=None, here 0.0001"):
        make_agent().fit_parallel(lambda: make_game(RAM), 2, 200, verbose=0, seed=1, resume=tmp_path)


def test_a_schedule_in_the_optimizer_goes_on(tmp_path):
    def run(folder, *stops):
        for nb_steps in stops:
            afresh()
            agent = make_agent()
            agent.compile(Adam(tf.keras.optimizers.schedules.ExponentialDecay(1e-3, 10, 0.9)))
            fit(folder, nb_steps, agent, resume=folder if nb_steps != stops[0] else None)
        return agent.model.get_weights()

    assert not first_difference(run(tmp_path / "whole", 180), run(tmp_path / "halves", 140, 180))


def test_an_environment_that_can_not_be_stored_is_refused_before_the_first_step(tmp_path):
    class Threads(gym.Wrapper):
        def __init__(self, env):
            super().__init__(env)
            self.lock = threading.Lock()

    class Stored(Threads):
        def get_state(self):
            return None

        def set_state(self, state):
            pass

    listener = Listener()
    for env, words in [
        (gym.wrappers.Monitor(make_game(RAM, seed=1), str(tmp_path / "m"), video_callable=False),
         "holds a Monitor, whose stats_recorder can't be stored; expected .* Leave it out.* train without Checkp"),
        (Threads(make_game(RAM, seed=1)), "holds a Threads, whose lock can't be stored"),
    ]:
        with pytest.raises(ValueError, match=words):
            make_agent().fit(env, 20, callbacks=[listener, Checkpoint(tmp_path)], verbose=0)
    assert not listener.heard and not find_checkpoints(tmp_path)
    make_agent().fit(Stored(make_game(RAM, seed=1)), 20, callbacks=[Checkpoint(tmp_path)], verbose=0)
    make_agent().fit(Stored(make_game(RAM, seed=1)), 40, callbacks=[Checkpoint(tmp_path)], verbose=0, resume=tmp_path)


def test_a_full_disk_is_reported_and_training_goes_on(tmp_path, caplog):
    """A file that may not grow is what a full disk looks like: the write fails half-way."""
    caplog.set_level("INFO", "helpers.checkpoints.checkpoint")
    fit(tmp_path, 60)
    assert "checkpoint after 60 steps" in caplog.text
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.warns(UserWarning, match="Step 100: the checkpoint could not be written .*It needs up to .* bytes, "
                                             "and .* are free; the checkpoint before stays. Training goes on"):
            agent, _ = fit(tmp_path, 110, resume=tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert "checkpoint after 100 steps" not in caplog.text
    assert agent.step == 110 and names(tmp_path) == ["checkpoint-0000000050.dqn", "checkpoint-0000000060.dqn"]


def test_the_stop_button_saves_and_resume_goes_on_from_there(tmp_path):
    class PressStop(Callback):
        def on_step_end(self, step, logs):
            if self.model.step == 150:
                os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    agent, _ = fit(tmp_path, 10_000_000, every=10_000_000, callbacks=[PressStop()])
    assert signal.getsignal(signal.SIGINT) is before
    newest = find_checkpoints(tmp_path)[-1]
    assert int(newest.stem[11:]) == agent.step in (151, 152)  # the signal may arrive a step later
    weights = read_state(newest)[1]["weights"]
    assert not first_difference(weights, agent.model.get_weights())
    agent, _ = fit(tmp_path, agent.step + 50, resume=tmp_path)
    assert agent.step == int(newest.stem[11:]) + 50
