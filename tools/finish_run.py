"""What the tools that train have in common: a run that is finished, whether it is there, half done, or not begun."""
import json
import subprocess
import sys
from typing import Any, Callable, Dict, List

from helpers.agents.hyperparameters import todays_names
from helpers.checkpoints.settings import differences
from helpers.runs.folder import RUNS_FOLDER, Run
from helpers.runs.output import outlive_readers, when_asked_to_end


class AskedToEnd(KeyboardInterrupt):
    """Only this program was asked to end; Ctrl-C reaches its training too."""


def _stop() -> None:
    raise AskedToEnd


def exit_status(work: Callable[[], None], stopped: str) -> int:
    """Do the work of a command; return what the shell is told: 0, 1 after an error that it prints, 130 after Ctrl-C.

    The command outlives its readers, and a request to end stops it as Ctrl-C does.

    Args:
        stopped: printed after Ctrl-C.
    """
    outlive_readers()
    when_asked_to_end(_stop)
    try:
        work()
    except KeyboardInterrupt:
        print(stopped, file=sys.stderr)
        return 130  # as a shell reports Ctrl-C
    except (ValueError, RuntimeError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def finish_run(name: str, new: List[str], wanted: Dict[str, Any]) -> Run:
    """Train the run `name` to its end by `python -m helpers.train`, unless it is there; that may take hours.

    An interrupt reaches the training too, which saves and stops before this raises KeyboardInterrupt.

    Args:
        name: its folder is runs/NAME.
        new: the arguments that begin it.
        wanted: what its hyperparameters.json must say.

    Raises:
        ValueError: a run of this name has other hyperparameters.
        RuntimeError: the training failed, and said why.
    """
    folder = RUNS_FOLDER / name
    if folder.exists():
        stored = todays_names(Run(folder).hyperparameters)
        wanted = json.loads(json.dumps(wanted))  # as it comes back from the file
        differing = differences({key: stored.get(key) for key in wanted}, wanted)
        if differing:
            raise ValueError(f"runs/{name} is another training, {'; '.join(differing)}; expected the same. Rename it, "
                             f"or go on with it by python -m helpers.train --resume {name}.")
    if not (folder / "weights.h5").exists():
        command = [sys.executable, "-m", "helpers.train", *(["--resume", name] if folder.exists() else new)]
        status = _wait_for(subprocess.Popen(command))
        if status:
            raise RuntimeError(f"The training of runs/{name} ended with status {status}; expected 0. See above.")
    return Run(folder)


def _wait_for(process: subprocess.Popen) -> int:
    """Return its exit status. At an interrupt, which it gets too, wait until it has saved; then stop this program."""
    try:
        return process.wait()
    except KeyboardInterrupt as stop:
        if isinstance(stop, AskedToEnd):
            process.terminate()
        process.wait()
        raise
