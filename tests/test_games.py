"""Making games and keeping their score."""
import numpy as np
import pytest

from helpers.evaluate import play_games, random_player
from helpers.games import NB_ACTIONS, PIXELS, RAM, make_game


@pytest.mark.parametrize("env_id, shape", [(PIXELS, (210, 160, 3)), (RAM, (128,))])
def test_observations_are_bytes_of_the_documented_shape(env_id, shape):
    env = make_game(env_id, seed=1)
    observation = env.reset()
    assert (observation.shape, observation.dtype) == (shape, np.uint8)
    assert env.action_space.n == NB_ACTIONS
    assert env.unwrapped.get_action_meanings() == ["NOOP", "FIRE", "RIGHT", "LEFT", "RIGHTFIRE", "LEFTFIRE"]


def test_same_seed_same_games_other_seed_other_games():
    def games(seed):
        env = make_game(RAM, seed)
        return play_games(env, random_player(env), nb_games=3)

    assert games(1).tolist() == games(1).tolist()
    assert games(1).tolist() != games(2).tolist()


def test_random_actions_and_frame_skips_are_drawn_independently():
    """gym seeds both with the same function: equal seeds would give equal streams."""
    env = make_game(RAM, seed=1)
    actions = [env.action_space.np_random.randint(1_000) for _ in range(50)]
    skips = [env.unwrapped.np_random.randint(1_000) for _ in range(50)]
    assert actions != skips


def test_score_keeper_counts_points_of_each_game():
    env = make_game(RAM, seed=3)
    rewards = 0.0
    env.reset()
    done = False
    while not done:
        _, reward, done, _ = env.step(env.action_space.sample())
        rewards += reward
    assert env.scores == [rewards]
    env.reset()
    assert env.score == 0


def test_a_game_that_does_not_exist_is_named():
    with pytest.raises(ValueError, match="SpaceInvader-v0.*notebook 02"):
        make_game("SpaceInvader-v0")


def test_a_rom_that_is_missing_points_to_notebook_02(monkeypatch, tmp_path):
    import atari_py.games

    monkeypatch.setattr(atari_py.games, "_games_dir", str(tmp_path))  # an atari_py into which nothing was imported
    with pytest.raises(FileNotFoundError, match="notebook 02"):
        make_game(RAM)
