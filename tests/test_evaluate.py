"""`python -m helpers.evaluate`, as a person or a script would run it."""
import json
import os
import pty
import re
import signal
import subprocess
import sys

import numpy as np
import pytest

from helpers.agents.build import build_by_recipe
from helpers.agents.recipes import recipe
from helpers.evaluate import main
from helpers.game.environment import RAM
from helpers.measuring.protocol import measure
from helpers.measuring.shipped import add_entry, check_weights


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """weights.h5 of a run of the post's RAM agent, which has learned nothing yet."""
    run = tmp_path_factory.mktemp("runs") / "ram-001"
    run.mkdir()
    np.random.seed(3)
    agent = build_by_recipe(recipe("ram_post"))
    agent.save_weights(str(run / "weights.h5"))
    (run / "hyperparameters.json").write_text(json.dumps({"agent": "ram_post", "seed": 1}))
    return run / "weights.h5"


def test_json_is_one_object_and_nothing_else(weights, capsys):
    assert main([str(weights), "--episodes", "2", "--seed", "1", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert {"mean", "median", "std", "ci95", "episodes", "epsilon", "seed", "env_id", "scores"} <= set(said)
    assert (said["episodes"], said["epsilon"], said["seed"], said["env_id"]) == (2, 0.05, 1, RAM)
    assert said["complete"] and said["agent"] == "ram_post" and said["as_shipped"] is None
    assert said["mean"] == np.mean(said["scores"]) and said["std"] == pytest.approx(np.std(said["scores"]))
    assert said["ci95"][0] <= said["mean"] <= said["ci95"][1] and "sticky actions" in said["protocol"]


def test_interrupted_half_way_what_was_played_is_reported_as_such(weights):
    terminal, stderr = pty.openpty()  # a person sees a bar
    command = [sys.executable, "-m", "helpers.evaluate", str(weights), "--episodes", "400", "--epsilon", "1",
               "--seed", "7", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, universal_newlines=True)
    os.close(stderr)
    seen = ""
    while not re.search(r" [1-9]/400", seen):  # of seed 7's first games, the very first is the shortest
        seen += os.read(terminal, 1_000).decode()
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=300)
    said = json.loads(out)
    assert process.returncode == 130 and "ram-001/weights.h5), epsilon 1" in seen
    assert said["complete"] is False and 0 < said["episodes"] == len(said["scores"]) < said["requested"] == 400


def test_without_a_file_the_shipped_agents_stand_beside_baselines_and_papers(weights, tmp_path, monkeypatch, capsys):
    """Which is `make evaluate`; a Ctrl-C among the baselines is an interrupt, too."""
    fields = {"agent": "ram_post", "command": "none", "commit": "none", "seed": 1, "seeds": {}, "env_id": RAM,
              "hyperparameters": {}, "steps": 0, "wall_seconds": 0}
    add_entry("ram", weights, weights, [], tmp_path, **fields)
    monkeypatch.setattr("helpers.evaluate.list_agents", lambda: ["ram"])
    monkeypatch.setattr("helpers.evaluate.check_weights", lambda name: check_weights(name, tmp_path))
    command = ["--episodes", "2", "--epsilon", "0.05", "0", "--seed", "7"]
    assert main(command) == 0
    said = capsys.readouterr().out
    for row in ("ram, epsilon 0.05", "ram, epsilon 0 ", "random ", "always fire", "human ", "DQN 2015"):
        assert f"\n{row}" in said
    assert "interrupted" not in said

    def interrupted(*arguments, nb_games, **options):
        return measure(*arguments, nb_games=nb_games, **options)._replace(requested=nb_games + 1)

    monkeypatch.setattr("helpers.measuring.published.measure", interrupted)
    assert main(command) == 130
    said = capsys.readouterr().out
    assert "random: interrupted after 2 of 3 games" in said and "always fire" not in said


def test_the_table_says_whether_the_manifest_s_games_were_played_again(weights, tmp_path, capsys):
    agent = build_by_recipe(recipe("ram_post"))
    agent.load_weights(str(weights))
    fields = {"agent": "ram_post", "command": "none", "commit": "none", "seed": 1, "seeds": {}, "env_id": RAM,
              "hyperparameters": {}, "steps": 0, "wall_seconds": 0}
    games = measure(agent, RAM, nb_games=1, seed=7)
    add_entry("ram", weights, weights, [games], tmp_path, **fields)
    assert main([str(tmp_path / "ram.h5"), "--episodes", "1", "--seed", "7"]) == 0
    said = capsys.readouterr().out
    assert said.splitlines()[2].startswith("ram ") and "game points, never clipped" in said
    assert "not the very games" not in said
    add_entry("ram", weights, weights, [games._replace(scores=games.scores + 5)], tmp_path, **fields)
    assert main([str(tmp_path / "ram.h5"), "--episodes", "1", "--seed", "7", "--epsilon", "0.05"]) == 0
    assert "ram: not the very games of the manifest" in capsys.readouterr().out


def test_several_agents_are_compared_by_the_interval_of_the_difference(weights, tmp_path, capsys):
    copy = tmp_path / "other" / weights.parent.name / weights.name
    copy.parent.mkdir(parents=True)
    for path in weights.parent.iterdir():
        (copy.parent / path.name).write_bytes(path.read_bytes())
    assert main([str(weights), str(copy), "--episodes", "2"]) == 0
    said = capsys.readouterr().out
    first, second = f"ram_post ({weights})", f"ram_post ({copy})"
    assert all(f"\n{name} " in said for name in (first, second))
    assert f"\n{first} against {second}: +0 points, 95 % interval " in said


@pytest.mark.parametrize("lost, status, words", [("pipe", 141, b""), ("full", 1, b"could not be written (No space")])
def test_results_that_nobody_can_read_end_quietly(lost, status, words, weights):
    """`| head -1`, and a file on a full disk."""
    unread, stdout = os.pipe() if lost == "pipe" else [os.open("/dev/full", os.O_WRONLY)] * 2
    process = subprocess.Popen([sys.executable, "-m", "helpers.evaluate", str(weights), "--episodes", "1"],
                               stdout=stdout, stderr=subprocess.PIPE)
    os.close(unread)
    said = process.communicate()[1]
    assert process.returncode == status and words in said and said.count(b"\n") == bool(words), said


@pytest.mark.parametrize("arguments, words", [
    (["WEIGHTS", "--episodes", "0"], "--episodes is 0; expected 1 to 1,000,000. Ask for 200.\n"),
    (["WEIGHTS", "--epsilon", "5"], "--epsilon is 5.0; expected 0 to 1."),
    (["WEIGHTS", "--seed", "-3"], "--seed is -3; expected 0 to 4,294,967,295, a whole number. Choose another."),
    (["WEIGHTS", "--seed", "5000000000"], "--seed is 5000000000; expected 0 to 4,294,967,295, a whole number."),
    (["nowhere.h5"], "There is no weights file nowhere.h5;"),
    (["WEIGHTS", "--agent", "pixels_post"], "--agent is pixels_post, but "),
    (["STRAY"], "Give --agent NAME.\n"),
    (["STRAY", "--agent", "ram_pots"], "There is no agent 'ram_pots'; expected one of "),
    (["STRAY", "--agent", "pixels_84"], " does not fit this agent ("),
    (["TORN", "--agent", "ram_post"], " does not fit this agent ("),
    (["TEXT", "--agent", "ram_post"], "text.h5 is no weights file; expected HDF5."),
    (["CHANGED"], "of the file that was measured."),
])
def test_mistakes_are_named_in_a_sentence(arguments, words, weights, tmp_path, capsys):
    stray, torn, shipped = tmp_path / "stray.h5", tmp_path / "torn.h5", tmp_path / "weights"
    stray.write_bytes(weights.read_bytes())
    torn.write_bytes(weights.read_bytes()[:5_000])
    if "CHANGED" in arguments:
        fields = {"agent": "ram_post", "command": "none", "commit": "none", "seed": 1, "seeds": {}, "env_id": RAM,
                  "hyperparameters": {}, "steps": 0, "wall_seconds": 0}
        add_entry("ram", weights, weights, [], shipped, **fields)
        (shipped / "ram.h5").write_bytes(b"something else")
    (tmp_path / "text.h5").write_text("no weights")
    paths = {"WEIGHTS": weights, "STRAY": stray, "TORN": torn, "CHANGED": shipped / "ram.h5",
             "TEXT": tmp_path / "text.h5"}
    assert main([str(paths.get(argument, argument)) for argument in arguments]) == 1
    captured = capsys.readouterr()
    assert words in captured.err and captured.out == "" and "Traceback" not in captured.err
