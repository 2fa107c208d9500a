"""How long to train, and where the results go: every training run writes a folder of its own under runs/."""
import json
import os
import warnings
from pathlib import Path
from typing import Any, Dict, List, Optional

import pandas as pd

from helpers.files import PROJECT, write_whole

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
    """What the hyperparameters.json of a run's folder holds.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is damaged.
    """
    path = Path(folder) / "hyperparameters.json"
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        read = error
    if not isinstance(read, dict):
        raise ValueError(f"runs/{path.parent.name}/{path.name} is damaged: expected names with values, received "
                         f"{read!r}. Mend it, or delete the run.")
    return read


class Run:
    """One training run and its folder: hyperparameters.json, episodes.csv, TensorBoard events, and what was saved.

    A notebook saves weights-STEP.h5; the command checkpoint-STEP.dqn, train.log, and weights.h5 at the end.

    Attributes:
        name: for example "ram-002".
        folder: where its files are.
        hyperparameters: as they were given to `start_run`.
        step: agent steps trained so far.
    """

    def __init__(self, folder: Path):
        self.folder = Path(folder)
        self.name = self.folder.name
        self.hyperparameters = read_hyperparameters(self.folder)
        self.step = 0

    def __repr__(self) -> str:
        return f"<Run {self.name}>"

    @property
    def episodes(self) -> pd.DataFrame:
        """A row for each finished game; the columns are EPISODE_COLUMNS."""
        path = self.folder / "episodes.csv"
        return pd.read_csv(path) if path.exists() else pd.DataFrame(columns=EPISODE_COLUMNS, dtype=float)

    @property
    def checkpoints(self) -> List[Path]:
        """The saved weights, oldest first."""
        return sorted(self.folder.glob("weights-*.h5"))


def start_run(name: str, hyperparameters: Dict[str, Any], root: Optional[Path] = None) -> Run:
    """Make the next free folder for `name`: ram-001, then ram-002. No run ever writes into another's folder.

    Args:
        name: letters, digits, - and _.
        hyperparameters: numbers, texts and lists that say how this run differs from others; stored as JSON.
        root: the folder of all runs; None for RUNS_FOLDER.

    Raises:
        ValueError: the name holds other characters.
    """
    _check_name(name)
    root = Path(root or RUNS_FOLDER)
    root.mkdir(parents=True, exist_ok=True)
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
    """As `start_run`, but the folder is called `name`, without a number.

    Raises:
        ValueError: the name holds other characters than letters, digits, - and _.
        FileExistsError: there is such a folder.
    """
    _check_name(name)
    folder = Path(root or RUNS_FOLDER) / name
    folder.mkdir(parents=True)
    return _describe(folder, hyperparameters)


def _check_name(name: str) -> None:
    if not name.replace("-", "").replace("_", "").isalnum():
        raise ValueError(f"Received the run name {name!r}; expected letters, digits, - and _ only. Choose another.")


def _describe(folder: Path, hyperparameters: Dict[str, Any]) -> Run:
    try:
        write_whole(folder / "hyperparameters.json", json.dumps(hyperparameters, indent=1, default=str).encode())
    except OSError:
        folder.rmdir()  # the name stays free
        raise
    return Run(folder)


def load_runs(name: str = "", root: Optional[Path] = None) -> List[Run]:
    """All runs whose name begins with `name`, in the order in which they were begun or last asked for more steps.

    One whose hyperparameters can't be read is left out, with a warning.
    """
    files = Path(root or RUNS_FOLDER).glob(f"{name}*/hyperparameters.json")
    runs = []
    for file in sorted(files, key=lambda file: file.stat().st_mtime):
        try:
            runs.append(Run(file.parent))
        except ValueError as error:
            warnings.warn(f"A run is left out. {error}", stacklevel=2)
    return runs


def list_runs(name: str = "", root: Optional[Path] = None) -> pd.DataFrame:
    """A table with a row for each run: games, steps, minutes, mean score of its last 100 games, hyperparameters."""
    rows = []
    for run in load_runs(name, root):
        episodes = run.episodes
        last = episodes.iloc[-1] if len(episodes) else {"step": 0, "seconds": 0.0}
        rows.append({**run.hyperparameters, "run": run.name, "games": len(episodes), "steps": int(last["step"]),
                     "minutes": round(last["seconds"] / 60, 1),
                     "last 100 games": round(episodes["score"].tail(100).mean(), 1)})
    return pd.DataFrame(rows, columns=None if rows else ["run"]).set_index("run")






