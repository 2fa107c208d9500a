"""Run folders: none overwrites another, and all can be compared."""
import os
import subprocess
import sys

import matplotlib.pyplot as plt
import pytest

from helpers.runs import folder as runs
from helpers.runs.folder import EPISODE_COLUMNS, by_run_length, list_runs, load_runs, start_named_run, start_run
from helpers.runs.plots import plot_progress, plot_runs


def write_episodes(run, scores):
    rows = [",".join(EPISODE_COLUMNS)]
    rows += [f"{game},{600 * game},{5.0 * game},{score},600,0.5,0.1,1.0" for game, score in enumerate(scores, 1)]
    (run.folder / "episodes.csv").write_text("\n".join(rows))


def test_a_tilde_in_runs_folder_is_the_home_folder(tmp_path):
    """A shell leaves it as it is in quotes, and so do .env files and containers' settings."""
    said = subprocess.run([sys.executable, "-c", "from helpers.runs.folder import RUNS_FOLDER; print(RUNS_FOLDER)"],
                          env={**os.environ, "HOME": str(tmp_path), "RUNS_FOLDER": "~/myruns"}, stdout=subprocess.PIPE,
                          check=True).stdout.decode()
    assert said == f"{tmp_path / 'myruns'}\n"


@pytest.mark.parametrize("length, value", [("smoke", 1), ("demo", 2), ("full", 3), ("", 2), (None, 2)])
def test_by_run_length(monkeypatch, length, value):
    monkeypatch.delenv("RUN_LENGTH", raising=False)
    if length is not None:
        monkeypatch.setenv("RUN_LENGTH", length)
    assert by_run_length(smoke=1, demo=2, full=3) == value


def test_a_misspelt_run_length_is_named(monkeypatch):
    monkeypatch.setenv("RUN_LENGTH", "smok")
    with pytest.raises(ValueError, match="'smok'; expected one of smoke, demo, full"):
        by_run_length(smoke=1, demo=2, full=3)


def test_a_second_run_of_the_same_name_gets_its_own_folder(tmp_path):
    first, second = start_run("ram", {"a": 1}, tmp_path), start_run("ram", {"a": 2}, tmp_path)
    assert (first.name, second.name) == ("ram-001", "ram-002")
    assert [run.hyperparameters for run in load_runs("ram", tmp_path)] == [{"a": 1}, {"a": 2}]
    assert load_runs("pixels", tmp_path) == []


def test_a_name_that_is_no_folder_name_is_refused(tmp_path):
    for name in ("", "../ram", "a b"):
        with pytest.raises(ValueError, match="letters, digits"):
            start_run(name, {}, tmp_path)


def test_runs_are_listed_and_their_curves_overlaid(tmp_path):
    first = start_run("ram", {"gamma": 0.99, "lr": 1, "steps": 7}, tmp_path)
    second = start_run("ram", {"gamma": 0.9, "lr": 1, "steps": 7}, tmp_path)
    write_episodes(first, [100, 200, 300])
    write_episodes(second, [50, 60, 60])
    table = list_runs(root=tmp_path)
    assert table.loc["ram-001", "last 100 games"] == 200 and table.loc["ram-002", "games"] == 3
    assert table.loc["ram-001", "steps"] == 1800 and table.loc["ram-001", "minutes"] == 0.2
    assert table.loc["ram-002", "gamma"] == 0.9 and table.loc["ram-002", "last 100 games"] == 56.7
    ax = plot_runs([first, second], games=2)
    assert [line.get_ydata().tolist() for line in ax.lines] == [[100, 150, 250], [50, 55, 60]]
    assert [text.get_text() for text in ax.get_legend().texts] == ["ram-001: gamma=0.99", "ram-002: gamma=0.9"]
    plt.close(ax.figure)


def test_no_runs_yet(tmp_path):
    assert len(list_runs(root=tmp_path)) == 0
    run = start_run("ram", {}, tmp_path)
    assert len(run.episodes) == 0 and run.checkpoints == []
    assert list_runs(root=tmp_path).loc["ram-001", "games"] == 0
    plt.close(plot_runs([run]).figure)
    figure, axes = plt.subplots(1, 3)
    plot_progress(run.episodes, axes)
    plt.close(figure)


def test_a_damaged_run_is_named_and_left_out(tmp_path):
    for name in ("ram", "ram"):
        start_run(name, {"a": 1}, tmp_path)
    (tmp_path / "ram-001" / "hyperparameters.json").write_text("")
    with pytest.warns(UserWarning, match=r"left out. runs/ram-001/hyperparameters\.json is damaged: expected"):
        assert [run.name for run in load_runs("ram", tmp_path)] == ["ram-002"]


def test_a_disk_that_is_full_at_the_start_leaves_the_name_free(tmp_path, monkeypatch):
    def full(path, data):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(runs, "write_whole", full)
        with pytest.raises(OSError, match="No space left"):
            start_named_run("mine", {}, tmp_path)
    assert start_named_run("mine", {}, tmp_path).name == "mine"
