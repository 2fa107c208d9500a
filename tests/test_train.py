"""`python -m helpers.train` as a reader types it: started, stopped with Ctrl-C, resumed, ended."""
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import termios
import time

import pytest
from kill_and_resume import first_difference

from helpers import train
from helpers.agents.build import build_by_recipe
from helpers.agents.recipes import RECIPES, recipe
from helpers.agents.weights import load_weights
from helpers.checkpoints.checkpoint import find_checkpoints, steps_done
from helpers.checkpoints.state_file import read_state
from helpers.measuring.shipped import build_and_load, identify
from helpers.runs.folder import Run, load_runs, start_named_run
from helpers.train import STOPPED, main, open_run, parse, store_steps

TINY = "--set", "hidden=[4]", "warmup_steps=300"
"""What makes a training of ram_best fast."""


STARTED = []


@pytest.fixture(autouse=True)
def nothing_is_left_running():
    """A training that a failed test waits for would go on for hours."""
    yield
    while STARTED:
        STARTED.pop().kill()


def command(project, folder, *arguments, **options):
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, **options}
    process = subprocess.Popen([sys.executable, "-m", "helpers.train", *arguments], cwd=str(folder), **options,
                               env={**os.environ, "PYTHONPATH": str(project), "RUNS_FOLDER": str(folder / "runs")})
    STARTED.append(process)
    return process


def wait_for_steps(folder, process):
    """Until a run has made some steps after its first checkpoint."""
    while not find_checkpoints(folder) and process.poll() is None:
        time.sleep(0.1)
    time.sleep(1)


def wait_for_game(run, process):
    """Until there is one more in a run's log."""
    enough = len(run.episodes) + 1
    while len(run.episodes) < enough and process.poll() is None:
        time.sleep(0.05)


def test_a_run_is_stopped_resumed_and_ended(project, tmp_path):
    process = command(project, tmp_path, "ram_post", "--steps", "5000000", "--seed", "3", "--run", "mine")
    folder = tmp_path / "runs" / "mine"
    wait_for_steps(folder, process)
    process.send_signal(signal.SIGINT)
    said = process.communicate()[0]
    assert process.returncode == STOPPED, said
    assert "Checkpoints: up to" in said and "Stopped. Go on with: python -m helpers.train --resume mine" in said
    step = max(int(path.stem[11:]) for path in folder.glob("checkpoint-*"))
    assert step > 1 and "steps/s" in said
    as_it_is = ["--resume", "mine", "--steps", str(step)]
    assert f"take its weights as they are: python -m helpers.train {' '.join(as_it_is)}\n" in said
    weights = read_state(folder / "checkpoint-0000000001.dqn")[1]["weights"]

    process = command(project, tmp_path, "--resume", "yours")
    assert process.communicate()[0].count("There is no run 'yours'") == 1 and process.returncode == 1

    process = command(project, tmp_path, "ram_post", "--steps", "1", "--seed", "3", "--run", "again")
    process.communicate()
    again = read_state(tmp_path / "runs" / "again" / "checkpoint-0000000001.dqn")[1]["weights"]
    assert not first_difference(weights, again)  # the seed reaches the network

    process = command(project, tmp_path, *as_it_is)
    said = process.communicate()[0]
    assert process.returncode == 0 and "The weights are in runs/mine/weights.h5" in said, said
    as_it_was = (folder / "weights.h5").read_bytes()

    process = command(project, tmp_path, "--resume", "mine", "--steps", str(step + 1_500))
    said = process.communicate()[0]
    assert (folder / f"weights-{step:09d}.h5").read_bytes() == as_it_was
    assert process.returncode == 0 and "The weights are in runs/mine/weights.h5" in said, said
    run = Run(folder)
    assert run.hyperparameters["steps"] == step + 1_500 and run.hyperparameters["seed"] == 3
    assert run.episodes["game"].tolist() == list(range(1, len(run.episodes) + 1)) != []
    assert run.episodes["step"].max() <= step + 1_500
    load_weights(build_by_recipe(recipe("ram_post")), folder / "weights.h5")
    log = (folder / "train.log").read_text()
    for line in ('begins: {"agent": "ram_post"', f"stopped after {step} steps", "on from checkpoint-",
                 f"ended after {step + 1_500} steps"):
        assert f" INFO {line}" in log


