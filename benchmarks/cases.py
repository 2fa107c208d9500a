"""What is measured, and the bars: only data, so that Python 3.7 and the peers' newer Python both read it."""
from typing import List, NamedTuple, Optional, Tuple

NB_ENVS = 8
"""Emulators that step side by side."""

BATCH = 32
"""Transitions in an update. Source: keras-rl2's default, Mnih et al. 2015."""

REPLAY = 1_000
"""Steps that the replay memory holds, as in the post; keras-rl2's gets slower with a larger one, the others do not."""

EPSILON = 0.1
"""Share of random actions, with which both of the post's trainings end."""

LEARNING_RATE, ADAM_EPSILON, GAMMA, TARGET_UPDATE = 0.00025, 1e-7, 0.99, 10_000
"""The post's learning rate; Keras's and keras-rl2's defaults for the others."""

WINDOW = {"ram": 3, "pixels": 3, "small": 4}
"""Observations in a state: the post's, and Mnih et al. 2015 for the small screen."""

TITLES = {
    "ram": "RAM, the post's network (384 bytes, 512, 128, dueling)",
    "pixels": "The post's pixels (three screens of 210x160x3, 34.8 million weights)",
    "small": "84x84 (four grey screens, the network of Mnih et al. 2015, dueling)",
    "peers-ram": "RAM, beside PyTorch and Stable-Baselines3",
    "peers-small": "84x84, beside Stable-Baselines3",
}
"""Groups of measurements, each with its own section in the results; results of one group come from one run."""


class Case(NamedTuple):
    """One measurement, made in a process of its own.

    kind: stock (keras-rl2), fast (ours), sb3 or torch. game: ram, pixels or small.
    train_interval: environment steps for each update. nb_envs: more than 1 is `fit_parallel`, or SB3's DummyVecEnv.
    threads: within one operation; None leaves the library's default.
    fill, warm, timed: steps before the first update, steps with updates that are not timed, steps that are.
    """
    name: str
    label: str
    kind: str
    game: str
    train_interval: int
    nb_envs: int
    threads: Optional[int]
    fill: int
    warm: int
    timed: int

    def at_length(self, length: str) -> "Case":
        """The case itself for "full"; for "smoke" a few steps, which prove nothing but that it runs."""
        if length == "full":
            return self
        if length != "smoke":
            raise ValueError(f"length is {length!r}, expected 'full' or 'smoke': pass LENGTH=smoke or leave it out.")
        few = 2 if self.game == "pixels" else 16
        return self._replace(fill=64, warm=few, timed=2 * few)


class Bar(NamedTuple):
    """A ratio that is to be reached: the speed of `of`, divided by the best of `against`'s, measured in one run."""
    text: str
    of: str
    against: Tuple[str, ...]
    needed: float


_TF_DEFAULT, _TF_ONE = "TensorFlow's default threads", "`set_threads(1)`"

_OURS = {case.name: case for case in [
    Case("ram-stock", f"keras-rl2, {_TF_DEFAULT}", "stock", "ram", 1, 1, None, 1_000, 300, 1_000),
    Case("ram-stock-1", f"keras-rl2, {_TF_ONE}", "stock", "ram", 1, 1, 1, 1_000, 300, 1_000),
    Case("ram-fast", f"`FastDQNAgent.fit`, {_TF_ONE}", "fast", "ram", 1, 1, 1, 1_000, 500, 3_000),
    Case("ram-parallel", f"`fit_parallel`, {NB_ENVS} emulators, {_TF_ONE}", "fast", "ram", 4, NB_ENVS, 1, 1_000, 2_000,
         12_000),
    Case("pixels-stock", f"keras-rl2, {_TF_DEFAULT}", "stock", "pixels", 1, 1, None, 100, 3, 16),
    Case("pixels-fast", f"`FastDQNAgent.fit`, {_TF_DEFAULT}", "fast", "pixels", 1, 1, None, 100, 3, 16),
    Case("small-stock", f"keras-rl2, {_TF_DEFAULT}", "stock", "small", 4, 1, None, 1_000, 100, 600),
    Case("small-stock-every", f"keras-rl2, {_TF_DEFAULT}", "stock", "small", 1, 1, None, 1_000, 50, 200),
    Case("small-fast", f"`FastDQNAgent.fit`, {_TF_DEFAULT}", "fast", "small", 4, 1, None, 1_000, 100, 800),
    Case("small-parallel", f"`fit_parallel`, {NB_ENVS} emulators, {_TF_DEFAULT}", "fast", "small", 4, NB_ENVS, None,
         1_000, 160, 1_200),
]}


