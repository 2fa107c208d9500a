"""Measure one case of keras-rl2 or of this project in this process: `python -m benchmarks.ours ram-fast full`."""
import contextlib
import random
import sys
import time
from typing import Any, Callable, Dict, List, Tuple

import gym
import numpy as np
from rl.callbacks import Callback

from benchmarks import cases
from benchmarks.arithmetic import forward_flop, update_flop
from benchmarks.machine import last_word, peak_megabytes
from helpers import (
    PIXELS,
    RAM,
    ProgressBar,
    RunLogger,
    build_agent,
    build_pixel_model,
    build_ram_model,
    build_small_pixel_model,
    make_game,
    make_small_screen_game,
    set_threads,
    start_run,
)
from helpers.game.environment import NB_ACTIONS

SEED = 1


class Clock(Callback):
    """Note when step `first` ended, and when step `last` did; steps count from 1."""

    def __init__(self, first: int, last: int):
        super().__init__()
        self.first, self.last, self.steps = first, last, 0

    def on_step_end(self, step: int, logs: Any = None) -> None:
        self.steps += 1
        if self.steps == self.first:
            self.begin = time.perf_counter()
        elif self.steps == self.last:
            self.end = time.perf_counter()


class Watch:
    """When watched functions ran: pairs of perf_counter(), in seconds, under the name of what they do."""

    def __init__(self):
        self.periods: Dict[str, List[Tuple[float, float]]] = {}

    def watched(self, name: str, function: Callable) -> Callable:
        """`function`, noting when it runs. It costs less than a microsecond."""
        periods = self.periods.setdefault(name, [])

        def run(*args: Any, **kwargs: Any) -> Any:
            began = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                periods.append((began, time.perf_counter()))

        return run

    def seconds(self, begin: float, end: float, *names: str) -> float:
        """How long, between `begin` and `end`, at least one of the functions under these names ran."""
        covered, until = 0.0, begin
        for start, stop in sorted(period for name in names for period in self.periods.get(name, [])):
            start, stop = max(start, until), min(stop, end)
            if stop > start:
                covered += stop - start
                until = stop
        return covered


class WatchedGame(gym.Wrapper):
    """A game whose steps and resets are watched."""

    def __init__(self, env: gym.Env, watch: Watch):
        super().__init__(env)
        self.step = watch.watched("emulator", env.step)
        self.reset = watch.watched("emulator", env.reset)


def make_env(game: str) -> gym.Env:
    """A seeded game of one of the three kinds."""
    if game == "small":
        return make_small_screen_game(seed=SEED)
    return make_game({"ram": RAM, "pixels": PIXELS}[game], seed=SEED)


def make_agent(case: cases.Case) -> Any:
    """The agent of a case, on a new network."""
    window = cases.WINDOW[case.game]
    model = {
        "ram": lambda: build_ram_model(128, NB_ACTIONS, window),
        "pixels": lambda: build_pixel_model((210, 160, 3), NB_ACTIONS, window),
        "small": lambda: build_small_pixel_model(NB_ACTIONS, window),
    }[case.game]()
    # the RAM agent is the post's as printed, without scaling, which would slow keras-rl2 down; pixels need it
    scaling = {} if case.game == "ram" else {"observation_scale": 1 / 255, "reward_clip": 1.0}
    return build_agent(
        model, NB_ACTIONS, window=window, replay_limit=cases.REPLAY, warmup_steps=case.fill,
        epsilon_start=cases.EPSILON, epsilon_end=cases.EPSILON, target_update=cases.TARGET_UPDATE,
        learning_rate=cases.LEARNING_RATE, train_interval=case.train_interval, fast=case.kind == "fast", **scaling)


def measure(case: cases.Case) -> Dict[str, Any]:
    """Train as a reader would, with a log file and a progress bar, and time the steps after the warm-up."""
    if case.threads:
        set_threads(case.threads)
    random.seed(SEED)
    np.random.seed(SEED)
    import tensorflow as tf
    tf.random.set_seed(SEED)

    agent, watch = make_agent(case), Watch()
    if case.kind == "fast":
        agent.learn = watch.watched("update", agent.learn)
        agent.draw_batch = watch.watched("update", agent.draw_batch)
    before = case.fill + case.warm
    clock = Clock(before, before + case.timed)
    callbacks = [RunLogger(start_run(case.name, {})), ProgressBar(), clock]
    with contextlib.redirect_stdout(sys.stderr):  # standard output is for the result alone
        if case.nb_envs > 1:
            agent.fit_parallel(lambda: WatchedGame(make_env(case.game), watch), case.nb_envs, clock.last,
                               callbacks=callbacks, verbose=0, seed=SEED)
        else:
            agent.fit(WatchedGame(make_env(case.game), watch), nb_steps=clock.last, callbacks=callbacks, verbose=0)

    seconds = clock.end - clock.begin
    result = {
        "steps_per_second": case.timed / seconds,
        "megabytes": peak_megabytes(),
        "update_flop": update_flop(agent.model, cases.BATCH),
        "step_flop": update_flop(agent.model, cases.BATCH) / case.train_interval + forward_flop(agent.model),
    }
    if case.kind == "fast":
        for name in ("update", "emulator"):
            result[f"{name}_ms"] = 1000 * watch.seconds(clock.begin, clock.end, name) / case.timed
        busy = watch.seconds(clock.begin, clock.end, "update", "emulator")
        result["beside_ms"] = 1000 * (seconds - busy) / case.timed
        result["beside_share"] = 1 - busy / seconds
    return result


if __name__ == "__main__":
    last_word(measure(cases.CASES[sys.argv[1]].at_length(sys.argv[2])))
