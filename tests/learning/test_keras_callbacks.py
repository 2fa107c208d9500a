"""Keras's own callbacks: what controls a training works in fit and fit_parallel, and what can't work is refused."""
import numpy as np
import pytest
import tensorflow as tf
from rl.callbacks import Callback
from tensorflow.keras import backend, callbacks
from test_emulator import Line, make_agent

from helpers.checkpoints.checkpoint import Checkpoint, find_checkpoints, steps_done


@pytest.fixture(autouse=True)
def empty_graph():
    tf.keras.backend.clear_session()


class Ended(Callback):
    logs = None

    def on_train_end(self, logs=None):
        self.logs = logs


def train(way, agent, nb_steps, *used, **options):
    options = {"callbacks": list(used), "verbose": 0, **options}
    if way == "fit":
        return agent.fit(Line(), nb_steps, **options)
    return agent.fit_parallel(Line, 2, nb_steps, **options)


def rate(agent):
    return float(backend.get_value(agent.optimizer.learning_rate))


both = pytest.mark.parametrize("way", ["fit", "fit_parallel"])


@both
def test_early_stopping_ends_the_training_as_a_normal_end(way, tmp_path):
    """All games have 5 points: after the first no later one is better."""
    agent, ended, folder = make_agent(), Ended(), tmp_path / way
    stopping = callbacks.EarlyStopping(monitor="episode_reward", patience=3, mode="max")
    history = train(way, agent, 1_000, stopping, ended, Checkpoint(folder))
    assert ended.logs == {"did_abort": False} and agent.under_way is None
    games = len(history.history["episode_reward"])
    assert games in (4, 5)
    assert agent.step == steps_done(folder) < 30, "the last checkpoint is that of the end"
    stopping = callbacks.EarlyStopping(monitor="episode_reward", patience=9, mode="max")
    history = train(way, agent, 1_000, stopping, Checkpoint(folder), resume=folder)
    assert len(history.history["episode_reward"]) - games in (6, 7), "it goes on counting where it was"
    train(way, make_agent(), 50, ended)
    assert ended.logs == {"did_abort": False}


@both
def test_a_step_may_ask_to_stop(way):
    class Stop(callbacks.Callback):
        def on_batch_end(self, batch, logs=None):
            self.model.stop_training = self.model.step >= 12

    class StopToo(callbacks.Callback):  # Keras has two names for it
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = self.model.step >= 12

    agent = make_agent()
    for stop in (Stop(), StopToo()):
        train(way, agent, 1_000, stop)
        assert agent.step in (13, 14)
    train(way, agent, 20)
    assert agent.step >= 20, "what was asked of an earlier training is forgotten"


@both
def test_callbacks_of_keras_set_the_learning_rate(way, tmp_path):
    agent, folder = make_agent(), tmp_path / way
    used = callbacks.ReduceLROnPlateau(monitor="episode_reward", mode="max", factor=0.5, patience=2, min_lr=1e-4)
    train(way, agent, 30, used, Checkpoint(folder))
    lower = rate(agent)
    assert 1e-4 <= lower < 1e-3 / 1.5
    history = train(way, agent, 60, used, Checkpoint(folder), resume=folder)  # the same agent, as in a notebook
    assert rate(agent) < lower and history.history["lr"][-1] == pytest.approx(2 * rate(agent), rel=1.1)
    agent = make_agent()
    train(way, agent, 30, callbacks.LearningRateScheduler(lambda game, now: 0.01 / (1 + game)))
    assert rate(agent) == pytest.approx(0.01 / (1 + agent.step // 5), rel=0.5) and rate(agent) < 0.005


@both
def test_what_can_not_work_is_refused_by_name_before_the_first_step(way, tmp_path):
    for used, words in [
        (callbacks.ModelCheckpoint(str(tmp_path / "w.h5")), "a ModelCheckpoint; .* Use Checkpoint, or keras-rl2"),
        (callbacks.TensorBoard(str(tmp_path)), "a TensorBoard; .* Use RunLogger"),
        (callbacks.TerminateOnNaN(), "a TerminateOnNaN; .* Leave it out"),
        (callbacks.ProgbarLogger(), "a ProgbarLogger; .* Use verbose=1"),
        (callbacks.BaseLogger(), "a BaseLogger; .* Leave it out"),
        (callbacks.ReduceLROnPlateau(monitor="loss"), "ReduceLROnPlateau monitors 'loss'; expected one of episode_rew"),
        (callbacks.EarlyStopping(), "EarlyStopping monitors 'val_loss'; expected one of episode_reward, nb_epis"),
        (callbacks.EarlyStopping("episode_reward", restore_best_weights=True), "restore_best_weights=True; expected F"),
    ]:
        agent = make_agent()
        with pytest.raises(ValueError, match=words):
            train(way, agent, 100, used)
        assert agent.step == 0


@both
def test_others_of_keras_write_and_call_as_they_do_in_model_fit(way, tmp_path):
    heard = []
    log = tmp_path / f"{way}.csv"
    train(way, make_agent(), 30, callbacks.CSVLogger(str(log)), callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: heard.append(logs["episode_reward"])))
    assert np.array(heard).tolist() == [5.0] * len(heard) and len(heard) >= 5
    assert len(log.read_text().splitlines()) == len(heard) + 1
    assert not find_checkpoints(tmp_path)
