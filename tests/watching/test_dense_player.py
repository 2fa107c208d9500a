"""The RAM agent without TensorFlow: the same Q-values, the same game."""
import subprocess
import sys

import numpy as np
import pytest

from helpers.agents.build import build_by_recipe
from helpers.agents.recipes import recipe
from helpers.agents.weights import weights_as_hdf5
from helpers.files import write_whole
from helpers.watching.dense_player import DensePlayer
from helpers.watching.live_game import watch_game


def made_and_saved(folder, name, changes=None):
    """An untrained agent, its recipe and the player made from its weights file."""
    made = recipe(name, changes)
    agent = build_by_recipe(made)
    write_whole(folder / "weights.h5", weights_as_hdf5(agent))
    return agent, made, DensePlayer(made, folder / "weights.h5")


@pytest.mark.parametrize("name, changes", [
    ("ram_post", {}),
    ("ram_post", {"observation_scale": 1 / 32}),
    ("ram_best", {"shown": ["bits"], "window": 1}),
    ("ram_best", {"shown": ["positions"], "window": 3}),
    ("ram_best", {"shown": ["invaders", "bombs"]}),
    ("ram_best", {"shown": ["bits", "positions"], "window": 2, "observation_scale": 1 / 32}),
])
def test_its_q_values_are_the_agents(tmp_path, name, changes):
    agent, made, player = made_and_saved(tmp_path, name, changes)
    states = np.random.RandomState(1).randint(0, 256, (8, made.hyperparameters["window"], 128)).astype(np.uint8)
    expected = agent.compute_batch_q_values(states)
    assert expected.std() > 0.01
    np.testing.assert_allclose(player.compute_batch_q_values(states), expected, rtol=0, atol=1e-5 * abs(expected).max())


def test_it_plays_the_agents_game(tmp_path):
    agent, made, player = made_and_saved(tmp_path, "ram_best")
    games = [watch_game(one, seed=4, epsilon=0.1, make_env=made.make_env) for one in (player, agent)]
    assert games[0].over and games[0].score == games[1].score
    assert [moment.action for moment in games[0].moments] == [moment.action for moment in games[1].moments]


def test_it_takes_the_ram_only(tmp_path):
    with pytest.raises(ValueError, match="expected an agent on the RAM"):
        DensePlayer(recipe("pixels_84"), tmp_path / "weights.h5")


def test_a_shipped_ram_agent_plays_without_tensorflow():
    """Its import takes longer than a reader should wait for the first picture."""
    code = ("import sys; from helpers import GamePlayer; player = GamePlayer(); player.agent.value = 'ram_best'; "
            "player.start.click(); assert player.picture.value and not player.message.value; "
            "assert 'tensorflow' not in sys.modules, 'TensorFlow was imported'")
    subprocess.run([sys.executable, "-c", code], check=True)
