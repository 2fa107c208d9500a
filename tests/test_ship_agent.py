"""tools/ship_agent.py, which makes the files of weights/, run for real on trainings of some seconds."""
import os
import signal
import subprocess
import sys

import pandas as pd
import pytest
import ship_agent
from test_train import wait_for_steps

from helpers.checkpoints.checkpoint import steps_done
from helpers.files import hold
from helpers.measuring.protocol import measure
from helpers.measuring.shipped import load_agent, read_manifest, shipped_scores, shipped_seeds, training_log
from helpers.runs.folder import Run


@pytest.fixture
def ship(project, tmp_path):
    """Runs the command in folders of its own; returns its output."""
    def run(*arguments, fails=False):
        command = [sys.executable, "tools/ship_agent.py", *arguments, "--folder", str(tmp_path / "weights")]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=str(project),
                              env={**os.environ, "PYTHONPATH": str(project), "RUNS_FOLDER": str(tmp_path / "runs")})
        assert done.returncode == fails, done.stdout
        return done.stdout
    return run


def test_the_training_in_the_middle_ships():
    assert ship_agent.choose_median({1: 5.0, 2: 9.0, 3: 7.0}) == 3
    assert ship_agent.choose_median({1: 5.0, 2: 3.0}) == 2
    assert ship_agent.choose_median({4: 5.0}) == 4


def test_another_training_of_that_name_does_not_ship(ship, tmp_path):
    ship("ram_post", "--seeds", "1", "--steps", "2000", "--games", "1")
    said = ship("ram_post", "--seeds", "1", "--steps", "3000", "--games", "1", fails=True)
    assert "runs/ram_post-seed1 is another training, steps=2000, here 3000" in said and "Traceback" not in said
    with hold(tmp_path / "runs" / "ram_post-seed1"):  # as a second `make ship` of this agent would
        said = ship("ram_post", "--seeds", "1", "--steps", "2000", "--games", "1", fails=True)
    assert f"runs/ram_post-seed1 is in use by process {os.getpid()} on " in said and "Traceback" not in said


def test_numbers_that_make_no_sense_are_refused_before_hours_of_training(ship, tmp_path):
    assert "--games is 0; expected 1 to " in ship("ram_post", "--games", "0", fails=True)
    assert "--steps is 0; expected 1 to " in ship("ram_post", "--steps", "0", fails=True)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("asked_to_end", [False, True])
def test_an_interrupt_lets_the_training_save(project, tmp_path, asked_to_end):
    process = subprocess.Popen([sys.executable, "tools/ship_agent.py", "ram_best", "--folder", str(tmp_path)],
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=str(project),
                               start_new_session=True, env={**os.environ, "PYTHONPATH": str(project),
                                                            "RUNS_FOLDER": str(tmp_path / "runs")})
    run = tmp_path / "runs" / "ram_best-seed1"
    wait_for_steps(run, process)
    if asked_to_end:
        process.terminate()
    else:
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does at Ctrl-C
    said = process.communicate(timeout=120)[0]
    assert process.returncode == 130 and "nothing was shipped" in said and "Traceback" not in said, said
    assert steps_done(run) > 8  # a checkpoint of where it stopped


def test_shipping_outlives_its_reader(project, tmp_path):
    process = subprocess.Popen([sys.executable, "tools/ship_agent.py", "ram_post", "--steps", "2000", "--games", "1",
                                "--folder", str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               cwd=str(project), env={**os.environ, "PYTHONPATH": str(project),
                                                      "RUNS_FOLDER": str(tmp_path / "runs")})
    process.stdout.close()
    assert process.wait() == 0 and list(read_manifest(tmp_path)) == ["ram_post"]


def test_trainings_are_made_measured_and_the_median_ships(ship, project, tmp_path):
    ship("ram_post", "--seeds", "1", "2", "3", "--steps", "3000", "--games", "2")
    folder = tmp_path / "weights"
    entry = read_manifest(folder)["ram_post"]
    assert entry["command"] == 'make ship AGENT=ram_post SEEDS="1 2 3" STEPS=3000'
    assert (entry["env_id"], entry["steps"]) == ("SpaceInvaders-ram-v0", 3000)
    assert entry["commit"] == entry["hyperparameters"]["commit"]
    assert len(entry["commit"].rstrip("+")) == 40 if (project / ".git").exists() else entry["commit"] is None
    assert [(one.epsilon, one.seed, one.episodes) for one in shipped_scores("ram_post", folder)] == [(0.05, 1, 2),
                                                                                                      (0.0, 1, 2)]
    assert shipped_seeds("ram_post", folder) == [1, 2, 3]
    assert entry["scores"] == entry["seeds"][str(entry["seed"])]
    logs = {seed: training_log("ram_post", folder, seed) for seed in (1, 2, 3)}
    assert all(log.equals(Run(tmp_path / "runs" / f"ram_post-seed{seed}").episodes) for seed, log in logs.items())
    others = {1, 2, 3} - {entry["seed"]}
    assert {path.name for path in folder.iterdir()} == {"MANIFEST.json", "ram_post.h5", "ram_post.csv", "writer.lock",
                                                        *(f"ram_post-seed{seed}.csv" for seed in others)}
    assert entry["wall_seconds"] == pd.read_csv(folder / "ram_post.csv")["seconds"].iloc[-1] > 0
    again = measure(load_agent("ram_post", folder), nb_games=2, seed=1)
    assert again.scores.tolist() == entry["scores"][0]["scores"]

    stamps = {path: path.stat().st_mtime_ns for path in (tmp_path / "runs").glob("*/weights.h5")}
    ship("ram_post", "--seeds", "1", "2", "3", "--steps", "3000", "--games", "1")  # nothing is trained again
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "runs").glob("*/weights.h5")} == stamps
