"""The agents that ship: whole, the ones that were measured, and quick to load."""
import json
import time

import numpy as np
import pandas as pd
import pytest

from helpers.agents import recipes
from helpers.agents.build import build_agent
from helpers.agents.networks import build_ram_model
from helpers.game.environment import NB_ACTIONS, RAM, make_game
from helpers.measuring.play import play_games
from helpers.measuring.protocol import Measurement
from helpers.measuring.shipped import (
    WEIGHTS_FOLDER,
    add_entry,
    check_weights,
    list_agents,
    load_agent,
    read_manifest,
    shipped_recipe,
    shipped_scores,
    shipped_seeds,
    training_log,
)

ENTRY = {"agent": "ram_post", "command": "python -m helpers.train ram_post --steps 64 --seed 1", "commit": "0" * 40,
         "seed": 1, "seeds": {}, "env_id": RAM, "hyperparameters": {}, "steps": 64, "wall_seconds": 1.5}
SCORES = Measurement(np.array([285.0, 300]), np.array([960, 970]), RAM, 0.05, 1, 2)


@pytest.fixture(scope="module")
def agent():
    """The RAM agent, hardly trained."""
    agent = build_agent(build_ram_model(128, NB_ACTIONS), NB_ACTIONS, warmup_steps=50, target_update=1)
    agent.fit(make_game(RAM, seed=1), nb_steps=54, verbose=0)
    return agent


@pytest.fixture
def folder(agent, tmp_path):
    """A weights/ with that agent under the name `ram`."""
    agent.save_weights(str(tmp_path / "trained.h5"))
    (tmp_path / "episodes.csv").write_text("game,score\n1,285\n")
    add_entry("ram", tmp_path / "trained.h5", tmp_path / "episodes.csv", [SCORES], tmp_path / "weights", **ENTRY)
    return tmp_path / "weights"


def test_an_entry_is_written_read_and_played(agent, folder):
    began = time.process_time()
    loaded = load_agent("ram", folder)
    assert time.process_time() - began < 4  # half a second on a computer that does nothing else
    moves = [play_games(make_game(RAM), player, nb_games=1, seed=1, max_steps=200) for player in (agent, loaded)]
    assert moves[0] == moves[1]
    for theirs, ours in zip(agent.model.get_weights(), loaded.target_model.get_weights()):
        assert (theirs == ours).all()
    assert list_agents(folder) == ["ram"] and (folder / "ram.csv").read_text().endswith("285\n")
    stored = shipped_scores("ram", folder)[0]
    assert stored.summary() == SCORES.summary() and read_manifest(folder)["ram"]["steps"] == 64
    assert '"scores": [ 285.0, 300.0 ]' in (folder / "MANIFEST.json").read_text()  # one line, not one for each game


def test_a_misspelt_name_is_told_what_there_is(folder):
    for ask in (load_agent, check_weights, shipped_scores, shipped_seeds, shipped_recipe, training_log):
        with pytest.raises(ValueError, match="has no agent 'rma'; expected one of ram. Choose another."):
            ask("rma", folder)


def test_the_trainings_that_do_not_ship_are_reported_too(folder):
    others = [Measurement(np.array([280.0, points]), np.array([960, 970]), RAM, 0.05, 1, 2) for points in (250, 300)]
    seeds = {"4": [others[0].summary()], "1": [SCORES.summary()], "10": [others[1].summary()]}
    add_entry("ram", folder / "ram.h5", folder / "ram.csv", [SCORES], folder, **{**ENTRY, "seeds": seeds})
    (folder / "ram-seed4.csv").write_text("game,score\n1,30\n")
    assert shipped_seeds("ram", folder) == [1, 4, 10]
    assert [shipped_scores("ram", folder, seed)[0].mean for seed in (None, 1, 4, 10)] == [292.5, 292.5, 265, 290]
    assert [training_log("ram", folder, seed)["score"].tolist() for seed in (None, 1, 4)] == [[285], [285], [30]]
    for ask in (shipped_scores, training_log):
        with pytest.raises(ValueError, match="ram was not trained with seed 2; expected one of 1, 4, 10. Choose"):
            ask("ram", folder, 2)


def test_a_recipe_that_changes_later_leaves_older_agents_as_they_were(folder, monkeypatch):
    changed = recipes.RECIPES["ram_post"]._replace(options={"hidden": (64,), "shown": ("bits",)})
    monkeypatch.setitem(recipes.RECIPES, "ram_post", changed)
    assert load_agent("ram", folder).model.get_weights()[0].shape == (384, 512)


def test_a_changed_missing_or_unshipped_file_is_refused(folder):
    add_entry("big", None, folder / "ram.csv", [SCORES], folder, **ENTRY)
    assert list_agents(folder) == ["ram"]
    with pytest.raises(FileNotFoundError, match="too large to ship; expected some of your own. Make them with `python"):
        check_weights("big", folder)
    with pytest.raises(ValueError, match="no agent 'rma'; expected one of ram, big"):
        load_agent("rma", folder)
    with (folder / "ram.h5").open("ab") as file:
        file.write(b"x")
    with pytest.raises(ValueError, match=r"SHA-256 .*of the file that was measured"):
        load_agent("ram", folder)
    (folder / "ram.h5").unlink()
    with pytest.raises(FileNotFoundError, match=r"ram.h5 is missing; .*make it with `python"):
        load_agent("ram", folder)


def test_a_damaged_manifest_is_named(tmp_path):
    assert read_manifest(tmp_path) == {} and list_agents(tmp_path) == []
    (tmp_path / "MANIFEST.json").write_text('{"ram": {')
    with pytest.raises(ValueError, match="is no manifest"):
        read_manifest(tmp_path)
    (tmp_path / "MANIFEST.json").write_text(json.dumps({"ram": {"agent": "ram_post"}}))
    with pytest.raises(ValueError, match="'ram' of .* lacks weights, sha256"):
        read_manifest(tmp_path)
    with pytest.raises(ValueError, match="Received the fields agent"):
        add_entry("x", None, tmp_path / "log.csv", [], tmp_path / "new", agent="ram_post")


def test_the_last_short_training_is_the_beginning_of_ram_best():
    """Notebook 08 takes the three trainings of ram_best for what another seed does to that training."""
    experiments = pd.read_csv(WEIGHTS_FOLDER / "experiments.csv")
    short = experiments[(experiments["experiment"] == "with invaders and bombs") & (experiments["seed"] == 1)]
    long = training_log("ram_best", seed=1)
    columns = ["step", "score"]
    assert short[columns].to_numpy().tolist() == long.loc[:len(short) - 1, columns].to_numpy().tolist()
    assert len(shipped_seeds("ram_best")) >= 3
