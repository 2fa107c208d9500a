"""What the network is shown of the RAM: bits, bytes, and places as seen from the cannon."""
import numpy as np
import pytest

from helpers.game.environment import RAM, make_game
from helpers.game.ram import (
    ACROSS,
    AROUND_CANNON,
    AROUND_SHOT,
    BITS,
    BOMB_HEIGHTS,
    BOMB_PLACES,
    CANNON,
    CANNON_DOWN,
    COLUMN,
    DOWN,
    FAR,
    INVADERS,
    NO_SAUCER,
    ROWS,
    SAUCER,
    SHOT,
    SHOT_DOWN,
    STEP,
    VIEWS,
    nb_rows,
    show,
)

LEFT, RIGHT, FIRE = 3, 2, 1


def test_bits_of_the_newest_observation_come_before_the_bytes():
    state = np.array([[[1, 2], [0b10000001, 255]]], np.uint8)  # two observations of two bytes
    for batch in (state, list(state), state.astype(np.float64)):  # as the memory, keras-rl2 and a padded batch give it
        shown = show(batch, 0.5, ["bits"])
        assert shown.dtype == np.float32
        assert shown[0].T.tolist() == [[1, 0, 0, 0, 0, 0, 0, 1, 0.5, 64.5], [1, 1, 1, 1, 1, 1, 1, 1, 1, 127.5]]
    assert (show(state, None) == state).all()


def test_places_are_seen_from_the_cannon_and_what_is_near_is_seen_clearly():
    state = np.zeros((1, 2, 128), np.uint8)
    state[0, 0] = 77  # an observation before
    state[0, 1, CANNON], state[0, 1, 83], state[0, 1, 84], state[0, 1, 81] = 60, 66, 57, CANNON_DOWN - 8
    for bits in (False, True):
        views = ["positions", "bits"][:1 + bits]  # the table's order holds
        shown = show(state, 1 / 255, views)
        assert shown.shape == (1, nb_rows(2, views), 128) == (1, 3 + BITS * bits, 128)
        row = shown[0, BITS * bits]
        assert (row[83], row[84], row[81]) == (6 / STEP, -3 / STEP, -8 / STEP)
        assert row[26] == row[87] == -FAR  # at 0, far to the left
        others = set(range(128)) - {*ACROSS, *DOWN}
        assert (row[sorted(others)] == 0).all()
        assert shown[0, -2:] == pytest.approx(state[0] / 255)


def shown_invaders(ram):
    """Around the cannon [6, 21], and around the shot [7, 17]."""
    shown = show(ram[None, None], 1 / 255, list(VIEWS)[:3])
    assert shown.shape == (1, nb_rows(1, list(VIEWS)[:3]), 128) == (1, BITS + 4, 128)
    assert shown[0, -1] == pytest.approx(ram / 255)
    cannon, shot = shown[0, BITS + 1], shown[0, BITS + 2]
    assert (cannon[126:] == 0).all() and (shot[119:] == 0).all()
    return cannon[:126].reshape(6, 21), shot[:119].reshape(7, 17)


def test_invaders_are_seen_from_the_cannon_and_from_its_shot():
    ram = np.zeros(128, np.uint8)
    ram[[CANNON, INVADERS, SHOT, SHOT_DOWN, SAUCER]] = 70, 41, 62, 50, 65
    ram[ROWS] = 0, 0b000001, 0, 0, 0b000111, 0
    cannon, shot = shown_invaders(ram)
    places = list(AROUND_CANNON)
    # columns stand at 41, 57 and 73: 29 and 13 pixels left of the cannon, and 3 right of it
    expected = np.zeros((6, 21))
    for row, columns in ((1, [-29]), (4, [-29, -13, 3])):
        for column in columns:
            left = column // 4 * 4
            expected[row, places.index(left)] = 1 - (column - left) / 4
            expected[row, places.index(left + 4)] = (column - left) / 4
    assert (cannon == expected).all()
    places = list(AROUND_SHOT)
    expected = np.zeros((7, 17))  # the shot is at 62: 41 is too far left; 57 is 5 left of it, 73 is 11 right
    for row, column in ((4, -5), (4, 11), (6, 3)):
        expected[row, places.index(column - 1)] = expected[row, places.index(column + 1)] = 0.5
    assert (shot == expected).all()

    ram[SAUCER] = NO_SAUCER
    assert (shown_invaders(ram)[1][6] == 0).all()
    ram[SHOT_DOWN] = 246  # no shot
    assert (shown_invaders(ram)[1] == 0).all() and (shown_invaders(ram)[0] == cannon).all()