def test_a_run_that_an_earlier_version_paused_goes_on(project, tmp_path):
    """Trainings last for days, and the code changes meanwhile. `python -m helpers.train` wrote these files in November
    2026: ram_best --seed 1 --steps 400 --set hidden=[2] replay_limit=200 warmup_steps=100 epsilon_steps=200
    target_update=200. If they can no longer be read, neither can those of readers.
    """
    folder = tmp_path / "runs" / "paused"
    shutil.copytree(str(project / "tests" / "data" / "paused-run"), str(folder))
    before = read_state(folder / "checkpoint-0000000400.dqn")[1]
    process = command(project, tmp_path, "--resume", "paused", "--steps", "8000")
    said = process.communicate()[0]
    assert process.returncode == 0, said
    run, after = Run(folder), read_state(find_checkpoints(folder)[-1])[1]
    assert after["agent"]["step"] >= 8_000 and after["training"]["round"] > before["training"]["round"] > 0
    assert first_difference(before["weights"], after["weights"])  # it learned
    assert len(run.episodes) >= 1 and run.episodes["game"].tolist() == list(range(1, len(run.episodes) + 1))
    agent = build_and_load(identify(folder / "weights.h5").recipe, folder / "weights.h5")
    assert not first_difference(agent.model.get_weights(), after["weights"])


def test_killed_after_the_last_checkpoint_the_same_weights_are_written(project, tmp_path):
    arguments = "ram_best", "--steps", "600", "--run", "a", "--set", "hidden=[4]", "warmup_steps=300"
    process = command(project, tmp_path, *arguments)
    assert process.wait() == 0, process.stdout.read()
    weights = tmp_path / "runs" / "a" / "weights.h5"
    undisturbed = weights.read_bytes()
    for damaged in (False, True):
        weights.unlink()
        if damaged:  # then the last steps are made again, from the checkpoint before
            newest = find_checkpoints(weights.parent)[-1]
            newest.write_bytes(newest.read_bytes()[:-100])
        process = command(project, tmp_path, "--resume", "a")
        said = process.communicate()[0]
        assert process.returncode == 0 and ("cut short or damaged" in said) == damaged, said
        assert weights.read_bytes() == undisturbed


def test_another_run_s_checkpoints_are_refused_and_nothing_is_touched(project, tmp_path):
    for name, gamma in (("a", 0.99), ("b", 0.9)):
        process = command(project, tmp_path, "ram_best", "--steps", "600", "--run", name, "--set", "hidden=[4]",
                          f"gamma={gamma}", "warmup_steps=300", "replay_limit=2000")
        assert process.wait() == 0, process.stdout.read()
    folder, other = (tmp_path / "runs" / name for name in "ab")

    def files():
        return {path.name: path.read_bytes() for path in folder.iterdir()
                if path.name not in ("train.log", "writer.lock")}

    def refused(words, *arguments):
        before = files()
        process = command(project, tmp_path, "--resume", "a", *arguments)
        said = process.communicate()[0]
        assert process.returncode == 1 and words in said and "Traceback" not in said, said
        return before, files()

    for path in find_checkpoints(folder):
        path.unlink()
    for path in find_checkpoints(other):
        shutil.copy(str(path), str(folder))
    for arguments in ([], ["--steps", "900"]):  # at its end, and before it
        before, after = refused("settings, gamma=0.9, here 0.99; expected the same", *arguments)
        assert before == after
    for path in find_checkpoints(folder):
        path.write_bytes(path.read_bytes()[:-9])
    refused("There is no checkpoint in ", "--steps", "900")
    before, after = refused("runs/a has no checkpoint that can be read, so it can't go on", "--steps", "900")
    assert before == after and "episodes.csv" in after
    (folder / "hyperparameters.json").write_text("{")
    refused("runs/a/hyperparameters.json is damaged (")


