"""Runs that are logged, saved, interrupted and resumed, with the real agent on the real game."""
import os
import signal
import time
from contextlib import suppress

import numpy as np
import pytest
import tensorflow as tf
from rl.callbacks import Callback

from helpers.agents.build import build_agent
from helpers.agents.inputs import ScaleAndClip
from helpers.agents.networks import build_pixel_model, build_ram_model
from helpers.agents.weights import load_weights, weights_as_hdf5
from helpers.checkpoints.checkpoint import Checkpoint
from helpers.files import HELD
from helpers.game.environment import RAM, make_game
from helpers.game.wrappers import LifeAsEpisode
from helpers.measuring.play import play_games
from helpers.runs import callbacks as training
from helpers.runs.callbacks import ResumeAt, RunLogger, SaveWeights
from helpers.runs.folder import start_run
from helpers.runs.progress import ProgressBar


@pytest.fixture
def agent():
    tf.keras.backend.clear_session()
    return build_agent(build_ram_model(128, 6), 6, warmup_steps=100, epsilon_steps=2_000, processor=ScaleAndClip())


@pytest.fixture
def run(tmp_path):
    return start_run("ram", {"window": 3}, tmp_path)


def train(agent, run, nb_steps, *extra, interval=1_000_000, env=None):
    callbacks = [RunLogger(run), SaveWeights(run, interval), *extra]
    agent.fit(env or make_game(RAM, seed=1), nb_steps=nb_steps, verbose=0, callbacks=callbacks)
    return callbacks


def test_every_game_is_logged_with_its_raw_score(agent, run):
    env = make_game(RAM, seed=1)
    train(agent, run, 2_500, env=env)
    episodes = run.episodes
    assert episodes["score"].tolist() == env.scores and episodes["score"].max() > 30  # clipped, no game makes 30
    assert episodes["game"].tolist() == list(range(1, len(env.scores) + 1))
    assert episodes["step"].tolist() == episodes["steps_in_game"].cumsum().tolist()
    assert episodes["epsilon"].is_monotonic_decreasing and episodes["epsilon"].between(0.1, 1).all()
    assert np.isfinite(episodes[["loss", "mean_q", "seconds"]].values).all()
    assert run.step == 2_500


def test_lives_as_episodes_are_logged_as_whole_games(agent, run):
    env = LifeAsEpisode(make_game(RAM, seed=1))
    train(agent, run, 3_000, ProgressBar(), env=env)
    episodes = run.episodes
    assert episodes["score"].tolist() == env.scores and len(env.scores) > 1
    between_lives = episodes["steps_in_game"] - episodes["step"].diff().fillna(episodes["step"][0])
    assert between_lives.between(1, 4).all()  # a step without an action for each life that went on


def tensorboard_scores(run, tag="game/score"):
    """What the run's event files hold, in the order of the steps; a file cut short is read as far as it goes."""
    found = {}
    for path in run.folder.glob("events*"):
        with suppress(tf.errors.DataLossError):
            for event in tf.compat.v1.train.summary_iterator(str(path)):
                for value in event.summary.value:
                    if value.tag == tag:
                        found[event.step] = value.simple_value
    return [found[step] for step in sorted(found)]


def test_the_same_numbers_go_to_tensorboard(agent, run):
    train(agent, run, 2_500)
    assert tensorboard_scores(run) == run.episodes["score"].tolist()
    means = tensorboard_scores(run, "game/mean_score")
    assert means == pytest.approx(run.episodes["score"].rolling(100, min_periods=1).mean().tolist())


def test_weights_are_saved_each_interval_and_at_the_end(agent, run):
    train(agent, run, 250, interval=100)
    assert [path.name for path in run.checkpoints] == [f"weights-{step:09d}.h5" for step in (100, 200, 250)]
    before = agent.model.get_weights()
    agent.model.set_weights([np.zeros_like(weights) for weights in before])
    load_weights(agent, run.checkpoints[-1])
    for model in (agent.model, agent.target_model):
        assert all(np.array_equal(weights, saved) for weights, saved in zip(model.get_weights(), before))


def test_less_than_one_step_is_refused(agent, run):
    for nb_steps in (0, -5):
        with pytest.raises(ValueError, match=f"nb_steps is {nb_steps}; expected at least 1"):
            train(agent, run, nb_steps)
    for interval in (0, 1.5):
        with pytest.raises(ValueError, match=f"^interval is {interval}; expected at least 1, a whole number"):
            SaveWeights(run, interval)


