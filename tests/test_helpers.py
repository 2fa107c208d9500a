"""The module as a whole: its names exist, are documented, and come without TensorFlow until it is needed."""
import inspect
import subprocess
import sys

import pytest

import helpers


@pytest.mark.parametrize("name", helpers.__all__)
def test_every_public_name_exists_and_is_explained(name):
    thing = getattr(helpers, name)
    if callable(thing):
        assert inspect.getdoc(thing), f"{name} has no docstring"
        assert all(parameter.annotation is not parameter.empty
                   for parameter in inspect.signature(thing).parameters.values()), f"{name} lacks type hints"


FIRST_NAMES = """
version_table python_note get_roms has_space_invaders by_run_length make_game PIXELS RAM play_games
random_player mean_interval record_game build_pixel_model build_agent ScaleAndClip start_run RunLogger
SaveWeights ResumeAt StepTimes load_weights plot_scores ProgressBar LivePlot build_ram_model show_invaders
show_bombs AROUND_CANNON AROUND_SHOT BOMB_PLACES BOMB_HEIGHTS nb_rows load_agent watch_game shipped_scores
compare load_runs list_runs plot_runs open_tensorboard set_threads FastDQNAgent ArrayMemory Checkpoint
steps_done make_small_screen_game build_small_pixel_model PROTOCOL measure LifeAsEpisode ScoreKeeper
record_measured_game WEIGHTS_FOLDER read_manifest list_agents training_log shipped_seeds GamePlayer
measure_baselines score_table plot_table
"""
"""The public names before there were folders. QuantileDQNAgent, which was retired, was not one of them."""


@pytest.mark.parametrize("name", FIRST_NAMES.split())
def test_a_name_that_was_public_once_can_still_be_imported(name):
    assert name in helpers.__all__ and getattr(helpers, name) is not None


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(AttributeError, match="make_game"):
        getattr(helpers, "make_gmae")  # noqa: B009


@pytest.mark.parametrize("statement", [
    "import helpers",
    "from helpers import get_roms, make_game, play_games, record_game, by_run_length, start_run, version_table",
    "from helpers import measure, list_agents, load_agent, compare, score_table, plot_table",
    "from helpers import GamePlayer, watch_game, record_measured_game",
])
def test_what_needs_no_network_does_not_import_tensorflow(statement):
    code = f"{statement}; import sys; assert 'tensorflow' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
