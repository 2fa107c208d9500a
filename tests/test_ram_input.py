"""What the network is shown of the RAM: bits, bytes, and places as seen from the cannon."""
import numpy as np
import pytest

from helpers.games import RAM, make_game
from helpers.ram_input import ACROSS, BITS, CANNON, CANNON_DOWN, DOWN, FAR, STEP, nb_rows, show

LEFT, RIGHT, FIRE = 3, 2, 1


def test_bits_of_the_newest_observation_come_before_the_bytes():
    state = np.array([[[1, 2], [0b10000001, 255]]], np.uint8)  # two observations of two bytes
    for batch in (state, list(state), state.astype(np.float64)):  # as the memory, keras-rl2 and a padded batch give it
        shown = show(batch, 0.5, bits=True)
        assert shown.dtype == np.float32
        assert shown[0].T.tolist() == [[1, 0, 0, 0, 0, 0, 0, 1, 0.5, 64.5], [1, 1, 1, 1, 1, 1, 1, 1, 1, 127.5]]
    assert (show(state, None) == state).all()


def test_places_are_seen_from_the_cannon_and_what_is_near_is_seen_clearly():
    state = np.zeros((1, 2, 128), np.uint8)
    state[0, 0] = 77  # an observation before
    state[0, 1, CANNON], state[0, 1, 83], state[0, 1, 84], state[0, 1, 81] = 60, 66, 57, CANNON_DOWN - 8
    for bits in (False, True):
        shown = show(state, 1 / 255, bits=bits, positions=True)
        assert shown.shape == (1, nb_rows(2, bits, True), 128) == (1, 3 + BITS * bits, 128)
        row = shown[0, BITS * bits]
        assert (row[83], row[84], row[81]) == (6 / STEP, -3 / STEP, -8 / STEP)
        assert row[26] == row[87] == -FAR  # at 0, far to the left
        others = set(range(128)) - {*ACROSS, *DOWN}
        assert (row[sorted(others)] == 0).all()
        assert shown[0, -2:] == pytest.approx(state[0] / 255)


@pytest.fixture(scope="module")
def played():
    """RAM, action and lives of 6,000 random steps."""
    env, steps = make_game(RAM, seed=5), []
    for _ in range(6_000):
        if not steps or steps[-1][3]:
            ram = env.reset()
        action = env.action_space.sample()
        ram, _, done, info = env.step(action)
        steps.append((ram.astype(int), action, info["ale.lives"], done))
    return steps


def test_the_emulator_agrees_where_the_cannon_and_its_shot_are(played):
    moves = {action: [after[0][CANNON] - before[0][CANNON] for before, after in zip(played, played[1:])
                      if after[1] == action] for action in (LEFT, RIGHT)}
    assert np.mean(moves[LEFT]) < -0.5 and np.mean(moves[RIGHT]) > 0.5
    starts = [after[0][87] - after[0][CANNON] for before, after in zip(played, played[1:])
              if after[0][85] > before[0][85] and after[0][85] < 200]
    assert len(starts) > 20 and np.percentile(starts, 10) >= 0 and np.percentile(starts, 90) <= 8


def test_the_emulator_agrees_which_bombs_hit(played):
    """Of the bombs just above the cannon, those over it kill, and no others; a life is counted some 41 steps later."""
    lives = np.array([step[2] for step in played])
    over, beside = [], []
    for step in range(len(played) - 60):
        ram = played[step][0]
        dies = (lives[step + 1:step + 60] < lives[step]).any()
        for x, y in ((83, 81), (84, 82)):
            if CANNON_DOWN - 4 <= ram[y] < CANNON_DOWN + 2:
                right = ram[x] - ram[CANNON]
                (over if 1 <= right <= 7 else beside if abs(right - 4) > 12 else []).append(dies)
    assert len(over) > 30 and len(beside) > 100
    assert np.mean(over) > 0.5 > 2 * np.mean(beside)
