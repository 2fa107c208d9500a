"""What is asked of values, and of a game before an agent takes its first step in it; and how a refusal is worded."""
import ast
import builtins
import re

import pytest
from rl.core import Processor

from helpers.agents.build import build_agent
from helpers.agents.inputs import ScaleAndClip
from helpers.agents.networks import build_ram_model
from helpers.checks import check_count, check_fits, check_range
from helpers.game.environment import RAM, make_game
from helpers.game.ram import VIEWS, nb_rows
from helpers.learning.dqn import FastDQNAgent
from helpers.measuring.play import play_games
from helpers.measuring.protocol import measure
from helpers.runs.callbacks import RunLogger
from helpers.runs.folder import start_run
from helpers.watching.live_game import watch_game
from helpers.watching.recording import record_game

BREAKOUT = "Breakout-ram-v0"


def agent_for(nb_actions, shown=(), fast=True, **options):
    model = build_ram_model(128, nb_actions, nb_rows(1, shown), hidden=[4])
    return build_agent(model, nb_actions, window=1, shown=shown, fast=fast, warmup_steps=40, **options)


BEGINNINGS = {
    "fit": lambda agent, make_env: agent.fit(make_env(), 300, verbose=0),
    "fit_parallel": lambda agent, make_env: agent.fit_parallel(make_env, 2, 300, verbose=0),
    "measure": lambda agent, make_env: measure(agent, nb_games=1, make_env=make_env),
    "play_games": lambda agent, make_env: play_games(make_env(), agent, 1, max_steps=5),
    "record_game": lambda agent, make_env: record_game(make_env(), agent, max_steps=5),
    "watch_game": lambda agent, make_env: watch_game(agent, max_steps=5, make_env=make_env),
}


@pytest.mark.parametrize("begin", list(BEGINNINGS))
def test_an_agent_that_is_not_the_games_is_refused_before_the_first_step(begin):
    steps = []

    def counted(env_id):
        env = make_game(env_id)
        step = env.step
        env.step = lambda action: steps.append(action) or step(action)
        return env

    shown = list(VIEWS)
    with pytest.raises(ValueError, match=r"^The game is breakout, but shown=\['positions', 'invaders', 'bombs'\] reads "
                                         "the bytes of space_invaders; expected that game. Choose it, or build"):
        BEGINNINGS[begin](agent_for(4, shown), lambda: counted(BREAKOUT))
    for nb_actions in (4, 18):
        with pytest.raises(ValueError, match=f"^The agent chooses among {nb_actions} actions, but this game has 6;"):
            BEGINNINGS[begin](agent_for(nb_actions), lambda: counted(RAM))
    assert not steps


def test_bits_are_those_of_any_game():
    agent = agent_for(4, ["bits"])
    agent.fit(make_game(BREAKOUT), 50, verbose=0)
    assert agent.step == 50


def test_a_processor_may_translate_actions():
    class OnlyTwo(Processor):
        def process_action(self, action):
            return (2, 3)[action]

    check_fits(agent_for(2, processor=OnlyTwo()), make_game(RAM))
    for processor in (ScaleAndClip(), Processor()):
        with pytest.raises(ValueError, match="among 2 actions, but this game has 6"):
            check_fits(agent_for(2, processor=processor), make_game(RAM))


def test_steps_and_emulators_are_counts():
    agent = agent_for(6)
    assert type(agent) is FastDQNAgent
    for value in (None, "100", -5, 1.5, float("nan")):
        with pytest.raises(ValueError, match=f"^nb_steps is {value!r}; expected at least 1, a whole number"):
            agent.fit(make_game(RAM), value, verbose=0)
        with pytest.raises(ValueError, match=f"^nb_steps is {value!r}; expected at least 1, a whole number"):
            agent.fit_parallel(lambda: make_game(RAM), 2, value, verbose=0)
        with pytest.raises(ValueError, match=f"^nb_envs is {value!r}; expected 1 to "):
            agent.fit_parallel(lambda: make_game(RAM), value, 300, verbose=0)
    agent.fit(make_game(RAM), 50.0, verbose=0)
    assert agent.step == 50


def test_ranges_say_what_they_expect():
    assert (check_range("x", 1, 0, 1), check_count("x", 1e4, 1)) == (1.0, 10_000)
    for check, words in ((check_range, "x is 2; expected 0 to 1. Choose"), (check_count, "0 to 1, a whole number. Ch")):
        with pytest.raises(ValueError, match=words):
            check("x", 2, 0, 1)


def test_keras_rl2s_own_fit_is_checked_by_the_runs_logger(tmp_path):
    agent = agent_for(4, list(VIEWS), fast=False)
    for env, nb_steps, words in ((make_game(BREAKOUT), 60, "The game is breakout"), (make_game(RAM), 60, "4 actions"),
                                 (make_game(BREAKOUT), 1.5, "nb_steps is 1.5; expected at least 1, a whole")):
        with pytest.raises(ValueError, match=words):
            agent.fit(env, nb_steps, callbacks=[RunLogger(start_run("a", {}, tmp_path))], verbose=0)


OTHERWISE = ("the disk is full", "gym knows no environment ")
"""`helpers.files.goes_on` makes a sentence of the one; notebook 02 stores what the other says."""


def test_an_error_says_what_was_received_what_was_expected_and_what_to_do(project):
    """Of the program's own kinds, such as RomError, a message may be a part of a longer one."""
    for path in [*(project / "helpers").rglob("*.py"), *(project / "tools").glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            kind = getattr(getattr(node, "func", None), "id", "")
            words = "".join(part.s for part in ast.walk(node) if isinstance(part, ast.Str))
            if kind.endswith("Error") and hasattr(builtins, kind) and words and not words.startswith(OTHERWISE):
                assert re.search(r"; expected .*\. ", words), f"{path}:{node.lineno}: {words}"