def test_two_processes_never_train_one_run(project, tmp_path):
    """The second says who does, and stops; of a killed one the run can be taken at once, and goes on to the bit."""
    whole, twice = (tmp_path / "runs" / name for name in ("whole", "twice"))
    undisturbed = command(project, tmp_path, "ram_best", "--steps", "8000", "--run", "whole", *TINY)
    first = command(project, tmp_path, "ram_best", "--steps", "8000", "--run", "twice", *TINY)
    wait_for_steps(twice, first)
    wait_for_game(Run(twice), first)
    first.send_signal(signal.SIGSTOP)
    before = {path.name: path.read_bytes() for path in twice.iterdir()}
    second = command(project, tmp_path, "--resume", "twice", "--steps", "20000")
    said = second.communicate()[0]
    assert second.returncode == 1 and f"runs/twice is in use by process {first.pid} on " in said, said
    assert "Traceback" not in said and {path.name: path.read_bytes() for path in twice.iterdir()} == before
    first.send_signal(signal.SIGCONT)
    wait_for_game(Run(twice), first)
    first.kill()
    assert first.wait() == -signal.SIGKILL and steps_done(twice) < 8_000
    third = command(project, tmp_path, "--resume", "twice")
    said = third.communicate()[0]
    assert third.returncode == 0, said
    assert undisturbed.wait() == 0, undisturbed.stdout.read()
    assert (twice / "weights.h5").read_bytes() == (whole / "weights.h5").read_bytes()
    assert Run(twice).episodes.drop(columns="seconds").equals(Run(whole).episodes.drop(columns="seconds"))


def test_training_outlives_its_reader(project, tmp_path):
    """`| head -1` ends, then somebody presses Ctrl-C: what is said goes on to standard error."""
    process = command(project, tmp_path, "ram_best", "--run", "a", *TINY, stderr=subprocess.PIPE)
    assert "Ctrl-C saves and stops" in process.stdout.readline()
    process.stdout.close()
    wait_for_steps(tmp_path / "runs" / "a", process)
    process.send_signal(signal.SIGINT)
    said = process.stderr.read()
    assert process.wait() == STOPPED and "Traceback" not in said and "Exception" not in said, said
    assert "Nobody reads standard output any more (Broken pipe): what would be shown there follows here." in said
    assert "Stopped. Go on with: python -m helpers.train --resume a" in said and steps_done(tmp_path / "runs" / "a") > 1


def test_training_outlives_all_its_readers(project, tmp_path):
    """Both streams are one pipe that nobody reads, or closed from the beginning; what happened stands in train.log."""
    for name, closed in (("a", False), ("b", True)):
        process = command(project, tmp_path, "ram_best", "--steps", "600", "--run", name, *TINY,
                          preexec_fn=(lambda: [os.close(1), os.close(2)]) if closed else None)
        process.stdout.close()
        assert process.wait() == 0
        assert (tmp_path / "runs" / name / "weights.h5").exists()
        assert " INFO ended after 600 steps" in (tmp_path / "runs" / name / "train.log").read_text()


def test_asked_to_end_it_saves(project, tmp_path):
    """SIGTERM: what a computer that shuts down sends. Sent twice, as some do; and nohup keeps what SIGHUP would do."""
    process = command(project, tmp_path, "ram_best", "--run", "a", *TINY,
                      preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    folder = tmp_path / "runs" / "a"
    wait_for_steps(folder, process)
    process.send_signal(signal.SIGHUP)
    time.sleep(1)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGTERM)
    said = process.communicate()[0]
    assert process.returncode == STOPPED and "Stopped. Go on with: python -m helpers.train --resume a" in said, said
    assert steps_done(folder) > 8


def test_a_terminal_that_is_closed_saves(project, tmp_path):
    """Its window, or the connection to another computer: SIGHUP, and nothing can be written any more."""
    ours, terminal = os.openpty()

    def take_terminal():
        signal.signal(signal.SIGHUP, signal.SIG_DFL)  # also where the tests were started with nohup, which ignores it
        os.setsid()
        fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)

    process = command(project, tmp_path, "ram_best", "--run", "a", *TINY, stdin=terminal, stdout=terminal,
                      stderr=terminal, preexec_fn=take_terminal)
    os.close(terminal)
    said = b""
    while said.count(b"steps/s") < 4:  # redraws of the bar
        said += os.read(ours, 10_000)
    os.close(ours)
    assert process.wait() == STOPPED
    log = (tmp_path / "runs" / "a" / "train.log").read_text()
    assert f" INFO stopped after {steps_done(tmp_path / 'runs' / 'a')} steps" in log and "ERROR" not in log