def _peer(kind: str, game: str, train_interval: int, nb_envs: int, threads: Optional[int]) -> Case:
    words = {"sb3": "Stable-Baselines3", "torch": "minimal PyTorch loop"}[kind]
    label = f"{words}, {f'{nb_envs} emulators, ' if nb_envs > 1 else ''}" + (
        "one thread" if threads else "PyTorch's default threads")
    name = f"{kind}-{game}-{train_interval}{f'-x{nb_envs}' if nb_envs > 1 else ''}{'-1' if threads else ''}"
    warm_updates, timed_updates = (100, 400) if game == "ram" else (10, 60)
    return Case(name, label, kind, game, train_interval, nb_envs, threads, 1_000, warm_updates * train_interval,
                timed_updates * train_interval)


def _both_thread_counts(kind: str, game: str, train_interval: int, nb_envs: int = 1) -> List[Case]:
    return [_peer(kind, game, train_interval, nb_envs, threads) for threads in (None, 1)]


_PEERS = {case.name: case for case in [
    *_both_thread_counts("sb3", "ram", 1), *_both_thread_counts("torch", "ram", 1),
    *_both_thread_counts("sb3", "ram", 4), *_both_thread_counts("torch", "ram", 4),
    *_both_thread_counts("sb3", "ram", 4, NB_ENVS),
    *_both_thread_counts("sb3", "small", 4), *_both_thread_counts("sb3", "small", 4, NB_ENVS),
]}

CASES = {**_OURS, **_PEERS}
"""Every case by its name."""


def _names(kind: str, game: str, train_interval: int) -> Tuple[str, ...]:
    return tuple(name for name, case in _PEERS.items()
                 if (case.kind, case.game, case.train_interval) == (kind, game, train_interval))


GROUPS = {
    **{group: [name for name, case in _OURS.items() if case.game == group] for group in ("ram", "pixels", "small")},
    "peers-ram": ["ram-fast", "ram-parallel", *[name for name, case in _PEERS.items() if case.game == "ram"]],
    "peers-small": ["small-fast", "small-parallel", *[name for name, case in _PEERS.items() if case.game == "small"]],
}
"""The cases of each group. The first one of ours is what the others are compared with."""

BARS = {
    "ram": [
        Bar("`fit` against keras-rl2 as the reader has it, one update per step", "ram-fast", ("ram-stock",), 6),
        Bar("`fit` against keras-rl2 with the same threads, one update per step", "ram-fast", ("ram-stock-1",), 6),
        Bar("`fit_parallel`, one update per 4 steps, against keras-rl2's one per step", "ram-parallel",
            ("ram-stock",), 20),
    ],
    "pixels": [Bar("`fit` against keras-rl2, one update per step", "pixels-fast", ("pixels-stock",), 1.5)],
    "small": [
        Bar("`fit` against keras-rl2, both one update per 4 steps", "small-fast", ("small-stock",), 2),
        Bar("`fit_parallel` against keras-rl2, both one update per 4 steps", "small-parallel", ("small-stock",), 2),
    ],
    "peers-ram": [
        Bar("`fit` against the best peer, one update per step", "ram-fast",
            _names("sb3", "ram", 1) + _names("torch", "ram", 1), 1.5),
        Bar("`fit_parallel` against the best of Stable-Baselines3, both one update per 4 steps", "ram-parallel",
            _names("sb3", "ram", 4), 2.5),
    ],
    "peers-small": [
        Bar("`fit` against the best of Stable-Baselines3, both one update per 4 steps", "small-fast",
            _names("sb3", "small", 4), 1.5),
        Bar("`fit_parallel` against the best of Stable-Baselines3, both one update per 4 steps", "small-parallel",
            _names("sb3", "small", 4), 1.5),
    ],
}
"""The bars of each group. Source: the goals that this project set itself for notebook 07."""

LONGEST_HOURS = {"ram-parallel": 1.0}
"""Hours within which 10 million steps are to be made."""

MOST_BESIDE = 0.15
"""Share of a step that acting, logging and callbacks may take together."""
