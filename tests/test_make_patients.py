"""tools/make_patients.py: each patient is sick in what it is said to be sick in, and its games reach the table."""
import os
import subprocess
import sys

import make_patients
import nbformat
import pandas as pd

from helpers.agents.hyperparameters import check_hyperparameters
from helpers.measuring.shipped import WEIGHTS_FOLDER


def test_the_healthy_one_has_the_numbers_of_the_notebook_at_demo_length(project):
    notebook = nbformat.read(str(project / "notebooks" / "06_train_on_ram.ipynb"), as_version=4)
    (cell,) = (cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", []))
    (made,) = (cell for cell in notebook.cells if cell.source.startswith("hyperparameters = {"))
    values = {"by_run_length": lambda smoke, demo, full: demo}
    exec(f"{cell.source}\n{made.source}", values)
    assert values["hyperparameters"] == make_patients.HEALTHY
    assert (values["SEED"], values["NB_ENVS"]) == (make_patients.SEED, make_patients.NB_ENVS)
    assert check_hyperparameters(make_patients.HEALTHY)


def test_the_stored_games_are_whole_and_one_of_them_shows_points_that_were_clipped():
    games = pd.read_csv(WEIGHTS_FOLDER / "patients.csv")
    assert set(games["patient"]) == set(make_patients.PATIENTS)
    training, measured = (games[games["kind"] == kind].groupby("patient") for kind in ("training", "measured"))
    assert (measured.size() == make_patients.NB_GAMES).all()
    assert (training["step"].max() > 95_000).all() and all(steps.is_monotonic for _, steps in training["step"])
    assert (training["epsilon"].min().drop("C").round(3) == 0.1).all() and training["epsilon"].min()["C"] > 0.7
    healthy, clipped = (training.get_group(name).reset_index() for name in ("healthy", "D"))
    for column in ("step", "epsilon", "loss", "mean_q"):  # the same training, where only the score is another one
        assert healthy[column].equals(clipped[column])
    assert (clipped["score"] * 5 <= healthy["score"]).all()
    assert measured.get_group("D")["score"].tolist() == measured.get_group("healthy")["score"].tolist()


def test_patients_are_trained_and_those_that_are_not_named_stay(project, tmp_path):
    def run(*arguments):
        command = [sys.executable, "tools/make_patients.py", *arguments, "--steps", "2000", "--folder", str(tmp_path)]
        return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=str(project),
                              env={**os.environ, "PYTHONPATH": str(project), "RUNS_FOLDER": str(tmp_path / "runs")})

    for name in ("C", "D"):
        done = run(name)
        assert done.returncode == 0, done.stdout
    games = pd.read_csv(tmp_path / "patients.csv")
    assert games["patient"].drop_duplicates().tolist() == ["C", "D"]
    assert (games[games["kind"] == "measured"].groupby("patient").size() == make_patients.NB_GAMES).all()
    assert "there is no patient 'E'; expected one of healthy, A, B" in run("E").stdout
