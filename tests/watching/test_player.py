"""The widget, driven as a reader would: values set, buttons pressed. What it draws is what the plain cell draws."""
import io
import json
import shutil

import nbformat
import numpy as np
import pytest
from demo_notebook import write_demo
from nbclient import NotebookClient
from PIL import Image

from helpers.agents.build import build_agent
from helpers.agents.networks import build_ram_model
from helpers.agents.weights import weights_as_hdf5
from helpers.files import write_whole
from helpers.game.environment import RAM, make_game
from helpers.game.ram import nb_rows
from helpers.measuring.shipped import load_agent
from helpers.runs.folder import start_run
from helpers.watching.live_game import LiveGame, watch_game
from helpers.watching.player import FIRST_STEPS, GamePlayer, load_run, load_shipped


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """weights/ and runs/: the RAM agent, hardly trained, shipped as `ram` and saved in runs of several kinds."""
    folder = tmp_path_factory.mktemp("player")
    write_demo(folder)
    start_run("empty", {"agent": "ram_post"}, folder / "runs")
    other_network = {"agent": "ram_post", "observation_scale": 0.5}
    odd = {"agent": "ram_post", "hidden": 5}
    for name, hyperparameters in {"notebook": {"window": 3}, "other": other_network, "odd": odd}.items():
        run = start_run(name, hyperparameters, folder / "runs")
        shutil.copyfile(str(folder / "weights" / "ram.h5"), str(run.folder / "weights-000002500.h5"))
    return folder


@pytest.fixture
def player(folders):
    return GamePlayer(weights=folders / "weights", runs=folders / "runs")


def shown(player):
    return np.asarray(Image.open(io.BytesIO(player.picture.value)))


def play(player, name, seed=1, epsilon=0.05):
    player.agent.value, player.seed.value, player.epsilon.value = name, seed, epsilon
    player.start.click()


def test_trained_agents_come_first_and_then_the_runs_that_saved_weights(player):
    assert player.agent.options[0] == "ram"
    assert set(player.agent.options) == {"ram", "runs/good-001", "runs/notebook-001", "runs/other-001",
                                         "runs/odd-001"}


def test_play_shows_the_game_of_the_plain_cell(player, folders):
    play(player, "ram", seed=5, epsilon=0.2)
    assert player.message.value == "" and player.play.playing and not player.start.disabled
    assert player._viewer.layout.display is None
    agent, made = load_shipped("ram", folders / "weights")
    plain = watch_game(agent, seed=5, epsilon=0.2, max_steps=10, make_env=made.make_env)
    for step in (0, 1, 40):
        player.step.value = step
        plain.play(len(player.game.moments) - len(plain.moments))  # the bars' axis has room for all that was played
        assert (shown(player) == plain.frame(step, scale=2, caption=True, q_values=True)).all()
        assert player.words.value == plain.describe(step)
    assert player.game.moments == plain.moments
    slow = watch_game(load_agent("ram", folders / "weights"), seed=5, epsilon=0.2, max_steps=len(plain.moments) - 1)
    for ours, theirs in zip(plain.moments, slow.moments):  # TensorFlow's last digits are others
        assert ours._replace(q_values=None) == theirs._replace(q_values=None)
        largest = max(map(abs, theirs.q_values or [0]))
        assert ours.q_values == (theirs.q_values and pytest.approx(theirs.q_values, abs=3e-5 * largest))


def test_the_game_is_played_on_while_it_is_watched(player):
    play(player, "ram")
    assert player.step.max == player.play.max == FIRST_STEPS and not player.game.over
    steps = 0
    while player.step.value < player.step.max:  # as the play button does
        player.step.value += 1
        steps += 1
        assert player.step.max == player.play.max
    assert player.game.over and steps == player.step.max == len(player.game.moments) - 1
    assert "the end of the recording" in player.words.value
    before = player.game
    play(player, "ram", seed=2)
    assert player.step.value == 0 and player.game is not before


def test_an_agent_is_loaded_once_and_a_run_with_its_own_network(player):
    for name in ("ram", "runs/good-001"):
        play(player, name)
        agent = player._loaded[name]
        play(player, name, seed=2)
        assert player._loaded[name] is agent and not player.message.value
    assert player._loaded["runs/good-001"][0].gamma == 0.9


def test_what_can_not_be_played_is_said_in_words(player, folders):
    play(player, "ram")
    for name, words in [("runs/notebook-001", "does not say how its agent is built"),
                        ("runs/odd-001", "hidden is 5; expected a list of numbers"),
                        ("runs/other-001", "weights-000002500.h5 were made for observation_scale 1.0")]:
        play(player, name)
        assert words in player.message.value and player._viewer.layout.display == "none"
        assert not player.start.disabled and not player.play.playing
    play(player, "ram")
    assert player.message.value == "" and player._viewer.layout.display is None


@pytest.mark.parametrize("hyperparameters", [
    {"network": "RAM", "window": 3, "shown": ["positions", "invaders", "bombs"], "observation_scale": 1 / 255},
    {"nb_steps": 60_000, "window": 3, "show_places": True, "replay": 50_000},  # as notebook 06 wrote it before
])
def test_the_run_of_a_notebook_is_built_again(hyperparameters, tmp_path):
    shown = ["positions", "invaders", "bombs"]
    agent = build_agent(build_ram_model(128, 6, nb_rows(3, shown)), 6, shown=shown, observation_scale=1 / 255)
    run = start_run("ram", hyperparameters, tmp_path)
    write_whole(run.folder / "weights-000000100.h5", weights_as_hdf5(agent, make_game(RAM)))
    played, made = load_run(run)
    state = make_game(RAM, seed=1).reset()[None, None].repeat(3, axis=1)
    assert (played.compute_batch_q_values(state) == agent.compute_batch_q_values(state)).all()
    assert LiveGame(played, made.make_env).play(3).moments[-1].q_values


def test_nothing_to_play_yet(tmp_path):
    player = GamePlayer(weights=tmp_path / "weights", runs=tmp_path / "runs")
    assert player.start.disabled and "no trained agent yet" in player.message.value
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "MANIFEST.json").write_text(json.dumps({"ram": {}}))
    assert "lacks agent, weights" in GamePlayer(weights=tmp_path / "weights", runs=tmp_path / "runs").message.value


def test_the_demo_notebook_runs(folders):
    """Whose page a browser's test can look at."""
    notebook = nbformat.read(str(folders / "demo.ipynb"), as_version=4)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(folders)}}).execute()
    outputs = [[output.get("data", {}) for output in cell.outputs] for cell in notebook.cells[1:]]
    assert "application/vnd.jupyter.widget-view+json" in outputs[0][0]
    assert "image/png" in outputs[1][0]
    assert "tensorboard-frame-" in outputs[2][-1]["text/html"]


def test_an_agent_in_memory_can_be_watched(tmp_path, folders):
    agent = load_agent("ram", folders / "weights")
    player = GamePlayer({"my agent": agent}, weights=tmp_path, runs=tmp_path)
    assert player.agent.options == ("my agent",)
    play(player, "my agent")
    assert not player.message.value and len(player.picture.value) > 1_000
    player.speed.value = 500
    assert player.play.interval == 500