def test_hyperparameters_are_changed_on_the_command_line(project, tmp_path):
    process = command(project, tmp_path, "ram_best", "--steps", "600", "--run", "other", "--set", 'shown=["bombs"]',
                      "hidden=[32, 16]", "learning_rate=0.001", "life_as_episode=true", "warmup_steps=400")
    said = process.communicate()[0]
    assert process.returncode == 0, said
    run = Run(tmp_path / "runs" / "other")
    assert run.hyperparameters["shown"] == ["bombs"] and run.hyperparameters["hidden"] == [32, 16]
    found = identify(run.folder / "weights.h5")
    agent = build_and_load(found.recipe, run.folder / "weights.h5")  # of that shape
    assert agent.model.get_weights()[0].shape == (2 * 128, 32)  # bombs, bytes
    assert agent.trainable_model.optimizer.get_config()["learning_rate"] == pytest.approx(0.001)
    with pytest.raises(ValueError, match="no hyperparameter 'learning' here; expected learning_rate or "):
        open_run(parse(["ram_best", "--set", "learning=1", "--run", "a"]), tmp_path)


def test_a_value_that_no_agent_can_have_leaves_the_name_free(project, tmp_path):
    for change, words in (("learning_rate=5", "learning_rate is 5; expected"), ("hidden=256", "expected a list"),
                          ("learning_rate=null", "learning_rate is None; expected 1e-09 to 1"),
                          ("batch_size=32.5", "batch_size is 32.5; expected 1 to 10,000, a whole number."),
                          ('reward_clip="1"', "reward_clip is '1'; expected at least 1e-09"),
                          ("double=1", "double is 1; expected True or False"),
                          ("positions=true", 'Write shown=["positions"]')):
        process = command(project, tmp_path, "ram_best", "--run", "other", "--set", change)
        said = process.communicate()[0]
        assert process.returncode == 1 and words in said and "Traceback" not in said, said
        assert not (tmp_path / "runs" / "other").exists()


def test_a_run_goes_on_to_more_steps_but_not_to_fewer(tmp_path):
    run = start_named_run("a", {"agent": "ram_post", "seed": 1, "steps": 300}, tmp_path)
    (run.folder / "checkpoint-0000000100.dqn").touch()
    with pytest.raises(ValueError, match="--steps is 50, but runs/a went further already; .* at least 100"):
        open_run(parse(["--resume", "a", "--steps", "50"]), tmp_path)
    (run.folder / "weights.h5").touch()
    with pytest.raises(ValueError, match="--steps is 200, but runs/a went further already; .* at least 300"):
        open_run(parse(["--resume", "a", "--steps", "200"]), tmp_path)
    again = open_run(parse(["--resume", "a", "--steps", "500"]), tmp_path)
    assert (again.hyperparameters["steps"], Run(run.folder).hyperparameters["steps"]) == (500, 300)
    store_steps(again)
    assert Run(run.folder).hyperparameters["steps"] == 500
    assert again.checkpoints == [run.folder / "weights-000000300.h5"] and not (run.folder / "weights.h5").exists()


@pytest.mark.parametrize("arguments, message", [
    (["--steps", "5"], "no agent; expected"), (["ram"], "invalid choice"), (["ram_post", "--seed", "x"], "invalid int"),
    (["ram_post", "--set", "double=true"], "--set without --run"),
    (["--run", "a", "--resume", "b"], "expected one of them"), (["ram_post", "--steps", "0"], "expected at least 1"),
    (["ram_post", "--seed", "-1"], "--seed is -1; expected 0 to 4,294,967,295, a whole number. Choose another."),
    (["ram_post", "--seed", "4294967296"], "--seed is 4294967296; expected 0 to"),
    (["ram_post", "--set", "double"], "expected NAME=VALUE"), (["--resume", "a", "--set", "double=true"], "--set and"),
])
def test_mistyped_commands_say_what_was_expected(arguments, message, capsys):
    with pytest.raises(SystemExit) as status:
        parse(arguments)
    assert status.value.code == 2 and message in capsys.readouterr().err


