"""Settings side by side: real trainings of some hundred steps, repeated to the bit, stopped, refused."""
import numpy as np
import pytest
import tensorflow as tf

from helpers.agents.build import build_agent
from helpers.agents.networks import build_ram_model
from helpers.game.environment import NB_ACTIONS, RAM, make_game
from helpers.learning.seeds import set_seeds
from helpers.measuring import settings as module
from helpers.measuring.protocol import measure
from helpers.measuring.settings import SettingsCompared, agent_of, compare_settings, plot_settings
from helpers.runs.folder import list_runs, load_runs, start_run

COMMON = {"window": 1, "hidden": [32], "replay_limit": 600, "warmup_steps": 60, "train_interval": 4,
          "observation_scale": 1 / 255, "reward_clip": 1.0}
SETTINGS = {"plain": {}, "double": {"double": True}}


def compare(root, settings=SETTINGS, seeds=(1, 2), nb_steps=300, nb_games=2, **options):
    return compare_settings(settings, list(seeds), nb_steps, nb_games, common=COMMON, nb_envs=2, root=root, **options)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def compared(folder):
    return compare(folder)


def test_every_setting_is_trained_with_every_seed(compared, folder):
    assert [(one.setting, one.seed) for one in compared.trainings] == [
        ("plain", 1), ("plain", 2), ("double", 1), ("double", 2)]
    assert compared.complete and {name: len(points) for name, points in compared.scores.items()} == {
        "plain": 4, "double": 4}
    assert [one.run.name for one in compared.trainings] == [f"compare-00{number}" for number in (1, 2, 3, 4)]
    table = list_runs("compare-", folder)
    assert table["double"].fillna(False).tolist() == [False, False, True, True]
    assert table["seed"].tolist() == [1, 2, 1, 2] and (table["nb_steps"] == 300).all()
    differ = [one.run.hyperparameters for one in compared.trainings[1::2]]
    assert differ[1] == {**differ[0], "double": True}


def test_equal_arguments_give_equal_trainings_to_the_bit(compared, tmp_path):
    again = compare(tmp_path, {"double": {"double": True}}, seeds=[2])
    (one,), before = again.trainings, compared.trainings[-1]
    assert one.games.scores.tolist() == before.games.scores.tolist()
    (weights,), (weights_before,) = one.run.checkpoints, before.run.checkpoints
    assert weights.read_bytes() == weights_before.read_bytes()
    assert weights.read_bytes() != compared.trainings[-2].run.checkpoints[0].read_bytes()  # another seed
    assert weights.read_bytes() != compared.trainings[1].run.checkpoints[0].read_bytes()  # another setting


def test_a_training_is_that_of_a_notebook_with_these_numbers(compared):
    tf.keras.backend.clear_session()
    set_seeds(1)
    agent = build_agent(build_ram_model(128, NB_ACTIONS, 1, [32]), NB_ACTIONS, fast=True,
                        **{name: value for name, value in COMMON.items() if name != "hidden"})
    agent.fit_parallel(lambda: make_game(RAM), 2, 300, seed=1, verbose=0)
    same = agent_of(compared.trainings[0].run)
    for weights, others in zip(agent.model.get_weights(), same.model.get_weights()):
        assert np.array_equal(weights, others)
    assert measure(same, RAM, nb_games=2).scores.tolist() == compared.trainings[0].games.scores.tolist()


def test_the_agents_of_the_caller_stay_usable(tmp_path):
    agent = build_agent(build_ram_model(128, NB_ACTIONS, 1), NB_ACTIONS, window=1, warmup_steps=60, target_update=50,
                        replay_limit=600, fast=True)
    before = agent.model.get_weights()
    compare(tmp_path, {"plain": {}}, seeds=[1], nb_steps=100)
    assert all(np.array_equal(weights, others) for weights, others in zip(before, agent.model.get_weights()))
    agent.fit_parallel(lambda: make_game(RAM), 2, 200, seed=1, verbose=0)
    assert not np.array_equal(before[0], agent.model.get_weights()[0])


