"""`python -m helpers.train`: train one of the agents in a terminal; stop it, kill it, and go on where it was."""
import argparse
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import rl.agents  # first: it switches eager execution off, and a seed set before that does not reach the network
import rl.callbacks

from helpers.agents.build import build_by_recipe
from helpers.agents.hyperparameters import HYPERPARAMETERS
from helpers.agents.recipes import RECIPES, recipe, recorded_recipe
from helpers.agents.weights import weights_as_hdf5
from helpers.checkpoints.checkpoint import Checkpoint, StepsDone, find_checkpoints, steps_done
from helpers.checks import check_count, check_seed
from helpers.files import PROJECT, hold, write_whole
from helpers.learning.seeds import set_seeds
from helpers.learning.threads import set_threads
from helpers.runs.callbacks import RunLogger
from helpers.runs.folder import RUNS_FOLDER, Run, run_folders, start_named_run, write_hyperparameters
from helpers.runs.output import outlive_readers, when_asked_to_end
from helpers.runs.progress import ProgressBar

STOPPED = 130
"""The exit status of a command that Ctrl-C ended."""

log = logging.getLogger("helpers.train")


def describe_run(agent: str, nb_steps: int, seed: int, changes: Dict[str, Any]) -> Dict[str, Any]:
    """Return what hyperparameters.json says about a run: enough to make it again."""
    made = recipe(agent, changes)
    always = {name: made.hyperparameters[name] for name in ("window", "hidden", "life_as_episode")}
    return {"agent": agent, "seed": seed, "steps": nb_steps, "environment": made.env_id, "emulators": made.nb_envs or 1,
            "threads": made.nb_threads, **always, **made.options}


