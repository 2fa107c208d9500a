"""ArrayMemory against keras-rl2's SequentialMemory, and against plain, slow references."""
import random
import time
from functools import partial

import numpy as np
import pytest
from rl.memory import SequentialMemory

from helpers.learning.memory import CUT, ArrayMemory


def random_step(rng, shape=(4,), dtype=np.uint8, p_terminal=.15):
    observation = rng.randint(1, 250, shape).astype(dtype)
    return observation, int(rng.randint(6)), float(rng.randint(-3, 30)), bool(rng.rand() < p_terminal)


def seeded(function, seed=7):
    random.seed(seed)
    np.random.seed(seed)
    return function()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", range(60))
def test_same_experiences_as_sequential_memory(case):
    rng = np.random.RandomState(case)
    window, limit, ignore = rng.randint(1, 5), rng.randint(12, 60), bool(rng.rand() < .3)
    shape, dtype = [(4,), (2, 3), ()][rng.randint(3)], [np.uint8, np.float32, np.int64][rng.randint(3)]
    stock = SequentialMemory(limit, window_length=window, ignore_episode_boundaries=ignore)
    ours = ArrayMemory(limit, window_length=window, ignore_episode_boundaries=ignore)
    for step in range(rng.randint(20, 150)):
        observation, action, reward, terminal = random_step(rng, shape, dtype)
        training = bool(rng.rand() < .9)
        for memory in (stock, ours):
            memory.append(observation, action, reward, terminal, training=training)
        assert ours.nb_entries == stock.nb_entries
        recent, expected = ours.get_recent_state(observation), stock.get_recent_state(observation)
        assert np.array_equal(np.array(recent), np.array(expected))
        if stock.nb_entries >= window + 6 and step % 5 == 0:
            batch_size = rng.randint(1, 40)  # sometimes more than the memory holds
            expected = seeded(partial(stock.sample, batch_size))
            state_after = random.getstate(), np.random.get_state()[1].tolist()
            received = seeded(partial(ours.sample, batch_size))
            assert (random.getstate(), np.random.get_state()[1].tolist()) == state_after
            for e, r in zip(expected, received):
                assert np.array_equal(np.array(e.state0), np.array(r.state0))
                assert np.array_equal(np.array(e.state1), np.array(r.state1))
                assert (e.action, e.reward, e.terminal1) == (r.action, r.reward, r.terminal1)
                assert np.array(r.state0).dtype == dtype


def test_given_indexes_and_configuration():
    stock, ours = SequentialMemory(30, window_length=2), ArrayMemory(30, window_length=2)
    rng = np.random.RandomState(0)
    for _ in range(45):
        step = random_step(rng, p_terminal=0.)
        stock.append(*step), ours.append(*step)
    for e, r in zip(stock.sample(4, [2, 5, 9, 28]), ours.sample(4, [2, 5, 9, 28])):
        assert np.array_equal(e.state1, r.state1) and e.reward == r.reward
    assert ours.get_config() == stock.get_config()
    with pytest.raises(ValueError, match="expected 2 from 2 to 28"):
        ours.sample(2, [1, 5])


@pytest.mark.parametrize("nb_envs, n_step, window", [(1, 1, 3), (1, 3, 2), (4, 1, 3), (4, 3, 3), (3, 5, 1)])
def test_rings_and_n_steps_against_a_slow_reference(nb_envs, n_step, window):
    rng, gamma = np.random.RandomState(nb_envs + n_step), .9
    memory = ArrayMemory(nb_envs * 40, window_length=window, nb_envs=nb_envs)
    rows = [[] for _ in range(nb_envs)]  # all steps of each emulator, as a reader would note them down
    for _t in range(100):
        steps = [random_step(rng, p_terminal=.2) for _ in range(nb_envs)]
        # the step after a terminal one is never terminal: there the emulator is reset
        steps = [(o, a, r, d and not (row and row[-1][3])) for (o, a, r, d), row in zip(steps, rows)]
        for row, step in zip(rows, steps):
            row.append(step)
        memory.append_all(*(np.array(x) for x in zip(*steps)))
    rows = [row[-40:] for row in rows]
    assert memory.nb_entries == nb_envs * 40

    seen = set()
    for _ in range(40):
        batch = memory.sample_arrays(32, n_step=n_step, gamma=gamma)
        for state0, action, reward, terminal1, state1 in zip(*batch[:5]):
            found = [(i, p) for i, row in enumerate(rows) for p, step in enumerate(row)
                     if np.array_equal(step[0], state0[-1])]
            assert len(found) == 1, "random observations are all different"
            (i, p), = found
            row = rows[i]
            seen.add((i, p))
            assert not row[p - 1][3], "nobody acted on the last observation of a game"
            assert np.array_equal(state0, slow_state(row, p, window))
            assert action == row[p][1]
            expected, over = 0., False
            for k in range(n_step):
                if not over:
                    expected += gamma ** k * row[p + k][2]
                    over = row[p + k][3]
            assert reward == pytest.approx(expected, abs=1e-9)
            assert terminal1 == over
            if not over:
                assert np.array_equal(state1, slow_state(row, p + n_step, window))
    possible = {(i, p) for i, row in enumerate(rows) for p in range(window, 40 - n_step) if not row[p - 1][3]}
    assert seen == possible, "every transition with a known outcome can be drawn, and no other"


