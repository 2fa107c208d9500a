"""The table of hyperparameters: what it refuses, in the same words everywhere, and where its rows arrive."""
import inspect
from math import inf, nan

import numpy as np
import pytest

from helpers.agents.build import build_agent
from helpers.agents.hyperparameters import DEFAULTS, HYPERPARAMETERS, OF_AGENT, check_hyperparameters
from helpers.agents.networks import build_ram_model
from helpers.agents.recipes import recipe
from helpers.train import parse

WHOLE = [name for name, row in HYPERPARAMETERS.items() if row.type is int]


def test_the_defaults_are_allowed_and_come_back():
    assert check_hyperparameters(DEFAULTS) == DEFAULTS


@pytest.mark.parametrize("name", [name for name in HYPERPARAMETERS if HYPERPARAMETERS[name].type in (int, float)])
def test_what_is_no_number_is_named(name):
    for value in (None, "100", nan, True, [1], 1j):
        with pytest.raises(ValueError) as error:
            check_hyperparameters({name: value})
        assert str(error.value).startswith(f"{name} is {value!r}; expected {HYPERPARAMETERS[name].low} to") or \
            str(error.value).startswith(f"{name} is {value!r}; expected at least {HYPERPARAMETERS[name].low}")


@pytest.mark.parametrize("name", WHOLE)
def test_counts_are_whole(name):
    for value in (100.5, inf):
        with pytest.raises(ValueError, match=f"^{name} is {value}; expected .*, a whole number. Choose another.$"):
            check_hyperparameters({name: value})
    least = {"replay_limit": 1e4, "warmup_steps": 1e4}.get(name, 5.0)
    for value in (least, np.float32(least), np.int64(least)):
        checked = check_hyperparameters({name: value})[name]
        assert type(checked) is int and checked == least


def test_whole_floats_reach_the_agent_as_integers():
    agent = build_agent(build_ram_model(128, 6), 6, replay_limit=1e4, batch_size=32.0, epsilon_steps=1e3, fast=True)
    assert (agent.memory.limit, agent.batch_size, agent.policy.nb_steps) == (10_000, 32, 1_000)
    assert all(type(value) is int for value in (agent.memory.limit, agent.batch_size, agent.policy.nb_steps))


def test_what_a_batch_needs_is_there():
    for name, least in (("replay_limit", 39), ("warmup_steps", 38)):
        with pytest.raises(ValueError, match=f"^{name} is 37; expected at least {least}.* batch_size"):
            check_hyperparameters({name: 37, "n_step": 3})
        check_hyperparameters({name: least, "n_step": 3})


def test_an_unknown_name_gets_the_nearest_ones():
    for name, words in (("replay", "expected replay_limit"), ("epsilon_stop", "expected epsilon_steps or epsilon_"),
                        ("zzz", "expected one of window, ")):
        for refuse in (lambda **options: build_agent(build_ram_model(128, 6), 6, **options),
                       lambda **options: recipe("ram_best", options)):
            with pytest.raises(ValueError, match=f"There is no hyperparameter '{name}' here; {words}"):
                refuse(**{name: 1})
    with pytest.raises(ValueError, match="no hyperparameter 'hidden' here"):  # it is the network's
        build_agent(build_ram_model(128, 6), 6, hidden=[4])
    with pytest.raises(ValueError, match=r'positions is no .*; expected it in a list. Write shown=\["positions", "bom'):
        build_agent(build_ram_model(128, 6, 5), 6, positions=True, invaders=False, bombs=True)


def test_the_table_is_in_every_help(capsys):
    assert [*inspect.signature(build_agent).parameters][4:] == OF_AGENT
    for name in OF_AGENT:
        assert inspect.signature(build_agent).parameters[name].default == DEFAULTS[name]
        assert f"\n        {name}: " in build_agent.__doc__
    with pytest.raises(SystemExit):
        parse(["--help"])
    said = capsys.readouterr().out
    assert all(f"\n{row}\n" in said for row in HYPERPARAMETERS.values())
    assert "replay_limit: agent steps that the replay memory holds (whole, 1 or more; default 1000, the post)" in said
