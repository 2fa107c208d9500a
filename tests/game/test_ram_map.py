"""The map of the RAM, against 5,000 frames of two players, on the emulator itself; and what a changed byte does."""
import numpy as np
import pytest

from helpers.game.environment import PIXELS, RAM, make_game
from helpers.game.poke import poke, ram_in
from helpers.game.ram_checks import BROWN, YELLOW, first
from helpers.game.ram_map import RAM_MAP, precision
from helpers.measuring.shipped import check_weights, shipped_recipe
from helpers.watching.dense_player import DensePlayer

FRAMES = 5_000
EVERY_FRAME = "SpaceInvadersNoFrameskip-v4"
EPSILON = 0.05


def record(choose, seed):
    """Memory [N, 128] and the red of the screens [N, 210, 160]; an action is held for three frames."""
    env, random, done = make_game(EVERY_FRAME, seed), np.random.RandomState(seed), True
    ram, red = np.empty((FRAMES, 128), np.uint8), np.empty((FRAMES, 210, 160), np.uint8)
    for frame in range(FRAMES):
        if done:
            env.reset()
        if frame % 3 == 0:
            action = choose(env.unwrapped.ale.getRAM(), random)
        screen, _, done, _ = env.step(action)
        ram[frame], red[frame] = env.unwrapped.ale.getRAM(), screen[..., 0]
    return ram, red


def at_random(ram, random):
    return random.randint(6)


def trained():
    player = DensePlayer(shipped_recipe("ram_best"), check_weights("ram_best"))

    def choose(ram, random):
        if random.rand() < EPSILON:
            return random.randint(6)
        return int(player.compute_batch_q_values([ram[None]])[0].argmax())

    return choose


@pytest.fixture(scope="module", params=["random", "ram_best"])
def measured(request):
    choose = at_random if request.param == "random" else trained()
    return precision(*record(choose, seed=7 if request.param == "random" else 8))


def test_every_label_is_right_nearly_always(measured):
    assert list(measured) == [label.name for label in RAM_MAP]
    for name, (frames, share) in measured.items():
        assert frames == 0 or share >= 0.97, f"{name}: {share:.2%} of {frames} frames"


def test_at_least_twelve_labels_are_right_in_98_frames_of_100(measured):
    good = [name for name, (frames, share) in measured.items() if frames >= 100 and share >= 0.98]
    assert len(good) >= 12, measured


def test_names_are_unique_and_every_row_is_filled_in():
    assert len({label.name for label in RAM_MAP}) == len(RAM_MAP) >= 12
    for label in RAM_MAP:
        assert all(0 <= byte < 128 for byte in label.bytes) and len(label.bytes) > 0
        assert all([label.meaning, label.read, label.screen, label.unit])


def test_a_wrong_map_is_found_out():
    """One column further to the right, and labels of what is drawn there are right no more."""
    ram, red = record(at_random, seed=7)
    shifted = precision(ram[:1_000], np.roll(red[:1_000], 3, axis=2))
    for name in ("cannon", "invaders, left end", "shields", "shot", "first bomb"):
        assert shifted[name][1] < 0.1, name


def test_what_was_not_recorded_together_is_refused():
    with pytest.raises(ValueError, match=r"^Received memory of shape \(3, 128\) and screens of shape \(2, 210, 160\)"):
        precision(np.zeros((3, 128), np.uint8), np.zeros((2, 210, 160), np.uint8))


@pytest.fixture(scope="module")
def game():
    """A game in its first wave, and its state."""
    env = make_game(EVERY_FRAME, seed=1)
    env.reset()
    for _ in range(300):
        env.step(0)
    return env, env.unwrapped.clone_full_state()


def after(game, changes):
    env, state = game
    poke(env, state, changes)
    return env.step(0)[0][..., 0], env.unwrapped.ale.getRAM().astype(int)


def test_the_memory_is_found_inside_a_state(game):
    env, state = game
    env.unwrapped.restore_full_state(state)
    assert (ram_in(state) == env.unwrapped.ale.getRAM()).all()


def test_the_screen_shows_what_was_changed_and_the_state_stays_as_it_is(game):
    _, state = game
    before, (red, ram) = state.copy(), after(game, {})
    assert (state == before).all()
    lower, _ = after(game, {16: ram[16] + 5})
    top = [first((screen[None, 31:195] == YELLOW).swapaxes(1, 2))[0] for screen in (red, lower)]
    assert top[1] - top[0] == 10
    gone, _ = after(game, {24: ram[24] & ~64})
    assert (red == BROWN).any() and not (gone == BROWN).any()
    assert after(game, {23: ram[23] & ~1})[0][31:41].sum() < red[31:41].sum()


def test_what_can_not_be_changed_is_refused_in_a_sentence(game):
    env, state = game
    for changes, message in (({128: 0}, "^byte is 128; expected 0 to 127, a whole number. Choose "),
                             ({-1: 0}, "^byte is -1; expected 0 to 127"), ({"x": 0}, "^byte is 'x'; expected 0 to 127"),
                             ({28: 256}, "^The value of byte 28 is 256; expected 0 to 255"),
                             ({28: 1.5}, "^The value of byte 28 is 1.5; expected 0 to 255, a whole number")):
        with pytest.raises(ValueError, match=message):
            poke(env, state, changes)
    breakout = make_game("Breakout-v4", seed=1)
    breakout.reset()
    with pytest.raises(ValueError, match="^The state is of a ROM with MD5 .*; expected the same. Take the state from "):
        poke(env, breakout.unwrapped.clone_full_state(), {})
    for no_state in (None, np.zeros(128, np.uint8), env.unwrapped.ale.getRAM()):
        with pytest.raises(ValueError, match="^state is (NoneType|ndarray); expected what .* returns. Take the state"):
            poke(env, no_state, {})
    with pytest.raises(ValueError, match="expected an Atari game. Make one with make_game"):
        poke(make_game("CartPole-v0"), state, {})


def test_one_state_fits_all_variants_of_the_game(game):
    _, state = game
    for env_id in (PIXELS, RAM):
        env = make_game(env_id, seed=2)
        env.reset()
        poke(env, state, {28: 80})
        env.step(0)
        assert env.unwrapped.ale.getRAM()[28] == 80
