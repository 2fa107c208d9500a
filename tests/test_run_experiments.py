"""tools/run_experiments.py: each experiment is what it says, and its games arrive in the table."""
import os
import subprocess
import sys

import pandas as pd

from helpers.agents.recipes import RECIPES, recorded_recipe
from helpers.runs.folder import Run


def test_experiments_are_trained_once_and_logged(project, tmp_path):
    def run(*arguments):
        command = [sys.executable, "tools/run_experiments.py", *arguments, "--folder", str(tmp_path)]
        return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=str(project),
                              env={**os.environ, "PYTHONPATH": str(project), "RUNS_FOLDER": str(tmp_path / "runs")})

    chosen = "with invaders and bombs"
    done = run("5-step returns", chosen, "--steps", "9000")
    assert done.returncode == 0, done.stdout
    games = pd.read_csv(tmp_path / "experiments.csv")
    assert set(games["experiment"]) == {"5-step returns", chosen} and games["step"].max() <= 9000
    changed, best = (Run(tmp_path / "runs" / f"experiment-{name}-seed1").hyperparameters
                     for name in ("5-step-returns", "with-invaders-and-bombs"))
    assert (changed["n_step"], changed["window"], changed["shown"], changed["hidden"]) == (5, 3, [], [512, 128])
    assert not changed["life_as_episode"]
    assert recorded_recipe(best) == RECIPES["ram_best"]
    again = run("5-step returns", "--steps", "9000")  # it is there
    assert again.returncode == 0 and "Ctrl-C saves" not in again.stdout
    assert pd.read_csv(tmp_path / "experiments.csv").equals(games)  # the other one stayed
    games.replace("5-step returns", "renamed since").to_csv(tmp_path / "experiments.csv", index=False)
    assert run("5-step returns", "--steps", "9000").returncode == 0
    assert list(pd.read_csv(tmp_path / "experiments.csv")["experiment"].unique()) == ["5-step returns", chosen,
                                                                                    "renamed since"]
    assert "is another training, steps=9000, here 8000" in run("5-step returns", "--steps", "8000").stdout
    assert "there is no experiment 'none'; expected one of before, " in run("none").stdout
    assert "was retired; expected one whose agent is there" in run("with invaders, 32 quantiles").stdout
