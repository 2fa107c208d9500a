"""Whole games side by side: the same scores, however many emulators share the work."""
import numpy as np
import pytest

from helpers.agents import ScaleAndClip, build_agent, build_ram_model
from helpers.evaluate import measure, play_games
from helpers.games import NB_ACTIONS, PIXELS, RAM, ScoreKeeper, make_game, seed_game
from helpers.parallel_games import game_seeds


@pytest.fixture(scope="module")
def agent():
    """An untrained network: its Q-values lie close together, so that a difference in the last digits would show."""
    np.random.seed(1)
    return build_agent(build_ram_model(128, NB_ACTIONS), NB_ACTIONS, processor=ScaleAndClip())


@pytest.fixture(scope="module")
def five_games(agent):
    return measure(agent, RAM, nb_games=5, seed=3, nb_emulators=5)


def test_a_game_depends_on_its_own_seed_alone(agent, five_games):
    alone = measure(agent, RAM, nb_games=5, seed=3, nb_emulators=1)
    assert alone.scores.tolist() == five_games.scores.tolist() and alone.steps.tolist() == five_games.steps.tolist()
    first_three = measure(agent, RAM, nb_games=3, seed=3, nb_emulators=2)
    assert first_three.scores.tolist() == five_games.scores.tolist()[:3]
    assert len(set(five_games.steps)) == 5 and five_games.scores.max() >= 5  # whole games, raw points
    assert measure(agent, RAM, nb_games=2, seed=4).steps.tolist() != five_games.steps.tolist()[:2]


def test_seeds_do_not_overlap():
    seeds = [game_seeds(seed, game) for seed in range(30) for game in range(300)]
    assert len({emulator for emulator, _ in seeds}) > 8_990 and min(min(seeds)) > 1_000  # trainings use small numbers


def test_without_chance_it_plays_as_keras_rl2_plays(agent):
    """At epsilon 0, up to the last digit of Q-values: a trained weight makes one action the clear best."""
    weights = agent.model.get_weights()
    sharp = [100 * weight for weight in weights]
    agent.model.set_weights(sharp)
    old, agent.test_policy.eps = agent.test_policy.eps, 0.0
    try:
        ours = measure(agent, RAM, nb_games=2, seed=5, epsilon=0)
        env = make_game(RAM)
        for game in range(2):
            seed_game(env, game_seeds(5, game)[0])
            assert play_games(env, agent, nb_games=1) == ours.scores[game]
    finally:
        agent.model.set_weights(weights)
        agent.test_policy.eps = old


def test_functions_play_too_and_epsilon_1_is_the_random_player():
    fire = measure(lambda observation: 1, RAM, nb_games=2, epsilon=0)
    chance = [measure(lambda observation, a=a: a, RAM, nb_games=2, epsilon=1) for a in (0, 5)]
    assert chance[0].steps.tolist() == chance[1].steps.tolist() != fire.steps.tolist()


class Stopping(ScoreKeeper):
    """The real game; the reader presses stop at the 2,000th step of all."""

    left = 2_000

    def step(self, action):
        Stopping.left -= 1
        if Stopping.left == 0:
            raise KeyboardInterrupt
        return super().step(action)


def test_interrupted_the_first_games_are_kept_and_equal_a_shorter_request():
    stopped = measure(lambda observation: 0, RAM, nb_games=50, epsilon=1, make_env=lambda: Stopping(make_game(RAM)),
                      nb_emulators=2)
    assert not stopped.complete and 1 <= stopped.episodes <= 4
    shorter = measure(lambda observation: 0, RAM, nb_games=stopped.episodes, epsilon=1)
    assert stopped.scores.tolist() == shorter.scores.tolist() and shorter.complete


def test_bad_requests_are_refused(agent):
    for words, request in [("nb_games is 0", {"nb_games": 0}), ("epsilon is 2", {"epsilon": 2}),
                           ("seed is -1", {"seed": -1}), ("nb_emulators is 9", {"nb_emulators": 9})]:
        with pytest.raises(ValueError, match=words):
            measure(agent, RAM, **request)
    with pytest.raises(ValueError, match=r"takes \(3, 128\), but this game shows \(3, 210"):
        measure(agent, PIXELS, nb_games=1)
