"""Run folders: none overwrites another, one process at a time writes into one, and all can be compared."""
import errno
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
import portalocker
import pytest

from helpers.files import hold
from helpers.runs import folder as runs
from helpers.runs.folder import EPISODE_COLUMNS, by_run_length, list_runs, load_runs, start_named_run, start_run
from helpers.runs.plots import plot_progress, plot_runs


def write_episodes(run, scores):
    rows = [",".join(EPISODE_COLUMNS)]
    rows += [f"{game},{600 * game},{5.0 * game},{score},600,0.5,0.1,1.0" for game, score in enumerate(scores, 1)]
    (run.folder / "episodes.csv").write_text("\n".join([*rows, ""]))


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
    for name in ("", "../ram", "a b", ".", "..", "/", "a/", "ram ", "-ram", "a" * 300, "\u00fc" * 300, "a\n", None):
        with pytest.raises(ValueError, match="letters, digits"):
            start_run(name, {}, tmp_path)
    assert start_run("\u00fc" * 100, {}, tmp_path).name == "\u00fc" * 100 + "-001"  # 204 bytes of 255


def test_a_folder_for_runs_that_can_t_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    for root in (tmp_path / "file", tmp_path / "file" / "runs", Path("/proc/self/runs"), tmp_path / ("a" * 300)):
        for start in (start_run, start_named_run):
            with pytest.raises(OSError, match=r"The folder /.* can't be made \(.*\); expected .* Set RUNS_FOLDER "):
                start("ram", {}, root)
        assert load_runs(root=root) == []
    (tmp_path / "ram").touch()
    with pytest.raises(FileExistsError, match="runs/ram is there already, a file; expected a free name. Choose ano"):
        start_named_run("ram", {}, tmp_path)


def test_a_folder_without_permission_is_named():
    user = os.geteuid()
    with TemporaryDirectory() as folder:  # tmp_path lies in a folder of this user's own
        os.chmod(folder, 0o555)
        os.seteuid(user or 65534)  # root may do everything
        try:
            with pytest.raises(PermissionError, match=r"can't be made \(Permission denied\); expected .* RUNS_FOLDER"):
                start_run("ram", {}, Path(folder) / "runs")
            with pytest.raises(PermissionError, match=r"can't be written into \(Permission denied\); expected "):
                hold(folder)
        finally:
            os.seteuid(user)


def test_half_a_row_at_the_end_is_not_there_yet(tmp_path):
    """A training on a full disk may have written it, or be writing it now."""
    run = start_run("ram", {}, tmp_path)
    write_episodes(run, [100, 200, 300])
    path = run.folder / "episodes.csv"
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        games = max(0, whole[:size].count(b"\n") - 1)
        assert run.episodes["score"].tolist() == [100, 200, 300][:games]
    assert list_runs(root=tmp_path).loc["ram-001", "games"] == 2


def test_one_process_at_a_time_writes_into_a_folder(held_run, tmp_path):
    run, process = held_run
    words = f"runs/ram-001 is in use by process {process.pid} on .* since 20.*; expected nobody. Wait until it ends, "
    with pytest.raises(BlockingIOError, match=words.replace("runs", tmp_path.name)):
        hold(run.folder)
    assert list_runs(root=tmp_path).loc["ram-001", "games"] == 0  # who only reads asks nobody
    process.kill()
    process.wait()
    first, second = hold(run.folder), hold(run.folder)  # its callbacks share it
    assert first is second
    del first
    with pytest.raises(subprocess.CalledProcessError):
        subprocess.run(process.args, check=True, stderr=subprocess.DEVNULL)
    del second
    assert hold(run.folder)


def test_a_file_system_without_locks_is_reported(tmp_path, monkeypatch):
    """Some network folders have none; it could not be made here."""
    def refuse(file, flags):
        raise portalocker.LockException(OSError(errno.ENOLCK, "No locks available"))

    monkeypatch.setattr(portalocker, "lock", refuse)
    with pytest.warns(UserWarning, match=r"can't be locked \(.*No locks available\): .* only one program at a time"):
        assert hold(tmp_path)


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
    with pytest.warns(UserWarning, match=r"left out. runs/ram-001/hyperparameters\.json is damaged \(.*\); expected"):
        assert [run.name for run in load_runs("ram", tmp_path)] == ["ram-002"]


def test_a_disk_that_is_full_at_the_start_leaves_the_name_free(tmp_path, monkeypatch):
    def full(path, data):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(runs, "write_whole", full)
        with pytest.raises(OSError, match="No space left"):
            start_named_run("mine", {}, tmp_path)
    assert start_named_run("mine", {}, tmp_path).name == "mine"
