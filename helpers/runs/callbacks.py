"""keras-rl2 callbacks that a training run needs: log every game, save weights safely, go on where training stopped."""
import csv
import os
import time
import warnings
from collections import deque
from pathlib import Path
from typing import Any, Deque, Dict, List, Optional

import numpy as np
import tensorflow as tf
from rl.callbacks import Callback
from tqdm import tqdm

from helpers.agents.weights import weights_as_hdf5
from helpers.checks import check_count, check_fits
from helpers.files import goes_on, hold, write_whole
from helpers.game.wrappers import finished_game
from helpers.runs.folder import EPISODE_COLUMNS, Run
from helpers.runs.tensorboard import hparams_summary

MEAN_GAMES = 100
"""Games in TensorBoard's mean score, as in `list_runs`: the score of the last game alone would say little of a run."""

FLUSH_SECONDS = 10
"""After which TensorBoard's log is written to the disk."""


class RunLogger(Callback):
    """Write a row for each finished game to the run's episodes.csv, and the same numbers to TensorBoard.

    TensorBoard also gets the hyperparameters and the mean score of the last MEAN_GAMES games, for its HParams tab.

    The score is the environment's own, if it is wrapped in a `ScoreKeeper` (as `make_game` does); otherwise it is the
    sum of the rewards that the agent saw.

    Raises:
        ValueError: `fit` was asked for less than one step.
        BlockingIOError: another process writes into the run's folder.
    """

    def __init__(self, run: Run):
        super().__init__()
        self.run = run
        self.games = 0
        self.seconds = 0.0

    def on_train_begin(self, logs: Optional[Dict] = None) -> None:
        check_count("nb_steps", self.params["nb_steps"], 1)  # keras-rl2's own fit checks neither this nor the game
        check_fits(self.model, self.env)
        self._held = hold(self.run.folder)
        self._metrics: List[List[float]] = []
        self._began = time.perf_counter() - self.seconds  # so that a resumed run's clock goes on
        self._writer = None
        self._to_tensorboard("add_summary", hparams_summary(self.run.hyperparameters, self.run.name), 0)
        path = self.run.folder / "episodes.csv"
        rows = path.read_bytes() if path.exists() else b""
        self._file = path.open("a", newline="", buffering=1)  # line by line: a killed kernel loses no finished game
        self._file.truncate(rows.rfind(b"\n") + 1)  # a full disk may have left half a row
        self._rows = csv.writer(self._file)
        if b"\n" not in rows:
            self._rows.writerow(EPISODE_COLUMNS)
        self._scores = self._last_scores()

    def _to_tensorboard(self, method: str, *arguments: Any) -> None:
        """Call a method of the writer; if that fails, say so, and take a new one next time: a failed one stays so."""
        with goes_on(f"Game {self.games}: TensorBoard's log", errors=Exception):  # TensorFlow has kinds of its own
            writer, self._writer = self._writer, None
            writer = writer or tf.compat.v1.summary.FileWriter(str(self.run.folder), flush_secs=FLUSH_SECONDS)
            getattr(writer, method)(*arguments)
            self._writer = writer

    def _last_scores(self) -> Deque[float]:
        """Return those of the games before, where a run goes on."""
        return deque(self.run.episodes["score"].tail(MEAN_GAMES), MEAN_GAMES)

    def on_step_end(self, step: int, logs: Dict[str, Any]) -> None:
        self.run.step = int(self.model.step) + 1
        self._metrics.append(logs["metrics"])

    def on_episode_end(self, episode: int, logs: Dict[str, Any]) -> None:
        game = finished_game(self.env, logs)
        if game is None:
            return
        self.games += 1
        self.seconds = time.perf_counter() - self._began
        means = dict(zip(self.model.metrics_names, _means(self._metrics)))
        row = dict(zip(EPISODE_COLUMNS, (
            self.games, int(logs["nb_steps"]), round(self.seconds, 2), *game, _epsilon(self.model.policy),
            means.get("loss"), means.get("mean_q"))))
        with goes_on(f"Game {self.games}: the log"):  # the row waits in the file's buffer for the next one
            self._rows.writerow("" if value is None else value for value in row.values())
        self._scores.append(game[0])
        shown = {**row, "mean_score": np.mean(self._scores)}
        summary = tf.compat.v1.Summary(value=[
            tf.compat.v1.Summary.Value(tag=f"game/{name}", simple_value=value)
            for name, value in shown.items() if name not in ("game", "step") and value is not None])
        self._to_tensorboard("add_summary", summary, row["step"])
        self._metrics = []

    def on_train_end(self, logs: Optional[Dict] = None) -> None:
        self._to_tensorboard("close")
        with goes_on("The log of the last games"):
            self._file.close()
        self._held = None

    def get_state(self) -> Dict[str, Any]:
        """Return, for a checkpoint, what is counted here, and how long the log is, which is on the disk from now on."""
        self._file.flush()
        os.fsync(self._file.fileno())
        return {"games": self.games, "seconds": time.perf_counter() - self._began, "step": self.run.step,
                "metrics": np.array(self._metrics, dtype=float), "bytes": os.fstat(self._file.fileno()).st_size}

    def set_state(self, state: Dict[str, Any]) -> None:
        """Go on from a checkpoint: rows of games that ended after it are cut off, and will be played again."""
        size = os.fstat(self._file.fileno()).st_size
        if size < state["bytes"]:
            warnings.warn(f"episodes.csv has {size:,} bytes, but had {state['bytes']:,} at the checkpoint: rows are "
                          "missing.", stacklevel=2)
        self._file.truncate(min(size, state["bytes"]))
        self._scores = self._last_scores()
        self.games, self.seconds, self.run.step = state["games"], state["seconds"], state["step"]
        self._began = time.perf_counter() - self.seconds
        self._metrics = list(state["metrics"])
        # tells TensorBoard to forget what an earlier process wrote from this step on
        start = tf.compat.v1.SessionLog(status=tf.compat.v1.SessionLog.START)
        self._to_tensorboard("add_session_log", start, state["step"] + 1)