def test_runs_are_neither_overwritten_nor_mixed_up(tmp_path, monkeypatch, capsys):
    def opened(*arguments):
        return open_run(parse(list(arguments)), tmp_path)

    with pytest.raises(FileNotFoundError, match="There is no run 'a'; expected one of none yet"):
        opened("--resume", "a")
    run = opened("ram_best", "--seed", "2")
    assert run.name == "ram_best-seed2" and run.hyperparameters["steps"] == RECIPES["ram_best"].nb_steps
    assert [run.name for run in load_runs(root=tmp_path)] == ["ram_best-seed2"]
    with pytest.raises(FileExistsError, match="already, a run; expected a free name. Go on with --resume ram_best"):
        opened("ram_best", "--seed", "2")
    with pytest.raises(FileNotFoundError, match="There is no run 'a'; expected one of ram_best-seed2"):
        opened("--resume", "a")
    with pytest.raises(ValueError, match="^--agent is ram_post; expected ram_best, as runs"):
        opened("ram_post", "--resume", "ram_best-seed2")
    with pytest.raises(ValueError, match="^--seed is 1; expected 2, as runs/ram_best-seed2 has it"):
        opened("--resume", "ram_best-seed2", "--seed", "1")
    for name in ("../a", "a" * 300, "-a", ""):
        with pytest.raises(ValueError, match="expected up to 100 letters, digits, - and _, no - first"):
            opened("ram_post", f"--run={name}")
    for name in ("..", ".", "", "a" * 300, str(run.folder), f"../{tmp_path.name}/ram_best-seed2"):
        with pytest.raises(FileNotFoundError, match="There is no run '.*'; expected one of ram_best-seed2. Choose one"):
            opened("--resume", name)
    assert opened("--resume", "ram_best-seed2/").name == "ram_best-seed2"  # as a shell completes it
    (tmp_path / "file").touch()
    with pytest.raises(FileExistsError, match="already, a file; expected a free name. Choose another"):
        opened("ram_post", "--run", "file")
    assert opened("ram_best", "--resume", "ram_best-seed2", "--steps", "7").hyperparameters["steps"] == 7
    (run.folder / "hyperparameters.json").write_text("{}")
    with pytest.raises(ValueError, match="was not made by this command"):
        opened("--resume", "ram_best-seed2")
    monkeypatch.setattr(train, "open_run", lambda options: opened("--resume", "b"))
    assert main(["ram_post"]) == 1 and "There is no run 'b'" in capsys.readouterr().err


def test_a_training_that_fails_at_its_end_keeps_what_it_wrote(tmp_path, monkeypatch, capsys):
    """The disk is full, so there is no checkpoint, and no weights at the end."""
    def train_on_a_full_disk(run):
        run.step = 2_000
        (run.folder / "episodes.csv").write_text("game,score\n1,285\n")
        raise OSError("no space left on device")

    monkeypatch.setattr(train, "train", train_on_a_full_disk)
    monkeypatch.setattr(train, "open_run", lambda options: open_run(options, tmp_path))
    assert main(["ram_post", "--run", "mine"]) == 1
    assert "no space left on device" in capsys.readouterr().err
    assert (tmp_path / "mine" / "episodes.csv").exists()


def git(folder, *arguments):
    done = subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b.c", *arguments], cwd=str(folder),
                          check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip()


@pytest.mark.skipif(not shutil.which("git"), reason="no git is installed, so no commit is ever noted")
def test_the_noted_commit_is_this_project_s_own(tmp_path, monkeypatch):
    """Neither that of a repository in which an unpacked ZIP lies, nor of one that GIT_DIR names."""
    outer, project = tmp_path, tmp_path / "unpacked ä"
    (project / "helpers").mkdir(parents=True)
    (project / "requirements.lock").touch()
    git(outer, "init", "--quiet")
    git(outer, "add", ".")
    git(outer, "commit", "--quiet", "-m", "outer")
    monkeypatch.setattr(train, "PROJECT", project)
    assert train.commit() is None

    git(project, "init", "--quiet")
    git(project, "add", ".")
    git(project, "commit", "--quiet", "-m", "inner")
    own = git(project, "rev-parse", "HEAD")
    monkeypatch.setenv("GIT_DIR", str(outer / ".git"))
    assert train.commit() == own
    (project / "helpers" / "new.py").touch()
    assert train.commit() == own + "+"
