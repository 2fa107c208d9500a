"""A replay memory in preallocated arrays: the same experiences as keras-rl2's, in constant time."""
from typing import Any, Dict, List, NamedTuple, Optional, Sequence

import numpy as np
from rl.memory import Experience, SequentialMemory, sample_batch_indexes

from helpers.checks import check_alike, check_count

CUT = 2
"""In the place of True, says of a step that a time limit cut the game off after it: more points would have come."""


class Batch(NamedTuple):
    """Transitions as arrays; B transitions, windows of W observations.

    state0, state1: [B, W, *observation shape], in the observation's own dtype.
    action: [B] int64. reward: [B] float64, as the processor returned it, discounted and summed over n steps.
    terminal1: [B] bool, whether the game ended within the n steps.
    padded: whether any state starts with zeros, because its game had just begun.
    weight: [B] float64, of what is expected after state1: 0 where the game ended. Else 1, or gamma^(k - n) where it was
        cut off after k < n steps: state1 is then what was seen last, only k steps ahead.
    """
    state0: np.ndarray
    action: np.ndarray
    reward: np.ndarray
    terminal1: np.ndarray
    state1: np.ndarray
    padded: bool
    weight: np.ndarray


class ArrayMemory(SequentialMemory):
    """Drop-in for `rl.memory.SequentialMemory` that stores each observation once, in its own dtype.

    From the same random state it draws the same indexes and returns the same experiences. Sampling time does not grow
    with `limit`. One million steps take 145 MB for the console's 128 bytes of RAM and 7.1 GB for 84x84 frames.
    Observations that are lists or dicts are kept as keras-rl2 keeps them.

    With `nb_envs` emulators, each has a row of `limit // nb_envs` steps of its own, and
    `append_all` adds one step to every row. There, a game that was cut off by a time limit is not taken for one that
    ended (see CUT): the last observation stands for what would have come.

    Args:
        limit: how many steps to keep, all emulators together.
        window_length: how many observations make a state.
        ignore_episode_boundaries: whether a state may reach back into the game before.
        nb_envs: how many emulators fill the memory side by side.
    """

    def __init__(self, limit: int, window_length: int, ignore_episode_boundaries: bool = False,
                 nb_envs: int = 1):
        super().__init__(limit, window_length=window_length,
                         ignore_episode_boundaries=ignore_episode_boundaries)
        self.use_envs(nb_envs)

    def use_envs(self, nb_envs: int) -> None:
        """Empty the memory and divide it among `nb_envs` emulators."""
        self.nb_envs = nb_envs = check_count("nb_envs", nb_envs, 1, self.limit,
                                             "Use fewer emulators, or a memory with a larger limit.")
        self.rows = self.limit // nb_envs * nb_envs  # step t of emulator i lies in row (t * nb_envs + i) % rows
        self.first = 0  # row of the oldest step of emulator 0
        self.size = 0  # steps held, per emulator
        self.stored = None  # arrays [rows, ...], made when the first observation is known

    @property
    def nb_entries(self) -> int:
        """How many steps the memory holds, all emulators together."""
        return self.size * self.nb_envs or super().nb_entries

    def append(self, observation: Any, action: Any, reward: float, terminal: bool, training: bool = True) -> None:
        """Store one step: in `observation`, `action` earned `reward` and ended the game or not.

        Raises:
            ValueError: the observation's shape or dtype differs from the first one's, or the
                memory belongs to several emulators.
        """
        if isinstance(observation, (list, tuple, dict)):
            super().append(observation, action, reward, terminal, training=training)
            return
        super(SequentialMemory, self).append(observation, action, reward, terminal, training=training)
        if training:
            if self.nb_envs > 1:
                raise ValueError(f"This memory is divided among {self.nb_envs} emulators and received a step of one; "
                                 "expected one of each. Call append_all, or use_envs(1), which empties it.")
            self.append_all(np.asarray(observation)[None], np.asarray(action)[None], reward, terminal)

    def set_outcome(self, reward: float, terminal: bool) -> None:
        """Fill in what the environment answered to the step that was appended last."""
        self.recent_terminals[-1] = terminal
        if self.stored is None:
            self.rewards.data[-1], self.terminals.data[-1] = reward, terminal
        else:
            newest = self._newest()
            self.stored["reward"][newest], self.stored["terminal"][newest] = reward, terminal

    def get_state(self) -> Dict[str, Any]:
        """Return all that the memory holds, for a checkpoint; arrays are not copied.

        Raises:
            ValueError: it holds observations that are lists or dicts.
        """
        if self.stored is None and self.nb_entries:
            raise ValueError("The memory holds observations that are lists or dicts; expected arrays. Only those go "
                             "into a checkpoint: leave Checkpoint out, or let a processor make arrays.")
        filled = self.rows if self.first else self.size * self.nb_envs
        return {"nb_envs": self.nb_envs, "first": self.first, "size": self.size,
                "recent_observations": self.recent_observations, "recent_terminals": self.recent_terminals,
                "stored": {name: values[:filled] for name, values in (self.stored or {}).items()}}

    def set_state(self, state: Dict[str, Any]) -> None:
        """Put back what `get_state` returned, into a memory with the same limit and window."""
        self.use_envs(state["nb_envs"])
        for name in ("first", "size", "recent_observations", "recent_terminals"):
            setattr(self, name, state[name])
        if state["stored"]:
            self.stored = {}
            for name, values in state["stored"].items():
                dtype = np.uint8 if name == "terminal" else values.dtype  # it was bool until November 2026
                self.stored[name] = np.zeros((self.rows, *values.shape[1:]), dtype)
                self.stored[name][:len(values)] = values

    def _newest(self) -> slice:
        """Return the rows of the newest step."""
        start = (self.first + (self.size - 1) * self.nb_envs) % self.rows
        return slice(start, start + self.nb_envs)

    def append_all(self, observations: np.ndarray, actions: np.ndarray, rewards: np.ndarray,
                   terminals: np.ndarray) -> None:
        """Store one step of every emulator: arrays [nb_envs, ...], as in `append`; `terminals` may hold CUT."""
        if self.stored is None:
            # zeros, not empty: a page of zeros takes no memory until something is written into it
            self.stored = {"observation": np.zeros((self.rows,) + observations.shape[1:], observations.dtype),
                           "action": np.zeros((self.rows,) + actions.shape[1:], actions.dtype),
                           "reward": np.zeros(self.rows, np.float64), "terminal": np.zeros(self.rows, np.uint8)}
        check_alike(observations[0], self.stored["observation"])
        if self.size * self.nb_envs < self.rows:
            self.size += 1
        else:
            self.first = (self.first + self.nb_envs) % self.rows
        newest = self._newest()
        for name, value in zip(self.stored, (observations, actions, rewards, terminals)):
            self.stored[name][newest] = value

    def sample(self, batch_size: int, batch_idxs: Optional[Sequence[int]] = None) -> List[Experience]:
        """Draw `batch_size` experiences, as `SequentialMemory.sample` does, from the same random state."""
        if self.stored is None:
            return super().sample(batch_size, batch_idxs)
        batch = self.sample_arrays(batch_size, batch_idxs)
        return [Experience(list(s0), a, r, list(s1), bool(t))
                for s0, a, r, t, s1 in zip(*batch[:5])]

    def sample_arrays(self, batch_size: int, batch_idxs: Optional[Sequence[int]] = None,
                      n_step: int = 1, gamma: float = 1.) -> Batch:
        """Draw `batch_size` transitions over `n_step` steps as arrays (see `Batch`).

        Raises:
            ValueError: the memory holds too few steps for one transition.
        """
        if self.size < self.window_length + n_step + 1:
            raise ValueError(f"The memory holds {self.size} steps per emulator; expected at least "
                             f"{self.window_length + n_step + 1} for states of {self.window_length} observations and "
                             f"returns over {n_step} steps. Raise nb_steps_warmup.")
        window = self.window_length
        # the rows from `window` steps before each state0's last observation to `n_step` after it
        rows = self._draw(batch_size, batch_idxs, n_step)[:, None] + np.arange(-window, n_step + 1) * self.nb_envs
        rows = (self.first + rows) % self.rows
        frames = self.stored["observation"].take(rows[:, 1:], axis=0)
        how = self.stored["terminal"].take(rows[:, :-1])
        ended = how > 0
        reward = self.stored["reward"].take(rows[:, window:-1])
        action = self.stored["action"].take(rows[:, window], axis=0)

        padded = False
        if window > 1 and not self.ignore_episode_boundaries:
            # a terminal step is followed by its game's last observation; the next game begins after that
            before = np.logical_or.accumulate(ended[:, window - 2::-1], axis=1)[:, ::-1]
            padded = bool(before.any())
            if padded:
                frames[:, :window - 1][before] = 0
        over = ended[:, window:]
        if n_step > 1:
            over = np.logical_or.accumulate(over, axis=1)
            reward[:, 1:][over[:, :-1]] = 0.  # points of the next game
            reward = reward @ gamma ** np.arange(n_step)
        state1, terminal1 = frames[:, n_step:], over[:, -1]
        weight = 1.0 - terminal1
        if how[:, window:].max() == CUT:
            state1, terminal1 = state1.copy(), terminal1.copy()  # they are parts of what stays
            first = ended[:, window:].argmax(axis=1)
            for i in np.flatnonzero(how[np.arange(len(how)), window + first] == CUT):
                steps = first[i] + 1
                state1[i], terminal1[i] = frames[i, steps:steps + window], False
                weight[i] = gamma and gamma ** (steps - n_step)
        return Batch(frames[:, :window], action, reward.reshape(-1), terminal1, state1, padded, weight)

    def _draw(self, batch_size: int, batch_idxs: Optional[Sequence[int]], n_step: int) -> np.ndarray:
        """Draw the rows [B] of the states' last observations, counted from the oldest step.

        One draw for each transition, and another whenever a draw falls on the last observation of a
        game, from which nobody acted: the order of keras-rl2, and so the same random numbers.
        """
        # of the first `window_length` steps the game's start is unknown, of the last `n_step` the outcome
        lowest, count = self.window_length * self.nb_envs, (self.size - n_step - self.window_length) * self.nb_envs
        if batch_idxs is None:
            drawn = np.array(sample_batch_indexes(0, count, batch_size)) + lowest
        else:
            drawn = np.array(batch_idxs)
            if len(drawn) != batch_size or drawn.min() < lowest or drawn.max() >= lowest + count:
                raise ValueError(f"Received {len(drawn)} indexes from {drawn.min()} to {drawn.max()}; expected "
                                 f"{batch_size} from {lowest} to {lowest + count - 1}. Choose others, or None.")

        def nobody_acted(row):
            return self.stored["terminal"][(self.first + row - self.nb_envs) % self.rows]

        for i in np.flatnonzero(nobody_acted(drawn)):
            while nobody_acted(drawn[i]):
                drawn[i] = sample_batch_indexes(0, count, 1)[0] + lowest
        return drawn
