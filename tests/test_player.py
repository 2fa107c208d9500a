"""The widget, driven as a reader would: values set, buttons pressed. What it draws is what the plain cell draws."""
import io
import json

import numpy as np
import pytest
from PIL import Image

from helpers.agents import build_agent, build_ram_model
from helpers.evaluate import Measurement
from helpers.games import NB_ACTIONS, RAM, make_game
from helpers.live_game import watch_game
from helpers.manifest import add_entry, load_agent
from helpers.player import FIRST_STEPS, GamePlayer
from helpers.runs import start_run

ENTRY = {"agent": "ram_post", "command": "python -m helpers.train ram_post --steps 64 --seed 1", "commit": "0" * 40,
         "seed": 1, "seeds": {}, "env_id": RAM, "hyperparameters": {}, "steps": 64, "wall_seconds": 1.5}
SCORES = Measurement(np.array([285.0, 300]), np.array([960, 970]), RAM, 0.05, 1, 2)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """weights/ and runs/: the RAM agent, hardly trained, shipped as `ram` and saved in four runs of several kinds."""
    folder = tmp_path_factory.mktemp("player")
    agent = build_agent(build_ram_model(128, NB_ACTIONS), NB_ACTIONS, warmup_steps=50, target_update=1)
    agent.fit(make_game(RAM, seed=1), nb_steps=54, verbose=0)
    agent.save_weights(str(folder / "trained.h5"))
    (folder / "episodes.csv").write_text("game,score\n1,285\n")
    add_entry("ram", folder / "trained.h5", folder / "episodes.csv", [SCORES], folder / "weights", **ENTRY)
    start_run("empty", {"agent": "ram_post"}, folder / "runs")
    for name, hyperparameters in {"good": {"agent": "ram_post", "gamma": 0.9}, "notebook": {"window": 3},
                                  "other": {"agent": "ram_best", "hidden": [32, 16]}}.items():
        agent.save_weights(str(start_run(name, hyperparameters, folder / "runs").folder / "weights-000000054.h5"))
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
    assert set(player.agent.options) == {"ram", "runs/good-001", "runs/notebook-001", "runs/other-001"}


def test_play_shows_the_game_of_the_plain_cell(player, folders):
    play(player, "ram", seed=5, epsilon=0.2)
    assert player.message.value == "" and player.play.playing and not player.start.disabled
    assert player._viewer.layout.display is None
    plain = watch_game(load_agent("ram", folders / "weights"), seed=5, epsilon=0.2)
    for step in (0, 1, 40):
        player.step.value = step
        assert (shown(player) == plain.frame(step, scale=2, caption=True, q_values=True)).all()
        assert player.words.value == plain.describe(step)
    assert player.game.moments == plain.moments[:len(player.game.moments)]


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
                        ("runs/other-001", "weights-000000054.h5 does not fit this agent")]:
        play(player, name)
        assert words in player.message.value and player._viewer.layout.display == "none"
        assert not player.start.disabled and not player.play.playing
    play(player, "ram")
    assert player.message.value == "" and player._viewer.layout.display is None


def test_nothing_to_play_yet(tmp_path):
    player = GamePlayer(weights=tmp_path / "weights", runs=tmp_path / "runs")
    assert player.start.disabled and "no trained agent yet" in player.message.value
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "MANIFEST.json").write_text(json.dumps({"ram": {}}))
    assert "lacks agent, weights" in GamePlayer(weights=tmp_path / "weights", runs=tmp_path / "runs").message.value


def test_an_agent_in_memory_can_be_watched(tmp_path, folders):
    agent = load_agent("ram", folders / "weights")
    player = GamePlayer({"my agent": agent}, weights=tmp_path, runs=tmp_path)
    assert player.agent.options == ("my agent",)
    play(player, "my agent")
    assert not player.message.value and len(player.picture.value) > 1_000
    player.speed.value = 500
    assert player.play.interval == 500
