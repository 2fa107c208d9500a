"""How long to train, and where the results go: every training run writes a folder of its own under runs/."""
import io
import json
import os
import re
import shutil
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any, Dict, List, Optional

import pandas as pd

from helpers.files import PROJECT, Hold, hold, make_folder, write_whole

RUN_LENGTHS = ("smoke", "demo", "full")

RUNS_FOLDER = Path(os.path.expanduser(os.environ.get("RUNS_FOLDER") or PROJECT / "runs"))
"""Beside notebooks/, whatever folder the kernel was started in; the environment variable RUNS_FOLDER names another."""

EPISODE_COLUMNS = ("game", "step", "seconds", "score", "steps_in_game", "epsilon", "loss", "mean_q")
"""The columns of episodes.csv: a row for each finished game.

game counts from 1; step is the agent step at its end; seconds of training so far; score in game points, never clipped;
steps_in_game in agent steps; epsilon at its end; loss and mean_q are means over the updates since the row before, empty
where there was none.
"""


def by_run_length(smoke: Any, demo: Any, full: Any) -> Any:
    """Choose a value by the environment variable RUN_LENGTH: smoke (seconds, for the tests), demo (default) or full.

    Raises:
        ValueError: RUN_LENGTH is something else.
    """
    length = os.environ.get("RUN_LENGTH") or "demo"
    if length not in RUN_LENGTHS:
        raise ValueError(f"RUN_LENGTH is {length!r}; expected one of {', '.join(RUN_LENGTHS)}. "
                         "Correct it, or unset it for the demo length, and restart the kernel.")
    return {"smoke": smoke, "demo": demo, "full": full}[length]


def read_hyperparameters(folder: Path) -> Dict[str, Any]:
    """Read the hyperparameters.json of a run's folder.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is damaged.
    """
    path = Path(folder) / "hyperparameters.json"
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, IsADirectoryError, PermissionError) as error:
        read = error
    if not isinstance(read, dict):
        raise ValueError(f"runs/{path.parent.name}/{path.name} is damaged ({read!r}); expected names with values. Mend "
                         "it, or delete the run.")
    return read


def write_hyperparameters(folder: Path, hyperparameters: Dict[str, Any]) -> None:
    """Write what `read_hyperparameters` reads; what JSON does not know is written as a text.

    Raises:
        OSError: the disk is full or not writable.
    """
    write_whole(folder / "hyperparameters.json", json.dumps(hyperparameters, indent=1, default=str).encode())


class Run:
    """One training run and its folder: hyperparameters.json, episodes.csv, TensorBoard events, and what was saved.

    A notebook saves weights-STEP.h5; the command checkpoint-STEP.dqn, train.log, and weights.h5 at the end.

    Attributes:
        name: for example "ram-002".
        folder: where its files are.
        hyperparameters: as they were given to `start_run`.
        step: agent steps trained so far.
        held: keeps other processes from writing into the folder, where the command trains; see `hold`.
    """

    def __init__(self, folder: Path, held: Optional[Hold] = None):
        self.folder = Path(folder)
        self.name = self.folder.name
        self.hyperparameters = read_hyperparameters(self.folder)
        self.step = 0
        self.held = held

    def __repr__(self) -> str:
        return f"<Run {self.name}>"

    @property
    def episodes(self) -> pd.DataFrame:
        """A row for each finished game; the columns are EPISODE_COLUMNS. A row that is half written does not count."""
        path = self.folder / "episodes.csv"
        rows = path.read_bytes() if path.exists() else b""
        rows = rows[:rows.rfind(b"\n") + 1]
        return pd.read_csv(io.BytesIO(rows)) if rows else pd.DataFrame(columns=EPISODE_COLUMNS, dtype=float)

    @property
    def checkpoints(self) -> List[Path]:
        """The saved weights, oldest first."""
        return sorted(self.folder.glob("weights-*.h5"))


