"""tools/ship_agent.py, which makes the files of weights/, run for real on trainings of some seconds."""
import os
import subprocess
import sys

import pandas as pd
import pytest

from helpers.evaluate import measure
from helpers.manifest import load_agent, read_manifest, shipped_scores


@pytest.fixture
def ship(project, tmp_path):
    """Runs the command in folders of its own; returns its output."""
    def run(*arguments):
        command = [sys.executable, "tools/ship_agent.py", *arguments, "--folder", str(tmp_path / "weights")]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=str(project),
                              env={**os.environ, "PYTHONPATH": str(project), "RUNS_FOLDER": str(tmp_path / "runs")})
        assert done.returncode == 0, done.stdout
        return done.stdout
    return run


def test_trainings_are_made_measured_and_the_median_ships(ship, tmp_path):
    ship("ram_post", "--seeds", "1", "2", "3", "--steps", "3000", "--games", "2")
    folder = tmp_path / "weights"
    entry = read_manifest(folder)["ram_post"]
    assert entry["command"] == 'make ship AGENT=ram_post SEEDS="1 2 3" STEPS=3000'
    assert (entry["env_id"], entry["steps"], len(entry["commit"].rstrip("+"))) == ("SpaceInvaders-ram-v0", 3000, 40)
    assert [(one.epsilon, one.seed, one.episodes) for one in shipped_scores("ram_post", folder)] == [(0.05, 1, 2),
                                                                                                      (0.0, 1, 2)]
    assert sorted(entry["seeds"]) == ["1", "2", "3"] and entry["scores"] == entry["seeds"][str(entry["seed"])]
    others = {1, 2, 3} - {entry["seed"]}
    assert {path.name for path in folder.iterdir()} == {"MANIFEST.json", "ram_post.h5", "ram_post.csv",
                                                        *(f"ram_post-seed{seed}.csv" for seed in others)}
    assert entry["wall_seconds"] == pd.read_csv(folder / "ram_post.csv")["seconds"].iloc[-1] > 0
    again = measure(load_agent("ram_post", folder), nb_games=2, seed=1)
    assert again.scores.tolist() == entry["scores"][0]["scores"]

    stamps = {path: path.stat().st_mtime_ns for path in (tmp_path / "runs").glob("*/weights.h5")}
    ship("ram_post", "--seeds", "1", "2", "3", "--games", "1")  # nothing is trained again
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "runs").glob("*/weights.h5")} == stamps