def commit() -> Optional[str]:
    """Return the commit of the code that trains, with a + if it was changed since; None outside a git repository."""
    # said, because GIT_DIR may name another repository, and an unpacked ZIP may lie inside of one
    this = [f"--git-dir={PROJECT / '.git'}", f"--work-tree={PROJECT}"]

    def git(*arguments: str) -> str:
        return subprocess.run(["git", *this, *arguments], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              text=True, cwd=str(PROJECT)).stdout.strip()
    try:
        changed = git("status", "--porcelain", "--", "helpers", "requirements.lock")
        return git("rev-parse", "HEAD") + ("+" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def train(run: Run) -> bool:
    """Train the agent that `run.hyperparameters` describe, from its newest checkpoint if there is one.

    At the end its weights are in weights.h5. Call it once in a process.

    Returns:
        Whether the training came to its end; if not, it was stopped, and a checkpoint says where.

    Raises:
        ValueError: the checkpoint belongs to a training with other settings.
        FileNotFoundError: the run was trained before, but no checkpoint of it can be read any more.
        FloatingPointError: the loss is not a finite number any more.
        RuntimeError: an emulator died.
    """
    made = recorded_recipe(run.hyperparameters)
    seed, nb_steps = run.hyperparameters["seed"], run.hyperparameters["steps"]
    set_threads(made.nb_threads)
    set_seeds(seed)
    agent, learning_rate = build_by_recipe(made), made.learning_rate
    found = find_checkpoints(run.folder)
    if not found:
        if any(run.folder.glob("*.unused")) or any(run.folder.glob("weights*.h5")):
            raise FileNotFoundError(f"runs/{run.name} has no checkpoint that can be read, so it can't go on; expected "
                                    "one. Start a new run, with a name of its own.")
        # killed before the first one
        for path in [*run.folder.glob("episodes.csv"), *run.folder.glob("events.*")]:
            path.unlink()
    bar = ProgressBar(every=0.5 if sys.stdout.isatty() else 60.0)
    callbacks = [RunLogger(run), bar, LogSpeed(), StoreSteps(run), Checkpoint(run.folder)]
    options = {"nb_steps": nb_steps, "callbacks": callbacks, "verbose": 0, "resume": run.folder if found else None}
    log.info("%s: %s", f"on from {found[-1].name}" if found else "begins", json.dumps(run.hyperparameters))
    try:
        if made.nb_envs is None:
            agent.fit(made.make_training_env(seed), **options)
        else:
            agent.fit_parallel(made.make_training_env, made.nb_envs, seed=seed, learning_rate=learning_rate, **options)
    except StepsDone as done:  # killed before it wrote its weights, or they are asked for as they are
        store_steps(run)
        agent.model.set_weights(done.state["weights"])
        agent.step = done.state["agent"]["step"]
    if agent.step < nb_steps:
        log.info("stopped after %d steps", agent.step)
        return False
    write_whole(run.folder / "weights.h5", weights_as_hdf5(agent, made.make_env()))
    log.info("ended after %d steps", agent.step)
    return True


class StoreSteps(rl.callbacks.Callback):
    """Note how far the run shall go, once its training begins: a refused one leaves the run as it was."""

    def __init__(self, run: Run):
        super().__init__()
        self.run = run

    def on_train_begin(self, logs: Optional[Dict] = None) -> None:
        store_steps(self.run)


def store_steps(run: Run) -> None:
    """Write a number of steps that was asked for; weights of an earlier end get the number of their step as a name."""
    before = Run(run.folder).hyperparameters["steps"]
    if run.hyperparameters["steps"] == before:
        return
    if run.hyperparameters["steps"] > before and (run.folder / "weights.h5").exists():
        (run.folder / "weights.h5").rename(run.folder / f"weights-{before:09d}.h5")
    write_hyperparameters(run.folder, run.hyperparameters)


class LogSpeed(rl.callbacks.Callback):
    """Write a line into the log each minute."""

    _before: Optional[Tuple[float, int]] = None  # time and agent step of the last line

    def on_round_end(self, number: int) -> None:
        now, step = time.perf_counter(), int(self.model.step)
        if self._before is None:
            self._before = now, step
        elif now >= self._before[0] + 60:
            log.info("%d steps, %.0f a second", step, (step - self._before[1]) / (now - self._before[0]))
            self._before = now, step


def parse(arguments: Optional[List[str]] = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m helpers.train",
                                     description="Train an agent; Ctrl-C saves and stops.",
                                     formatter_class=argparse.RawDescriptionHelpFormatter,
                                     epilog="\n".join(["hyperparameters:", *map(str, HYPERPARAMETERS.values())]))
    parser.add_argument("agent", nargs="?", choices=RECIPES, help=", ".join(RECIPES), metavar="AGENT")
    parser.add_argument("--steps", type=int, help="agent steps in all (default: the agent's own number)")
    parser.add_argument("--seed", type=int, help="of every random choice (default 1)")
    parser.add_argument("--run", metavar="NAME", help="its files go to runs/NAME (default: AGENT-seedS)")
    parser.add_argument("--resume", metavar="NAME", help="go on with the run runs/NAME; --steps may ask for more")
    parser.add_argument("--set", nargs="+", default=[], metavar="NAME=VALUE", dest="changes",
                        help="hyperparameters that shall differ, see below; values as in JSON: true, null, [64,32]")
    options = parser.parse_args(arguments)
    try:
        options.changes = dict(parse_change(change) for change in options.changes)
        check_seed(options.seed or 0, "--seed")
        check_count("--steps", 1 if options.steps is None else options.steps, 1)
    except ValueError as error:
        parser.error(str(error))
    if options.changes and options.resume is not None:
        parser.error("received --set and --resume; expected one of them. A run keeps its own: leave --set out.")
    if options.agent is None and options.resume is None:
        parser.error(f"received no agent; expected one of {', '.join(RECIPES)}, or --resume NAME. Name one.")
    if options.run is not None and options.resume is not None:
        parser.error("received --run and --resume; expected one of them. Name a new run, or one to go on with.")
    if options.changes and options.run is None:
        parser.error("received --set without --run; expected a name for what is not the agent's own. Add --run.")
    return options


def parse_change(change: str) -> Tuple[str, Any]:
    """Read "learning_rate=1e-4", for example, as a name and a number.

    Raises:
        ValueError: it is not a name of a hyperparameter, =, and a value as in JSON.
    """
    name, _, value = change.partition("=")
    try:
        return name, json.loads(value)
    except ValueError:
        raise ValueError(f"received --set {change}; expected NAME=VALUE, the value a number, true, false, null or "
                         "[a,list]. Correct it.") from None


def open_run(options: argparse.Namespace, root: Path = RUNS_FOLDER) -> Run:
    """Open the run that the command line asks for: a new one, or one that is there already; no other process has it.

    Raises:
        FileExistsError, FileNotFoundError: it is there already, or not.
        BlockingIOError: another process trains it.
        ValueError: it is not a run of this agent with this seed.
    """
    if options.resume is None:
        seed = 1 if options.seed is None else options.seed
        name = f"{options.agent}-seed{seed}" if options.run is None else options.run
        described = describe_run(options.agent, options.steps or recipe(options.agent).nb_steps, seed, options.changes)
        return start_named_run(name, {**described, "commit": commit()}, root)
    there = [folder.name for folder in run_folders(root=root)]
    if options.resume.rstrip("/") not in there:
        raise FileNotFoundError(f"There is no run {options.resume!r}; expected one of {', '.join(there) or 'none yet'}."
                                " Choose one, or start one with AGENT --run NAME.")
    folder = root / options.resume
    run = Run(folder, hold(folder))
    for name, asked in (("agent", options.agent), ("seed", options.seed)):
        if asked is not None and run.hyperparameters.get(name) != asked:
            raise ValueError(f"--{name} is {asked}; expected {run.hyperparameters.get(name)}, as runs/{run.name} has "
                             "it. Leave it out to go on with that run, or start a new one with --run.")
    if run.hyperparameters.get("agent") not in RECIPES:
        raise ValueError(f"runs/{run.name} was not made by this command; expected one that was. Go on with it in its "
                         "notebook.")
    if options.steps is not None:
        ask_for(options.steps, run)
    return run


def ask_for(nb_steps: int, run: Run) -> None:
    """Let a run go on to `nb_steps`; `train` stores that.

    Raises:
        ValueError: it went further already.
    """
    before, ended = run.hyperparameters["steps"], (run.folder / "weights.h5").exists()
    least = max(steps_done(run.folder), before if ended else 0)
    if nb_steps < least:
        raise ValueError(f"--steps is {nb_steps}, but runs/{run.name} went further already; expected the total, at "
                         f"least {least}. Ask for more, or start a new run.")
    run.hyperparameters["steps"] = nb_steps


def main(arguments: Optional[List[str]] = None) -> int:
    """Run the command; return its exit status."""
    options = parse(arguments)
    run, ended = None, False
    try:
        run = open_run(options)
        logging.basicConfig(filename=str(run.folder / "train.log"), level=logging.INFO,
                            format="%(asctime)s %(levelname)s %(message)s")
        logging.raiseExceptions = False  # a full disk costs lines of the log, not the training
        logging.captureWarnings(True)
        logging.getLogger("py.warnings").addHandler(logging.StreamHandler())
        print(f"The files of this run are in {os.path.relpath(str(run.folder))}. Ctrl-C saves and stops.")
        ended = train(run)
    except KeyboardInterrupt:
        if run is None or not find_checkpoints(run.folder):
            print("Stopped before the first step.", file=sys.stderr)
            return STOPPED
    except (TypeError, ValueError, OSError, FloatingPointError, RuntimeError) as error:
        print(error, file=sys.stderr)
        if run is not None:
            log.error("%s", error)
            if options.resume is None and run.step == 0:
                shutil.rmtree(str(run.folder))  # nothing was trained: the corrected command may use the name
        return 1
    if not ended:
        go_on = f"python -m helpers.train --resume {run.name}"
        print(f"Stopped. Go on with: {go_on}")
        print(f"Or take its weights as they are: {go_on} --steps {steps_done(run.folder)}")
        return STOPPED
    print(f"The weights are in {os.path.relpath(str(run.folder / 'weights.h5'))}.")
    return 0


if __name__ == "__main__":
    outlive_readers()
    when_asked_to_end(lambda: os.kill(os.getpid(), signal.SIGINT))  # saves as Ctrl-C does
    sys.exit(main())
