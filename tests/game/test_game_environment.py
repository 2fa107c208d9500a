"""Making games and keeping their score."""
import gym
import numpy as np
import pytest
from PIL import Image

from helpers.game.environment import NB_ACTIONS, PIXELS, RAM, make_game, make_small_screen_game
from helpers.game.wrappers import LifeAsEpisode
from helpers.measuring.play import play_games, random_player
from helpers.watching.recording import record_game


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


def test_a_life_is_an_episode_and_the_game_goes_on():
    env = LifeAsEpisode(make_game(RAM, seed=3))
    lives, goes_on, steps_in_game = [], [], []
    steps = [0]  # of the game
    for _ in range(7):
        env.reset()
        steps[-1] += steps[-1] > 0  # going on took a step
        done = False
        while not done:
            _, _, done, info = env.step(env.action_space.sample())
            steps[-1] += 1
        lives.append(info["ale.lives"])
        goes_on.append(env.game_goes_on)
        steps_in_game.append(env.steps_in_game == steps[-1])
        if not env.game_goes_on:
            assert env.scores[-1] == env.score
            steps.append(0)
    assert lives == [2, 1, 0, 2, 1, 0, 2] and goes_on == [True, True, False, True, True, False, True]
    assert len(env.scores) == 2 and all(steps_in_game)


@pytest.mark.parametrize("make", [make_game, make_small_screen_game])
def test_a_game_that_does_not_exist_is_named(make):
    with pytest.raises(ValueError, match="SpaceInvader-v0.*notebook 02"):
        make("SpaceInvader-v0")


@pytest.mark.parametrize("seed", [2**40, -1, 1.5, "one"])
@pytest.mark.parametrize("make", [make_game, make_small_screen_game])
def test_a_seed_that_not_all_generators_take_is_named(make, seed):
    with pytest.raises(ValueError, match=f"seed is {seed!r}; expected 0 to 4,294,967,295, a whole number. Choose"):
        make(seed=seed)
    make(seed=np.int64(2**32 - 1)).reset()


@pytest.mark.parametrize("make", [make_game, make_small_screen_game])
def test_a_rom_that_is_missing_points_to_notebook_02(make, monkeypatch, tmp_path):
    import atari_py.games

    monkeypatch.setattr(atari_py.games, "_games_dir", str(tmp_path))  # an atari_py into which nothing was imported
    with pytest.raises(FileNotFoundError, match="notebook 02"):
        make(RAM)


def random_steps(env, nb_steps, seed=0):
    """Observation, reward, done and info of each step; actions are the same for every environment."""
    numbers = np.random.RandomState(seed)
    env.reset()
    for _ in range(nb_steps):
        outcome = env.step(numbers.randint(NB_ACTIONS))
        yield outcome
        if outcome[2]:
            env.reset()


def test_small_screens_are_grey_and_84_by_84():
    env = make_small_screen_game(seed=1)
    first = env.reset()
    for observation in (first, env.step(1)[0]):
        assert (observation.shape, observation.dtype) == ((84, 84), np.uint8)
        assert env.observation_space.contains(observation)
        assert 100 < observation.max() < 255 and observation.any(axis=1).mean() > 0.5
    assert env.observation_space.shape == (84, 84) and env.action_space.n == NB_ACTIONS
    assert env.step(0)[0] is not observation and env.spec.id == PIXELS


def test_small_screens_repeat_themselves_by_seed():
    def screens(seed):
        return [(screen.tobytes(), reward) for screen, reward, _, _ in random_steps(make_small_screen_game(seed=seed),
                                                                                300)]

    assert screens(1) == screens(1) != screens(2)


def test_the_game_behind_the_small_screen_is_the_same_game():
    """The same frame skips, sticky actions, points and end; only what is seen differs."""
    small, large = make_small_screen_game(seed=7), make_game(PIXELS, seed=7)
    for one, other in zip(random_steps(small, 1_500), random_steps(large, 1_500)):
        assert one[1:] == other[1:]
    assert small.scores == large.scores and len(small.scores) >= 1
    assert small.unwrapped.ale.getEpisodeFrameNumber() == large.unwrapped.ale.getEpisodeFrameNumber()


def test_games_with_small_screens_end_after_as_many_steps():
    env = make_small_screen_game(seed=1)
    assert env.env._max_episode_steps == make_game(PIXELS).env._max_episode_steps == 10_000
    env.reset()
    env.env._elapsed_steps = 9_999
    _, _, done, info = env.step(0)
    assert done and info["TimeLimit.truncated"] and len(env.scores) == 1


def test_two_frames_make_a_small_screen_because_shots_and_bombs_take_turns():
    """Frame by frame, beside a bare emulator with the same seed."""
    env, game = make_small_screen_game(seed=3), gym.make(PIXELS).unwrapped
    game.seed(3)
    game.reset()
    actions = np.random.RandomState(0)
    flying = missing = 0
    for screen, _, done, _ in random_steps(env, 400):
        action, frames = game._action_set[actions.randint(NB_ACTIONS)], []
        for _ in range(game.np_random.randint(2, 5)):
            game.ale.act(action)
            frames.append(game.ale.getScreenGrayscale()[:, :, 0])
        both = np.maximum(frames[-2], frames[-1])
        assert np.array_equal(screen, np.asarray(Image.fromarray(both).resize((84, 84), Image.BOX)))
        in_both, in_last = ((frame == 142).any(axis=0) for frame in (both, frames[-1]))  # shots and bombs alone are 142
        flying += in_both.sum()  # columns: all that flies goes up or down
        missing += (in_both & ~in_last).sum()
        if done:
            game.reset()
    assert flying > 200 and 0.4 < missing / flying < 0.6


def test_a_game_without_frame_skip_shows_two_frames_as_well():
    env, game = make_small_screen_game("SpaceInvadersNoFrameskip-v4", seed=3), gym.make("SpaceInvadersNoFrameskip-v4")
    game.seed(3)
    before = None
    for (screen, *one), (_, *other) in zip(random_steps(env, 200), random_steps(game, 200)):
        assert one == other
        frame = game.unwrapped.ale.getScreenGrayscale()[:, :, 0]
        if before is not None:
            both = Image.fromarray(np.maximum(before, frame))
            assert np.array_equal(screen, np.asarray(both.resize((84, 84), Image.BOX)))
        before = frame


def test_small_screens_follow_from_the_emulators_state_alone():
    env, other = make_small_screen_game(seed=5), make_small_screen_game(seed=6)
    other.reset()
    assert len(list(random_steps(env, 300))) == 300
    state = env.unwrapped.clone_full_state()
    for each in (env, other):
        each.unwrapped.ale.reset_game()  # the state lacks the last action, which a sticky step repeats
        each.unwrapped.restore_full_state(state)
    other.unwrapped.np_random.set_state(env.unwrapped.np_random.get_state())
    for action in [1, 2, 3, 4, 5] * 4:
        one, two = env.step(action), other.step(action)
        assert np.array_equal(one[0], two[0]) and one[1:] == two[1:]


def test_a_recording_of_a_small_screen_game_is_large_and_in_colour():
    env = make_small_screen_game(seed=1)
    recording = record_game(env, random_player(env), seed=1, max_steps=5)
    assert recording.frame(5).shape == (210, 160, 3)


def test_a_game_that_is_no_atari_game_has_no_small_screen():
    with pytest.raises(ValueError, match="'CartPole-v0' is no Atari game; expected .*SpaceInvaders-v0"):
        make_small_screen_game("CartPole-v0")
