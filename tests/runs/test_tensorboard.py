"""TensorBoard reads what a run writes, and lives as long as its kernel."""
import json
import os
import subprocess
import sys
import time
import urllib.request

import psutil
import pytest

from helpers.agents.build import build_agent
from helpers.agents.networks import build_ram_model
from helpers.game.environment import NB_ACTIONS, RAM, make_game
from helpers.runs.callbacks import MEAN_GAMES, ResumeAt, RunLogger
from helpers.runs.folder import start_run
from helpers.runs.tensorboard import open_tensorboard, serve_runs

HYPERPARAMETERS = {"agent": "ram_post", "gamma": 0.9, "double": True, "hidden": [512, 128], "reward_clip": None}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """runs/ with two runs, one of them trained in two pieces."""
    folder = tmp_path_factory.mktemp("runs")
    for gamma in (0.9, 0.99):
        run = start_run("ram", {**HYPERPARAMETERS, "gamma": gamma}, folder)
        agent = build_agent(build_ram_model(128, NB_ACTIONS), NB_ACTIONS, warmup_steps=50, fast=True)
        logger = RunLogger(run)
        agent.fit(make_game(RAM, seed=1), nb_steps=2_500, verbose=0, callbacks=[logger])
    agent.fit(make_game(RAM, seed=2), nb_steps=4_500, verbose=0, callbacks=[ResumeAt(run.step), logger])
    return folder


@pytest.fixture(scope="module")
def ask(folder):
    """A function that asks TensorBoard over this folder, once it has read both runs."""
    port = serve_runs(str(folder))
    assert serve_runs(str(folder)) == port  # no second one

    def ask(path, **body):
        request = urllib.request.Request(f"http://localhost:{port}/data/{path}", json.dumps(body).encode() or None,
                                         {"Content-Type": "application/json"}) if body else \
            f"http://localhost:{port}/data/{path}"
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    until = time.time() + 60
    while len(ask("runs")) < 2 and time.time() < until:
        time.sleep(0.2)
    return ask


def test_its_curves_are_the_runs(ask, folder):
    tags = {"score", "loss", "epsilon", "mean_q", "mean_score", "seconds", "steps_in_game"}
    curves = ask("plugin/scalars/tags")
    assert {run: set(names) for run, names in curves.items()} == {
        run: {f"game/{tag}" for tag in tags} for run in ("ram-001", "ram-002")}
    for name in curves:
        (run,) = folder.glob(name)
        rows = (run / "episodes.csv").read_text().splitlines()[1:]
        points = ask(f"plugin/scalars/scalars?run={name}&tag=game/score")
        assert [(int(step), score) for _, step, score in points] == [
            (int(row.split(",")[1]), float(row.split(",")[3])) for row in rows]


def test_its_hparams_tab_compares_them_by_their_mean_score(ask, folder):
    experiment = ask("plugin/hparams/experiment", experimentName="")
    assert {info["name"] for info in experiment["hparamInfos"]} == set(HYPERPARAMETERS)
    metrics = [info["name"]["tag"] for info in experiment["metricInfos"]]
    assert "game/mean_score" in metrics
    wanted = {"experimentName": "", "startIndex": 0, "sliceSize": 10, "allowedStatuses": ["STATUS_UNKNOWN"],
              "colParams": [{"metric": {"tag": "game/mean_score", "group": ""}}]}
    groups = ask("plugin/hparams/session_groups", **wanted)["sessionGroups"]
    assert {group["name"] for group in groups} == {"ram-001", "ram-002"}
    for group in groups:
        assert group["hparams"] == {**HYPERPARAMETERS, "gamma": 0.9 if group["name"] == "ram-001" else 0.99,
                                    "hidden": "[512, 128]", "reward_clip": "None"}
        scores = [float(row.split(",")[3]) for row in
                  (folder / group["name"] / "episodes.csv").read_text().splitlines()[1:]][-MEAN_GAMES:]
        (metric,) = (value for value in group["metricValues"] if value["name"]["tag"] == "game/mean_score")
        assert metric["value"] == pytest.approx(sum(scores) / len(scores))


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no folder 'runs'; expected the folder of your runs"):
        open_tensorboard(tmp_path / "runs")


def test_it_leaves_no_program_behind(folder):
    """Not even when the kernel is killed, as a test's kernels are."""
    code = f"""if True:
        from helpers import open_tensorboard
        open_tensorboard({str(folder)!r})
        import sys, time
        sys.stdout.flush()
        time.sleep(600)"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True,
                          env={**os.environ, "TMPDIR": str(folder)}) as kernel:
        line = kernel.stdout.readline()  # display() prints an HTML object
        while line.startswith("<IPython"):
            line = kernel.stdout.readline()
        assert line.startswith("Please visit http://localhost:")  # no notebook is there to show it
        address = line.split()[2]
        assert urllib.request.urlopen(f"{address}/data/runs", timeout=60).status == 200
        assert psutil.Process(kernel.pid).children(recursive=True) == []
        kernel.kill()
    with pytest.raises(OSError):
        urllib.request.urlopen(f"{address}/data/runs", timeout=5)