def _means(metrics: List[List[float]]) -> List[Optional[float]]:
    """Return the mean of each column over the rows that are numbers; None where no row is (nothing was learned yet)."""
    columns = np.array(metrics, dtype=float).T
    return [float(column[~np.isnan(column)].mean()) if not np.isnan(column).all() else None for column in columns]


def _epsilon(policy: Any) -> Optional[float]:
    """Return the exploring share of an annealed or fixed epsilon-greedy policy; None for other policies."""
    inner = getattr(policy, "inner_policy", policy)
    return float(inner.eps) if hasattr(inner, "eps") else None


class SaveWeights(Callback):
    """What keras-rl2's ModelIntervalCheckpoint does, with a folder for each run, whole files, and a save at the end.

    Every `interval` agent steps, and when training ends or is interrupted, it writes weights-<step>.h5 into the run's
    folder. A disk that is full is reported, and training goes on. Weights are not everything: replay memory, optimizer
    and epsilon live in the agent only.
    """

    def __init__(self, run: Run, interval: int):
        super().__init__()
        self.run = run
        self.interval = check_count("interval", interval, 1, advice="Choose how often to save, in agent steps.")
        self._done, self._saved = 0, None  # agent steps, and after how many the weights were saved last

    def on_train_begin(self, logs: Optional[Dict] = None) -> None:
        self._held = hold(self.run.folder)
        self._saved = None  # a training before this one may have saved its own

    def on_step_end(self, step: int, logs: Optional[Dict] = None) -> None:
        self._done = int(self.model.step) + 1
        if self._done % self.interval == 0:
            self.save(self._done)

    def on_train_end(self, logs: Optional[Dict] = None) -> None:
        if self._saved != self._done:
            self.save(self._done)
        if (logs or {}).get("did_abort"):
            where = f"are in {self.path(self._done)}" if self._saved == self._done else "could not be saved"
            # not print: that would write behind a progress bar, on its line
            tqdm.write(f"Stopped after {self._done:,} steps. The agent keeps what it learned; its weights {where}. "
                       "You can watch it now; the cell marked 'resume' goes on from here.")
        self._held = None

    def get_state(self) -> int:
        """Return, for a checkpoint, the steps done."""
        return self._done

    def set_state(self, state: int) -> None:
        """Go on from a checkpoint."""
        self._done = state

    def path(self, step: int) -> Path:
        """Return the file for the weights after `step` agent steps."""
        return self.run.folder / f"weights-{step:09d}.h5"

    def save(self, step: int) -> None:
        """Write the weights to `path(step)`; if that fails, say so."""
        with goes_on(f"Step {step:,}: the weights"):
            write_whole(self.path(step), weights_as_hdf5(self.model, self.env))
            self._saved = step


class ResumeAt(Callback):
    """Let `fit` go on at agent step `step` instead of 0, where epsilon and warm-up would start over.

    `fit(env, nb_steps=TOTAL, ...)` then trains TOTAL - step steps more. For an agent that is still in memory, with its
    replay memory and optimizer; weights from a file alone are a new start with a good idea, not a resume. The game
    that was cut short is not finished: in the replay memory it joins the next one, one wrong step among thousands.
    """

    def __init__(self, step: int):
        super().__init__()
        self.step = step

    def on_train_begin(self, logs: Optional[Dict] = None) -> None:
        if self.params["nb_steps"] <= self.step:
            raise ValueError(f"nb_steps is {self.params['nb_steps']:,}, but {self.step:,} steps are done already; "
                             "expected the total. Ask for more.")
        self._pending = True

    def on_episode_begin(self, episode: int, logs: Optional[Dict] = None) -> None:
        if self._pending:  # fit() set the step to 0 after on_train_begin
            self.model.step = self.step
            self._pending = False


class StepTimes(Callback):
    """Note the time after each step: `times`, in seconds, of which only differences mean something."""

    def on_train_begin(self, logs: Optional[Dict] = None) -> None:
        self.times: List[float] = []

    def on_step_end(self, step: int, logs: Optional[Dict] = None) -> None:
        self.times.append(time.perf_counter())