def start_run(name: str, hyperparameters: Dict[str, Any], root: Optional[Path] = None) -> Run:
    """Make the next free folder for `name`: ram-001, then ram-002. No run ever writes into another's folder.

    Args:
        name: up to 100 letters, digits, - and _, of which - is not the first.
        hyperparameters: numbers, texts and lists that say how this run differs from others; stored as JSON.
        root: the folder of all runs; None for RUNS_FOLDER.

    Raises:
        ValueError: the name is another.
        OSError: nothing can be written there.
    """
    root = _check_place(name, root)
    number = 1
    while True:
        folder = root / f"{name}-{number:03d}"
        try:
            folder.mkdir()
            break
        except FileExistsError:  # taken, perhaps by another notebook a moment ago
            number += 1
    return _describe(folder, hyperparameters)


def start_named_run(name: str, hyperparameters: Dict[str, Any], root: Optional[Path] = None) -> Run:
    """Do as `start_run`, but call the folder `name`, without a number; the run is held.

    Raises:
        ValueError: the name is no run's.
        FileExistsError: there is such a folder.
        OSError: nothing can be written there.
    """
    folder = _check_place(name, root) / name
    try:
        folder.mkdir()
    except FileExistsError:
        what, advice = ("run", f"Go on with --resume {name}, or choose") if folder.is_dir() else ("file", "Choose")
        raise FileExistsError(f"runs/{name} is there already, a {what}; expected a free name. {advice} another with "
                              "--run.") from None
    return _describe(folder, hyperparameters, hold(folder))  # held before somebody else could go on with the run


def _check_place(name: str, root: Optional[Path]) -> Path:
    """Return the folder of all runs, which is made if need be, for a run of this name."""
    if not (isinstance(name, str) and len(name) <= 100 and re.fullmatch(r"\w[\w-]*", name)
            and len(name.encode()) <= 240):
        raise ValueError(f"Received the run name {name!r}; expected up to 100 letters, digits, - and _, no - first. "
                         "Choose another.")
    root = Path(root or RUNS_FOLDER)
    make_folder(root, "Set RUNS_FOLDER to another folder, or clear the way.")
    return root


def _describe(folder: Path, hyperparameters: Dict[str, Any], held: Optional[Hold] = None) -> Run:
    try:
        write_hyperparameters(folder, hyperparameters)
    except OSError:
        shutil.rmtree(str(folder))  # the name stays free
        raise
    return Run(folder, held)


def run_folders(name: str = "", root: Optional[Path] = None) -> List[Path]:
    """Find the folders of all runs whose name begins with `name`, in alphabetical order."""
    root = Path(root or RUNS_FOLDER)
    found = root.glob(f"{name}*/hyperparameters.json") if os.path.isdir(str(root)) else ()
    return sorted(file.parent for file in found)


def load_runs(name: str = "", root: Optional[Path] = None) -> List[Run]:
    """Load all runs whose name begins with `name`, in the order in which they were begun or last asked for more steps.

    One whose hyperparameters can't be read is left out, with a warning.
    """
    runs = []
    for folder in sorted(run_folders(name, root), key=_begun):
        try:
            runs.append(Run(folder))
        except (ValueError, FileNotFoundError) as error:
            warnings.warn(f"A run is left out. {error}", stacklevel=2)
    return runs


def _begun(folder: Path) -> float:
    with suppress(FileNotFoundError):  # deleted a moment ago
        return (folder / "hyperparameters.json").stat().st_mtime
    return 0.0


def list_runs(name: str = "", root: Optional[Path] = None) -> pd.DataFrame:
    """Make a table, a row for each run: games, steps, minutes, mean score of its last 100 games, hyperparameters."""
    rows = []
    for run in load_runs(name, root):
        episodes = run.episodes
        last = episodes.iloc[-1] if len(episodes) else {"step": 0, "seconds": 0.0}
        rows.append({**run.hyperparameters, "run": run.name, "games": len(episodes), "steps": int(last["step"]),
                     "minutes": round(last["seconds"] / 60, 1),
                     "last 100 games": round(episodes["score"].tail(100).mean(), 1)})
    return pd.DataFrame(rows, columns=None if rows else ["run"]).set_index("run")