def test_an_interrupt_leaves_an_agent_weights_and_a_message(agent, run, capsys):
    """The stop button sends SIGINT to the kernel: so does this, in the middle of training."""
    class PressStop(Callback):
        def on_step_end(self, step, logs):
            if self.model.step == 300:
                os.kill(os.getpid(), signal.SIGINT)

    train(agent, run, 10_000_000, PressStop())
    assert run.step in (301, 302)  # the signal may arrive a step later
    message = capsys.readouterr().out
    assert f"Stopped after {run.step:,} steps" in message and "resume" in message
    assert run.checkpoints[-1].name in message
    assert run.checkpoints[-1].name == f"weights-{run.step:09d}.h5"
    assert len(play_games(make_game(RAM, seed=2), agent, nb_games=1, max_steps=100)) == 1


class Watch(Callback):
    """Note the agent's step and epsilon at each step."""

    def __init__(self):
        super().__init__()
        self.steps, self.epsilons = [], []

    def on_step_end(self, step, logs):
        self.steps.append(int(self.model.step))
        self.epsilons.append(self.model.policy.inner_policy.eps)


def test_resume_goes_on_with_step_epsilon_memory_and_log(agent, run):
    watch = Watch()
    callbacks = train(agent, run, 1_500, watch)
    entries, games = agent.memory.nb_entries, len(run.episodes)
    play_games(make_game(RAM, seed=2), agent, nb_games=1, max_steps=50)  # a reader who looks before resuming
    agent.fit(make_game(RAM, seed=3), nb_steps=4_500, verbose=0, callbacks=[ResumeAt(run.step), *callbacks])
    assert watch.steps == list(range(4_500))
    assert watch.epsilons[1_500] == pytest.approx(1 - 0.9 * 1_500 / 2_000)
    assert agent.memory.nb_entries >= min(entries, agent.memory.limit)
    episodes = run.episodes
    assert len(episodes) > games and episodes["game"].tolist() == list(range(1, len(episodes) + 1))
    assert episodes["step"].is_monotonic_increasing and episodes["seconds"].is_monotonic_increasing
    with pytest.raises(ValueError, match="4,500 steps are done already; expected the total. Ask for more"):
        agent.fit(make_game(RAM), nb_steps=2_000, verbose=0, callbacks=[ResumeAt(run.step), *callbacks])


def test_a_second_training_of_a_run_leaves_its_own_weights(agent, run):
    saver = SaveWeights(run, 1_000)
    for _ in range(2):
        agent.fit(make_game(RAM, seed=1), nb_steps=120, verbose=0, callbacks=[saver])
        assert run.checkpoints[-1].read_bytes() == weights_as_hdf5(agent, make_game(RAM))


def test_a_full_disk_is_reported_and_training_goes_on(agent, run):
    """A file that may not grow is what a full disk looks like to h5py: the write fails half-way."""
    import resource

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, limits[1]))  # the weights take 1.1 MB
    try:
        with pytest.warns(UserWarning, match="Step 100: the weights could not be written .*free some disk space"):
            train(agent, run, 250, interval=100)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert run.step == 250
    assert list(run.folder.glob("*.h5")) == []  # nothing half-written is left behind


def test_weights_of_the_other_agent_are_refused(agent, run, tmp_path):
    path = tmp_path / "pixels.h5"
    build_pixel_model((84, 84, 3), 6).save_weights(str(path))
    before = agent.model.get_weights()
    with pytest.raises(ValueError, match="pixels.h5 does not fit this agent.*can't share weights"):
        load_weights(agent, path)
    assert all(np.array_equal(old, new) for old, new in zip(before, agent.model.get_weights()))
    other = tmp_path / "window4.h5"
    build_agent(build_ram_model(128, 6, window=4), 6, window=4).save_weights(str(other))
    with pytest.raises(ValueError, match="does not fit this agent"):
        load_weights(agent, other)
    (tmp_path / "torn.h5").write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match="torn.h5 does not fit"):
        load_weights(agent, tmp_path / "torn.h5")
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(ValueError, match=r"run.json is no weights file; expected HDF5\."):
        load_weights(agent, tmp_path / "run.json")
    for name in ("missing.h5", "a" * 300, "torn.h5/more.h5"):
        with pytest.raises(FileNotFoundError, match="There is no weights file .*; expected one that training saved"):
            load_weights(agent, tmp_path / name)
    with pytest.raises(ValueError, match="is a folder; expected a file in it. Name one: pixels.h5, torn.h5, w"):
        load_weights(agent, tmp_path)


