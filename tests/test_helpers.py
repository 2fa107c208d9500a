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
