"""Whole games side by side: the same scores, however many emulators share the work."""
import numpy as np
import pytest

from helpers.agents.build import build_agent
from helpers.agents.inputs import ScaleAndClip
from helpers.agents.networks import build_ram_model
from helpers.game.environment import NB_ACTIONS, PIXELS, RAM, make_game, seed_game
from helpers.game.wrappers import ScoreKeeper
from helpers.measuring.parallel import EMULATORS, game_seeds
from helpers.measuring.play import play_games
from helpers.measuring.protocol import measure
from helpers.watching.live_game import record_measured_game


@pytest.fixture(scope="module")
def agent():
    """An untrained network."""
    np.random.seed(1)
    return build_agent(build_ram_model(128, NB_ACTIONS), NB_ACTIONS, processor=ScaleAndClip())


def test_a_game_depends_on_its_own_seed_alone(agent):
    together = measure(agent, RAM, nb_games=3, seed=3)
    two_by_two = measure(agent, RAM, nb_games=3, seed=3, nb_emulators=2)
    assert two_by_two.scores.tolist() == together.scores.tolist()
    assert two_by_two.steps.tolist() == together.steps.tolist() and len(set(together.steps)) == 3
    again = record_measured_game(agent, together, game=2)
    assert (again.score, len(again.moments) - 1) == (together.scores[2], together.steps[2])
    with pytest.raises(ValueError, match="game is 3; expected 0 to 2"):
        record_measured_game(agent, together, game=3)
    assert together.scores.max() >= 5  # points: the smallest invader is worth 5


@pytest.mark.parametrize("rows", [range(0, 8, 2), [5, 3], [7]])
def test_a_row_of_a_forward_pass_is_not_changed_by_the_others(agent, rows):
    states = np.random.RandomState(0).randint(0, 256, (EMULATORS, 3, 128)).astype(np.uint8)
    q_values = agent.compute_batch_q_values(states)
    others = np.zeros_like(states)
    others[:len(rows)] = states[rows]
    assert agent.compute_batch_q_values(others)[:len(rows)].tolist() == q_values[rows].tolist()


def test_seeds_do_not_overlap():
    seeds = [game_seeds(seed, game) for seed in range(30) for game in range(300)]
    assert len({emulator for emulator, _ in seeds}) > 8_990 and min(min(seeds)) > 1_000  # trainings use small numbers


def test_without_chance_it_plays_as_keras_rl2_plays(agent):
    ours = measure(agent, RAM, nb_games=1, seed=5, epsilon=0)
    env = make_game(RAM)
    seed_game(env, game_seeds(5, 0)[0])
    old, agent.test_policy.eps = agent.test_policy.eps, 0.0
    try:
        assert play_games(env, agent, nb_games=1) == ours.scores
    finally:
        agent.test_policy.eps = old


def test_functions_play_too_and_epsilon_1_is_the_random_player():
    fire = measure(lambda observation: 1, RAM, nb_games=1, epsilon=0)
    chance = [measure(lambda observation, a=a: a, RAM, nb_games=1, seed=7, epsilon=1) for a in (0, 5)]
    assert chance[0].steps.tolist() == chance[1].steps.tolist() and chance[0].scores == chance[1].scores
    assert fire.scores.tolist() == [285]  # always the same, whatever the seed: see notebook 06


class Stopping(ScoreKeeper):
    """The real game; the reader presses stop at the 1,300th step of all."""

    left = 1_300

    def step(self, action):
        Stopping.left -= 1
        if Stopping.left == 0:
            raise KeyboardInterrupt
        return super().step(action)


def test_interrupted_the_first_games_are_kept_and_equal_a_shorter_request():
    stopped = measure(lambda observation: 0, RAM, nb_games=50, seed=7, epsilon=1, nb_emulators=2,
                      make_env=lambda: Stopping(make_game(RAM)))
    assert not stopped.complete and 1 <= stopped.episodes <= 4
    shorter = measure(lambda observation: 0, RAM, nb_games=stopped.episodes, seed=7, epsilon=1)
    assert stopped.scores.tolist() == shorter.scores.tolist() and shorter.complete


def test_bad_requests_are_refused(agent):
    for words, request in [("nb_games is 0", {"nb_games": 0}), ("epsilon is 2", {"epsilon": 2}),
                           ("seed is -1", {"seed": -1}), ("nb_emulators is 9", {"nb_emulators": 9})]:
        with pytest.raises(ValueError, match=words):
            measure(agent, RAM, **request)
    with pytest.raises(ValueError, match=r"shows states of \(3, 210"):
        measure(agent, PIXELS, nb_games=1)
