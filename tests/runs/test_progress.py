"""The bar and the plot: right numbers, one picture, little time."""
import time

import matplotlib.pyplot as plt
import pytest
import tensorflow as tf
from IPython.utils.capture import capture_output

from helpers.agents.build import build_agent
from helpers.agents.inputs import ScaleAndClip
from helpers.agents.networks import build_ram_model
from helpers.game.environment import RAM, make_game
from helpers.runs.callbacks import RunLogger
from helpers.runs.folder import start_run
from helpers.runs.plots import plot_runs
from helpers.runs.progress import LivePlot, ProgressBar


@pytest.fixture
def agent():
    tf.keras.backend.clear_session()
    return build_agent(build_ram_model(128, 6), 6, warmup_steps=100, processor=ScaleAndClip())


def test_the_bar_ends_full_and_says_what_a_reader_asks(agent, capsys):
    env = make_game(RAM, seed=1)
    agent.fit(env, nb_steps=1_200, verbose=0, callbacks=[ProgressBar()])
    last = capsys.readouterr().out.replace("\n", "\r").rstrip("\r").split("\r")[-1]
    mean = sum(env.scores) / len(env.scores)
    assert "100%" in last and "1200/1200" in last and "steps/s" in last and "<00:00" in last
    games = "1 game" if len(env.scores) == 1 else f"{len(env.scores)} games"
    assert f"{games}, mean of last {len(env.scores)}: {mean:.0f}" in last


def test_the_bar_ends_full_where_the_last_round_goes_beyond(capsys):
    tf.keras.backend.clear_session()
    agent = build_agent(build_ram_model(128, 6), 6, warmup_steps=100, fast=True)
    agent.fit_parallel(lambda: make_game(RAM), 3, 400, verbose=0, callbacks=[ProgressBar()])
    last = capsys.readouterr().out.replace("\n", "\r").rstrip("\r").split("\r")[-1]
    assert agent.step == 402 and "100%" in last and "400/400" in last


class Place:
    """A place in a notebook, as IPython's display gives it back: what was shown there, one after the other."""

    def __init__(self, monkeypatch):
        self.shown = []
        self.places = 0
        monkeypatch.setattr("helpers.runs.progress.display", self.begin)

    def begin(self, what, display_id):
        self.places += 1
        self.update(what)
        return self

    def update(self, what):
        self.shown.append(what)


def test_the_plot_is_replaced_in_place(agent, tmp_path, monkeypatch):
    place = Place(monkeypatch)
    run = start_run("ram", {}, tmp_path)
    plot = LivePlot(run, every=0.0)
    monkeypatch.setattr("helpers.runs.progress.REDRAW_SHARE", 1.0)  # as often as there is a game
    agent.fit(make_game(RAM, seed=1), nb_steps=3_000, verbose=0, callbacks=[RunLogger(run), plot])
    words, *pictures = (one.data for one in place.shown)
    assert words == "The plot appears here once a game is over."  # before the first step, so above the bar
    assert place.places == 1 and len(pictures) >= 3 and len(set(pictures)) >= 2
    assert all(picture.startswith(b"\x89PNG") for picture in pictures)


def test_a_run_without_a_finished_game_shows_no_plot(agent, tmp_path, monkeypatch):
    place = Place(monkeypatch)
    run = start_run("ram", {}, tmp_path)
    agent.fit(make_game(RAM, seed=1), nb_steps=20, verbose=0, callbacks=[RunLogger(run), LivePlot(run)])
    assert place.places == 1
    assert place.shown[-1].data == "No game was finished yet, so there is no score to plot."


@pytest.mark.alone
def test_bar_plot_and_log_together_cost_under_two_percent(agent, tmp_path, monkeypatch):
    """Time inside the callbacks' methods, over the time of the training that they watch.

    Matplotlib's first picture, which loads its fonts, and the last, after training, are not counted.
    """
    figure = plot_runs([]).figure
    figure.savefig(tmp_path / "first.png")
    plt.close(figure)
    run = start_run("ram", {}, tmp_path)
    spent = [0.0]

    def timed(method):
        def call(*args, **kwargs):
            began = time.perf_counter()
            result = method(*args, **kwargs)
            spent[0] += time.perf_counter() - began
            return result
        return call

    callbacks = [RunLogger(run), ProgressBar(), LivePlot(run, every=1.0)]
    for callback in callbacks:
        for name in ("on_step_end", "on_episode_end"):
            setattr(callback, name, timed(getattr(callback, name)))
    began = time.perf_counter()
    with capture_output():
        agent.fit(make_game(RAM, seed=1), nb_steps=3_000, verbose=0, callbacks=callbacks)
    share = spent[0] / (time.perf_counter() - began)
    assert share < 0.02, f"callbacks took {share:.1%} of the training time"