def test_one_bar_and_a_line_for_each_setting(tmp_path, capsys):
    compared = compare(tmp_path, {"a": {}, "the other": {"n_step": 3}}, seeds=[1], nb_steps=100)
    last = capsys.readouterr().out.rstrip("\n").rsplit("\r", 1)[-1]
    assert last.startswith("100%|") and "the other, seed 1" in last
    lines = str(compared).splitlines()
    assert [line.split("  ")[0] for line in lines] == ["a", "the other"]
    first, second = compared.trainings
    assert f"each training: {first.games.mean:.0f} (seed 1)" in lines[0]
    assert f"mean {second.games.mean:.0f}, 95 % interval" in lines[1] and "in 2 games" in lines[1]


class Interrupt:
    """Presses Ctrl-C at a step or game of the bar."""

    def __init__(self, monkeypatch, kind, at):
        self.left = at
        move = getattr(module, kind)
        name = "on_step_end" if kind == "_Moves" else "update"
        act = getattr(move, name)

        def counted(moves, *arguments):
            self.left -= 1
            if self.left == 0:
                raise KeyboardInterrupt
            act(moves, *arguments)
        monkeypatch.setattr(move, name, counted)


@pytest.mark.parametrize("kind, at", [("_Moves", 450), ("_Games", 3)])
def test_stopped_it_gives_what_was_finished(kind, at, tmp_path, monkeypatch, compared):
    Interrupt(monkeypatch, kind, at)
    stopped = compare(tmp_path)
    assert not stopped.complete and stopped.requested == 4
    (one,) = stopped.trainings
    assert one.games.scores.tolist() == compared.trainings[0].games.scores.tolist()
    assert str(stopped).startswith("stopped after 1 of 4 trainings")
    assert len(load_runs("compare-", tmp_path)) == 2  # the second one's folder keeps what it logged


def test_stopped_before_the_first_was_finished(tmp_path, monkeypatch):
    Interrupt(monkeypatch, "_Moves", 50)
    stopped = compare(tmp_path)
    assert stopped.trainings == [] and stopped.scores == {}
    assert str(stopped) == "stopped after 0 of 4 trainings"
    plot_settings(stopped)


def test_the_plot_has_a_row_for_each_setting(compared):
    ax = plot_settings(compared)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["plain", "double"]
    (triangles,) = (line for line in ax.lines if line.get_label() == "one training")
    assert triangles.get_xdata().tolist() == [one.games.mean for one in compared.of("plain")]


@pytest.mark.parametrize("change, message", [
    ({"settings": {}}, "settings is {}; expected a name and its changed hyperparameters"),
    ({"settings": [{"double": True}]}, "expected a name and its changed hyperparameters"),
    ({"settings": {"double": True}}, "expected a name and its changed hyperparameters"),
    ({"settings": {"a": {}, "b": {"doubel": True}}}, "no hyperparameter 'doubel' here; expected double"),
    ({"settings": {"a": {"learning_rate": -1}}}, "learning_rate is -1; expected"),
    ({"seeds": []}, r"seeds is \[\]; expected at least 1"),
    ({"seeds": [1, 2, 1]}, r"seeds is \[1, 2, 1\]; expected each only once"),
    ({"seeds": [1, 1.0]}, "expected each only once"),
    ({"seeds": [-1]}, "a seed is -1; expected 0 to"),
    ({"seeds": 3}, "seeds is 3; expected a list of numbers"),
    ({"nb_steps": 0}, "nb_steps is 0; expected at least 1"),
    ({"nb_games": 1}, "nb_games is 1; expected 2 to"),
    ({"nb_envs": 0}, "nb_envs is 0; expected at least 1"),
    ({"network": "RAN"}, "network is 'RAN'; expected one of"),
    ({"common": {"gama": 0.9}}, "no hyperparameter 'gama' here; expected gamma"),
])
def test_what_it_refuses_before_any_training(change, message, tmp_path):
    arguments = {"settings": SETTINGS, "seeds": [1], "nb_steps": 100, "nb_games": 2, "root": tmp_path, **change}
    with pytest.raises(ValueError, match=message):
        compare_settings(**arguments)
    assert list(tmp_path.iterdir()) == []


def test_an_agent_of_a_run_without_weights_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="runs/ram-001 holds no weights"):
        agent_of(start_run("ram", {"network": "RAM"}, tmp_path))


def test_nothing_compared_has_no_scores():
    assert SettingsCompared([], 0).complete
