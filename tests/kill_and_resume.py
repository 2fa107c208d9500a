"""Kill trainings of the real game at random moments, resume them, and compare with trainings that nobody killed.

    python tests/kill_and_resume.py fit:10 fit_parallel:10

kills a training by `fit` ten times in a row, and one by `fit_parallel`. The killed processes are forks of this one, so
that TensorFlow is imported once; they are killed with SIGKILL, wherever they are: in a step, an update, a write.
"""
import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import tensorflow as tf
from rl.callbacks import Callback
from rl.policy import EpsGreedyQPolicy, LinearAnnealedPolicy
from tensorflow.keras.layers import Dense, Flatten
from tensorflow.keras.models import Sequential
from tensorflow.keras.optimizers import Adam

from helpers.agents.inputs import ScaleAndClip
from helpers.checkpoints.checkpoint import Checkpoint, find_checkpoints
from helpers.checkpoints.state_file import read_state
from helpers.game.environment import NB_ACTIONS, RAM, make_game
from helpers.learning.dqn import FastDQNAgent
from helpers.learning.memory import ArrayMemory
from helpers.runs.callbacks import RunLogger
from helpers.runs.folder import Run, start_run

NB_STEPS = {"fit": 900, "fit_parallel": 2_400}
EVERY = {"fit": 40, "fit_parallel": 120}
NB_ENVS = 4


def make_agent() -> FastDQNAgent:
    """A RAM agent with a small network, and a memory so small that it is full early and overwrites itself."""
    model = Sequential([Flatten(input_shape=(3, 128)), Dense(64, activation="relu"), Dense(NB_ACTIONS)])
    agent = FastDQNAgent(
        model=model, nb_actions=NB_ACTIONS, memory=ArrayMemory(700, window_length=3),
        policy=LinearAnnealedPolicy(EpsGreedyQPolicy(), "eps", 1.0, 0.1, 0.05, 2_000), nb_steps_warmup=100,
        train_interval=2, target_model_update=100, n_step=2, enable_double_dqn=True, processor=ScaleAndClip())
    agent.compile(Adam(lr=1e-4))
    return agent


class Report(Callback):
    """Tells the process that will kill this one how far it is."""

    def __init__(self, pipe: int):
        super().__init__()
        self.pipe = pipe

    def on_round_end(self, number: int) -> None:
        os.write(self.pipe, b".")


def train(kind: str, folder: Path, pipe: int) -> None:
    """What a reader's cell does: seed, make everything, and train, or go on if there is a checkpoint."""
    random.seed(1)
    np.random.seed(1)
    tf.random.set_seed(1)
    resume = folder if find_checkpoints(folder) else None
    if resume is None:  # killed before the first checkpoint
        shutil.rmtree(str(folder), ignore_errors=True)
        start_run("run", {}, folder.parent)
    callbacks = [RunLogger(Run(folder)), Report(pipe), Checkpoint(folder, EVERY[kind])]
    options = {"nb_steps": NB_STEPS[kind], "callbacks": callbacks, "verbose": 0, "resume": resume}
    if kind == "fit":
        make_agent().fit(make_game(RAM, seed=1), **options)
    else:
        make_agent().fit_parallel(lambda: make_game(RAM), NB_ENVS, seed=1, learning_rate=lambda step: 1e-4 / (1 + step),
                                  **options)


def train_in_fork(kind: str, folder: Path, nb_rounds: float) -> bool:
    """Train in another process, which is killed a moment after `nb_rounds` rounds; whether it came to its end."""
    readable, writable = os.pipe()
    process = os.fork()
    if not process:
        status = 1
        try:
            os.close(readable)
            with (folder.parent / "output.txt").open("a") as output:
                os.dup2(output.fileno(), 1)
            train(kind, folder, writable)
            status = 0
        finally:
            os._exit(status)
    os.close(writable)
    rounds = 0
    while rounds < nb_rounds:
        told = len(os.read(readable, 1))
        if not told:  # it ended
            break
        rounds += told
    else:
        time.sleep(random.random() * 0.01)
        os.kill(process, signal.SIGKILL)
    os.close(readable)
    status = os.waitpid(process, 0)[1]
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        sys.exit(f"The training failed; see {folder.parent / 'output.txt'} and above.")
    return os.WIFEXITED(status)


def outcome(folder: Path) -> dict:
    """All that a finished training left, but for how long it took."""
    state = read_state(find_checkpoints(folder)[-1])[1]
    for name, values in state["callbacks"]:
        if name == "RunLogger":
            del values["seconds"], values["bytes"]
    return {**state, "log": Run(folder).episodes.drop(columns="seconds").to_csv()}


def first_difference(a: object, b: object, where: str = "") -> str:
    """Where two trees differ; an empty text if they are equal to the bit."""
    if type(a) is not type(b):
        return f"{where}: {type(a).__name__}, {type(b).__name__}"
    if isinstance(a, dict):
        if list(a) != list(b):
            return f"{where}: {list(a)}, {list(b)}"
        return next(filter(None, (first_difference(a[key], b[key], f"{where}/{key}") for key in a)), "")
    if isinstance(a, (np.ndarray, np.generic)):
        return "" if a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes() else f"{where}: {a}, {b}"
    if hasattr(a, "__len__") and not isinstance(a, (str, bytes)):
        if len(a) != len(b):
            return f"{where}: {len(a)} and {len(b)} items"
        return next(filter(None, (first_difference(x, y, f"{where}/{i}") for i, (x, y) in enumerate(zip(a, b)))), "")
    return "" if repr(a) == repr(b) else f"{where}: {a!r}, {b!r}"


def compare(kind: str, nb_kills: int, root: Path) -> None:
    """Train undisturbed, and killed `nb_kills` times; exits with a message if that makes a difference."""
    whole, killed = root / kind / "whole" / "run-001", root / kind / "killed" / "run-001"
    for folder in (whole, killed):
        folder.parent.mkdir(parents=True)
    assert train_in_fork(kind, whole, np.inf)
    steps_in_round = NB_ENVS if kind == "fit_parallel" else 1
    resumed_at = [0]
    for kills_left in range(nb_kills, 0, -1):
        nb_rounds = (NB_STEPS[kind] - resumed_at[-1]) / steps_in_round  # that are left
        # so few that the training does not end by itself
        if train_in_fork(kind, killed, random.uniform(1, min(nb_rounds - 10, 2 * nb_rounds / (kills_left + 1)))):
            sys.exit(f"{kind} ended before it was killed.")
        resumed_at.append(max([int(path.stem[11:]) for path in find_checkpoints(killed)], default=0))
    parts = len(list(killed.glob("*.part")))
    assert train_in_fork(kind, killed, np.inf)
    difference = first_difference(outcome(whole), outcome(killed))
    if difference:
        sys.exit(f"{kind}, killed {nb_kills} times: differs in {difference}")
    print(f"{kind}: killed {nb_kills} times, resumed at steps {resumed_at[1:]}, {parts} half-written at the last kill; "
          f"after {NB_STEPS[kind]} steps and {len(Run(killed).episodes)} games equal to the bit", flush=True)


def main() -> None:
    """See above."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("trainings", nargs="+", help="for example fit:10 or fit_parallel:10", metavar="KIND:KILLS")
    parser.add_argument("--seed", type=int, help="of the moments; by default other ones each time")
    arguments = parser.parse_args()
    random.seed(arguments.seed)
    with tempfile.TemporaryDirectory() as root:
        for number, training in enumerate(arguments.trainings):
            kind, kills = training.split(":")
            compare(kind, int(kills), Path(root) / str(number))


if __name__ == "__main__":
    main()