def test_bombs_are_seen_from_the_cannon():
    ram = np.full(128, 246, np.uint8)  # no bombs
    ram[CANNON] = 60
    for views in (["bombs"], list(VIEWS)):
        shown = show(ram[None, None], None, views)[0]
        assert shown.shape == (nb_rows(1, views), 128) and (shown[-2] == 0).all()
    ram[[83, 81]] = 65, 90 - 4  # 5 pixels right of the cannon, half-way between two heights
    ram[[84, 82]] = 40, 42  # at the very edge of what is shown
    expected = np.zeros((9, 13))
    for height in (82, 90):
        for place, share in ((4, 0.75), (8, 0.25)):
            expected[list(BOMB_HEIGHTS).index(height), list(BOMB_PLACES).index(place)] = share / 2
    expected[0, 0] = 1
    shown = show(ram[None, None], None, ["bombs"])[0, 0]
    assert (shown[:117].reshape(9, 13) == expected).all() and (shown[117:] == 0).all()


def test_a_view_that_there_is_not_is_named():
    for shown in (["places"], "bits", None, 3, [["bits"]]):
        with pytest.raises(ValueError, match="^shown is .*; expected a list of some of bits, positions"):
            nb_rows(1, shown)


def test_a_view_that_is_switched_on_by_its_name_is_answered_with_the_list():
    with pytest.raises(TypeError, match=r'^Received bits, positions; expected .* Write shown=\["positions"\]\.$'):
        nb_rows(3, bits=False, positions=True)


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


def aim_at(column, ram):
    """The action that brings the cannon below this column and fires there."""
    distance = ram[INVADERS] + COLUMN * column + 1 - ram[CANNON]
    return FIRE if abs(distance) < 3 else RIGHT if distance > 0 else LEFT


def test_the_emulator_agrees_which_invader_is_hit():
    """The one who vanishes stood at the shot, where its column is said to stand; each column is aimed at in turn."""
    env = make_game(RAM, seed=6)
    ram = env.reset().astype(int)
    right_of_shot = {column: [] for column in range(6)}
    for step in range(4_000):
        before = ram
        ram, _, done, _ = env.step(aim_at(step // 80 % 6, ram))
        ram = ram.astype(int)
        gone = [bits for bits in before[ROWS] & ~ram[ROWS] if bits]
        if len(gone) == 1 and before[SHOT_DOWN] < CANNON_DOWN and abs(ram[INVADERS] - before[INVADERS]) < COLUMN / 2:
            column = int(np.log2(gone[0]))
            right_of_shot[column].append(before[INVADERS] + COLUMN * column - before[SHOT])
        if done:
            ram = env.reset().astype(int)
    assert sum(len(distances) for distances in right_of_shot.values()) > 60
    for distances in right_of_shot.values():
        assert len(distances) > 1
        assert all(-10 <= distance <= 2 for distance in distances)


def test_the_emulator_agrees_that_the_leftmost_column_is_bit_0():
    """Shoot the leftmost column empty: the rows' bits move one to the right, and the column's byte with them."""
    env = make_game(RAM, seed=6)
    ram = env.reset().astype(int)
    for _ in range(5_000):
        before = ram
        ram, _, done, _ = env.step(aim_at(0, ram))
        ram = ram.astype(int)
        assert np.bitwise_or.reduce(ram[ROWS]) & 1 or not ram[ROWS].any()
        if ram[INVADERS] - before[INVADERS] > COLUMN / 2:
            break
        if done:
            ram = env.reset().astype(int)
    else:
        pytest.fail("no column was shot empty")
    assert ram[INVADERS] - before[INVADERS] == pytest.approx(COLUMN, abs=3)
    assert (before[ROWS] & 1).sum() <= 1 and (ram[ROWS] == before[ROWS] >> 1).all()