@pytest.mark.parametrize("n_step, window", [(1, 3), (3, 2), (5, 1), (2, 4)])
def test_games_that_a_time_limit_cut_off_against_a_slow_reference(n_step, window):
    rng, gamma, nb_envs = np.random.RandomState(n_step), .9, 2
    memory = ArrayMemory(nb_envs * 60, window_length=window, nb_envs=nb_envs)
    rows = [[] for _ in range(nb_envs)]
    for _t in range(100):
        steps = [random_step(rng, p_terminal=.3) for _ in range(nb_envs)]
        steps = [(o, a, r, 0 if row and row[-1][3] else d * rng.randint(1, 3))
                 for (o, a, r, d), row in zip(steps, rows)]
        for row, step in zip(rows, steps):
            row.append(step)
        memory.append_all(*(np.array(x) for x in zip(*steps)))
    copy = ArrayMemory(nb_envs * 60, window_length=window)
    copy.set_state(memory.get_state())
    rows, kinds = [row[-60:] for row in rows], set()
    for _ in range(20):
        batch = copy.sample_arrays(32, n_step=n_step, gamma=gamma)
        for state0, _, reward, terminal1, state1, weight in zip(*batch[:5], batch.weight):
            row, p = next((row, p) for row in rows for p, step in enumerate(row)
                          if np.array_equal(step[0], state0[-1]))
            ends = [k for k in range(n_step) if row[p + k][3]]
            made = ends[0] + 1 if ends else n_step
            how = row[p + made - 1][3] if ends else 0
            kinds.add(how)
            assert reward == pytest.approx(sum(gamma ** k * row[p + k][2] for k in range(made)))
            assert terminal1 == (how == 1)
            assert gamma ** n_step * weight == pytest.approx(0 if how == 1 else gamma ** made)
            if how != 1:
                assert np.array_equal(state1, slow_state(row, p + made, window))
    assert kinds == {0, 1, CUT}


def slow_state(row, p, window):
    """The state that ends with observation p: older observations of its game, zeros before its start."""
    state = [row[p][0]]
    while len(state) < window:
        earlier = p - len(state)
        started = any(row[k][3] for k in range(earlier - 1, p - 1))  # a game ended between the two
        state.insert(0, np.zeros_like(state[0]) if started else row[earlier][0])
    return np.array(state)


def test_outcome_may_follow_later():
    early, late = ArrayMemory(20, window_length=2), ArrayMemory(20, window_length=2)
    rng = np.random.RandomState(3)
    for _ in range(30):
        observation, action, reward, terminal = random_step(rng)
        early.append(observation, action, reward, terminal)
        late.append(observation, action, 0., False)
        late.set_outcome(reward, terminal)
    for name in early.stored:
        assert np.array_equal(early.stored[name], late.stored[name])
    assert early.recent_terminals == late.recent_terminals


def test_a_million_steps_fit():
    ram, frames = ArrayMemory(10 ** 6, window_length=3), ArrayMemory(10 ** 6, window_length=4)
    ram.append(np.zeros(128, np.uint8), 0, 0., False)
    frames.append(np.zeros((84, 84), np.uint8), 0, 0., False)
    assert sum(x.nbytes for x in ram.stored.values()) <= 200e6
    assert sum(x.nbytes for x in frames.stored.values()) <= 7.5e9


@pytest.mark.alone
def test_sampling_time_does_not_grow_with_limit():
    def seconds(limit):
        memory = ArrayMemory(limit, window_length=3)
        for _step in range(limit):
            memory.append(np.zeros(1, np.uint8), 0, 0., False)
        times = []
        for _ in range(200):
            start = time.perf_counter()
            memory.sample_arrays(32)
            times.append(time.perf_counter() - start)
        return min(times)
    assert seconds(100000) < 3 * seconds(1000)


def test_lists_and_dicts_are_kept_as_keras_rl2_keeps_them():
    for observation in ([np.ones(2), np.ones(3)], {"a": np.ones(2)}):
        memory = ArrayMemory(10, window_length=1)
        for _ in range(5):
            memory.append(observation, 0, 1., False)
        memory.set_outcome(2., True)
        assert memory.nb_entries == 5 and memory.stored is None and memory.rewards[4] == 2.
        assert memory.sample(2)[0].state0 == [observation]


def test_bad_input():
    memory = ArrayMemory(10, window_length=2)
    memory.append(np.zeros(4, np.uint8), 0, 0., False)
    with pytest.raises(ValueError, match=r"shape \(5,\) and dtype uint8; expected \(4,\) and uint8"):
        memory.append(np.zeros(5, np.uint8), 0, 0., False)
    with pytest.raises(ValueError, match="dtype float32"):
        memory.append(np.zeros(4, np.float32), 0, 0., False)
    with pytest.raises(ValueError, match="Raise nb_steps_warmup"):
        memory.sample(2)
    with pytest.raises(ValueError, match="nb_envs is 0"):
        ArrayMemory(10, window_length=2, nb_envs=0)
    with pytest.raises(ValueError, match="nb_envs is 11"):
        ArrayMemory(10, window_length=2, nb_envs=11)
    with pytest.raises(ValueError, match="divided among 2 emulators"):
        ArrayMemory(10, window_length=2, nb_envs=2).append(np.zeros(4), 0, 0., False)