def test_weights_in_tensorflow_s_own_format_are_recognised(agent, tmp_path):
    """keras-rl's examples save to .h5f, which is no name of an HDF5 file for TensorFlow 2."""
    path = tmp_path / "w.h5f"
    agent.save_weights(str(path))
    before = agent.model.get_weights()
    agent.model.set_weights([np.zeros_like(weights) for weights in before])
    with pytest.raises(ValueError, match=r"w\.h5f are in TensorFlow's own format \(w\.h5f\.index lies there\)"):
        load_weights(agent, path)
    agent.load_weights(str(path))  # as the message says
    agent.save_weights(str(tmp_path / "w.h5"))
    load_weights(agent, tmp_path / "w.h5")
    assert all(np.array_equal(old, new) for old, new in zip(before, agent.model.get_weights()))


def test_weights_of_another_agent_or_game_are_refused(run):
    """The network's shape alone would not show it."""
    def fast_agent(**options):
        return build_agent(build_ram_model(128, 6), 6, warmup_steps=50, fast=True, **options)

    stock = build_agent(build_ram_model(128, 6), 6, processor=ScaleAndClip())  # as in notebook 06
    trained = fast_agent(observation_scale=1 / 255)
    for agent in (stock, trained):
        train(agent, run, 60)
        path = run.checkpoints[-1]
        time.sleep(1.1)
        assert weights_as_hdf5(agent, make_game(RAM)) == path.read_bytes()
        load_weights(agent, path, make_game(RAM))
        with pytest.raises(ValueError, match="were made for game space_invaders, and here it is demon_attack"):
            load_weights(agent, path, make_game("DemonAttack-ram-v0"))
        path.unlink()
    path.write_bytes(weights_as_hdf5(trained, make_game(RAM)))
    load_weights(stock, path)
    with pytest.raises(ValueError, match="for observation_scale 0.003921569, and here it is 1.0; expected the same"):
        load_weights(fast_agent(), path)

    def shown(*views):
        return build_agent(build_ram_model(128, 6, 2, [4]), 6, window=1, shown=views)

    path.write_bytes(weights_as_hdf5(shown("positions"), make_game(RAM)))
    load_weights(shown("positions"), path)
    with pytest.raises(ValueError, match=r"were made for shown \['positions'\], and here it is \['bombs'\]"):
        load_weights(shown("bombs"), path)


def test_a_full_disk_stops_no_log(agent, run, monkeypatch):
    """The logs may not grow for a while; the rows of episodes.csv come when it may, TensorBoard lacks those games."""
    import resource

    monkeypatch.setattr(training, "FLUSH_SECONDS", 0)

    class Disk(Callback):
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)

        def on_step_end(self, step, logs):
            if self.model.step in (250, 750):
                limit = 100 if self.model.step == 250 else self.limits[0]
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, self.limits[1]))

    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        with pytest.warns(UserWarning, match="the log could not be written") as warned:
            agent.fit(make_game(RAM, seed=1), nb_steps=1_000, verbose=0, nb_max_episode_steps=50,
                      callbacks=[RunLogger(run), Disk()])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, Disk.limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert run.episodes["game"].tolist() == list(range(1, 21))
    assert any("TensorBoard's log could not be written" in str(one.message) for one in warned)
    assert [int(score) for score in tensorboard_scores(run)[-4:]] == run.episodes["score"][-4:].astype(int).tolist()


def test_half_a_row_that_a_full_disk_left_is_no_beginning_of_another(agent, run):
    path = run.folder / "episodes.csv"
    for _ in range(2):
        agent.fit(make_game(RAM), nb_steps=60, verbose=0, nb_max_episode_steps=30, callbacks=[RunLogger(run)])
        path.write_bytes(path.read_bytes() + b"3,1")
    assert run.episodes["game"].tolist() == [1, 2, 1, 2]


def test_a_run_that_another_process_writes_is_left_alone(agent, held_run):
    run, process = held_run
    before = sorted(run.folder.iterdir())
    fast = build_agent(build_ram_model(128, 6), 6, warmup_steps=50, fast=True)
    for player, callback in ((agent, RunLogger(run)), (agent, SaveWeights(run, 10)), (fast, Checkpoint(run.folder))):
        with pytest.raises(BlockingIOError, match=f"is in use by process {process.pid} on "):
            player.fit(make_game(RAM, seed=1), nb_steps=60, verbose=0, callbacks=[callback])
        assert sorted(run.folder.iterdir()) == before
    process.kill()
    process.wait()
    train(agent, run, 60)
    assert not HELD  # given back with the last callback's end


def test_a_game_cut_short_is_logged_with_its_own_score(agent, run):
    env = make_game(RAM, seed=1)
    agent.fit(env, nb_steps=1_000, verbose=0, nb_max_episode_steps=200, callbacks=[RunLogger(run)])
    assert run.episodes["steps_in_game"].tolist() == [200] * 5
    assert env.scores == [] and run.episodes["score"].max() > 10
