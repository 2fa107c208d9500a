"""Store all that a training depends on, and go on from there: to the bit as if it had never stopped."""
import logging
import shutil
import signal
import threading
import time
import warnings
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

from rl.callbacks import Callback
from tqdm import tqdm

from helpers.checkpoints.object_state import layers_of, log_games, lost_in
from helpers.checkpoints.settings import describe, differences_here
from helpers.checkpoints.state_file import BadFile, read_state, write_state
from helpers.checkpoints.training_state import training_state
from helpers.checks import check_count
from helpers.files import goes_on, hold

log = logging.getLogger(__name__)

SHARE = 0.02
"""At most this share of the training time goes into checkpoints."""

PAUSE = 120.0
"""Seconds between two checkpoints at least, to spare the disk."""

KEEP = 2
"""The newest one, and the one before it in case that the newest gets damaged."""

NAMES = f"checkpoint-{'[0-9]' * 10}.dqn"
"""Checkpoints in a folder, with the agent step after which they were written."""


class StepsDone(ValueError):
    """As many steps as were asked for are done already; `state` is that of the newest checkpoint."""

    def __init__(self, message: str, state: Dict[str, Any]):
        super().__init__(message)
        self.state = state


class Checkpoint(Callback):
    """Write a checkpoint into `folder` now and then, from which `fit` and `fit_parallel` go on: `resume=folder`.

    It holds weights, target weights, optimizer, step, policy, replay memory, processor, random generators, the games
    under way, and what the run's other callbacks noted. The first is written after the first step, the last at the end.
    The stop button, or Ctrl-C, finishes the step, writes a checkpoint and stops; a second time, it stops at once. A
    full disk is reported, and training goes on. Put this callback last, so that the others have heard of the step.

    Not to the bit: networks with layers that draw random numbers inside TensorFlow, such as Dropout.

    Args:
        folder: of the run; one folder belongs to one run.
        every: agent steps between two checkpoints; None for as often as costs at most SHARE of the time.
    """

    def __init__(self, folder: Any, every: Optional[int] = None):
        if every is not None:
            every = check_count("every", every, 1, advice="Choose another, or None for as often as costs little.")
        super().__init__()
        self.folder, self.every = Path(folder), every

    def set_model(self, model: Any) -> None:
        """Refuse what can't be stored; here, because no callback has opened a file yet."""
        super().set_model(model)
        self._training = getattr(model, "under_way", None)
        if self._training is None or not hasattr(model.memory, "get_state"):
            raise ValueError(f"Received a {type(model).__name__} with a {type(model.memory).__name__}; expected a "
                             "FastDQNAgent with an ArrayMemory. Only their training can be stored.")
        for env in self._training.envs:
            log_games(env)
            for layer in layers_of(env):
                lost = lost_in(layer)
                if lost:
                    raise ValueError(f"The environment holds a {type(layer).__name__}, whose {', '.join(lost)} can't "
                                     "be stored; expected numbers, texts and arrays. Leave it out, give its class a "
                                     "get_state() and a set_state(state), or train without Checkpoint.")
        found, resumed = find_checkpoints(self.folder), self._training.resume
        if found and (resumed is None or Path(resumed).resolve() != self.folder.resolve()):
            raise ValueError(f"{self.folder} holds {found[-1].name}, of an earlier training; expected none. Pass "
                             f"resume={self.folder} to go on from it, or choose a new folder.")

    def on_train_begin(self, logs: Optional[Dict] = None) -> None:
        self._held = hold(self.folder)
        for part in self.folder.glob(f"{NAMES}.part"):  # killed while it was written
            part.unlink()
        self._settings = describe(self._training)
        self._next: Optional[float] = None  # seconds or agent steps
        self._limit = self._size = 0  # bytes: of a file at most, and of the last one
        self._stop, self._handler = False, None

    def on_round_end(self, number: int) -> None:
        step = int(self.model.step)
        if self._next is None:
            self._begin(step)
        is_last = step >= self.params["nb_steps"] or self.model.stop_training
        if self._stop or is_last or self._clock(step) >= self._next:
            self.save(step)
        if self._stop:
            raise KeyboardInterrupt

    def on_train_end(self, logs: Optional[Dict] = None) -> None:
        if self._handler is not None:
            signal.signal(signal.SIGINT, self._handler)
            self._handler = None
        self._held = None

    def save(self, step: int) -> None:
        """Write a checkpoint, and delete the oldest; if that fails, say so."""
        began = time.perf_counter()
        free = shutil.disk_usage(str(self.folder)).free
        needed = f"{self._size:,}" if self._size else f"up to {self._limit:,}"
        note = f"It needs {needed} bytes, and {free:,} are free; the checkpoint before stays. "
        with goes_on(f"Step {step:,}: the checkpoint", note):
            if free < self._size:
                raise OSError("the disk is full")  # known without filling it
            self._size = write_state(self.folder / f"checkpoint-{step:010d}.dqn",
                                     {"step": step, "settings": self._settings}, training_state(self._training))
            log.info("checkpoint after %d steps: %d bytes, %.2f seconds", step, self._size, time.perf_counter() - began)
            for path in find_checkpoints(self.folder)[:-KEEP]:
                path.unlink()
        self._next = self._after(step, time.perf_counter() - began)

    def _clock(self, step: int) -> float:
        return time.perf_counter() if self.every is None else step

    def _after(self, step: int, took: float) -> float:
        """Return when the next checkpoint is due."""
        if self.every is None:
            return time.perf_counter() + max(PAUSE, took / SHARE)
        return (step // self.every + 1) * self.every

    def _begin(self, step: int) -> None:
        """Do what waits for the first round: now `on_train_end` is sure to come, and the memory has its size."""
        self._next = self._after(step, 0.0) if self._training.resume is not None else 0.0
        if threading.current_thread() is threading.main_thread():
            self._handler = signal.signal(signal.SIGINT, self._on_stop)
        replay = sum(array.nbytes for array in (self.model.memory.stored or {}).values())
        networks = 4 * 4 * self.model.model.count_params()  # float32: the target network and Adam's two means as well
        self._limit = replay + networks
        total, free = (KEEP + 1) * self._limit, shutil.disk_usage(str(self.folder)).free
        tqdm.write(f"Checkpoints: up to {_size(self._limit)} each, of which {_size(replay)} are the full replay memory "
                   f"(squeezed, often a fifth of that); {KEEP} are kept, and one more while it is written.")
        if free < total:
            warnings.warn(f"Checkpoints may need {total:,} bytes, and {free:,} are free on this disk: free some space.",
                          stacklevel=2)

    def _on_stop(self, *_: Any) -> None:
        if self._stop:
            raise KeyboardInterrupt
        self._stop = True


def _size(nbytes: int) -> str:
    return f"{nbytes / 1e6:,.0f} MB" if nbytes >= 1e7 else f"{nbytes / 1e6:.1f} MB"


def find_checkpoints(folder: Any) -> List[Path]:
    """Return the checkpoints in a folder, oldest first."""
    return sorted(Path(folder).glob(NAMES))


def steps_done(folder: Any) -> int:
    """Return after how many agent steps the newest checkpoint in a folder was written; 0 if there is none."""
    return max((int(path.stem.split("-")[1]) for path in find_checkpoints(folder)), default=0)


def read_newest(folder: Any) -> Tuple[Path, Dict[str, Any], Dict[str, Any]]:
    """Read the newest checkpoint of `folder` that can be read: its path, what it is about (step, settings), the state.

    Others are named in a warning and set aside.

    Raises:
        FileNotFoundError: there is none.
    """
    found = find_checkpoints(folder)
    while found:
        path = found.pop()
        try:
            return (path, *read_state(path))
        except BadFile as error:
            before = "The checkpoint before it is used" if found else "There is none before it"
            warnings.warn(f"{error} {before}, and this one renamed.", stacklevel=2)
            path.rename(path.with_name(f"{path.name}.unused"))
    raise FileNotFoundError(f"There is no checkpoint in {folder} that can be read; expected checkpoint-*.dqn. Start "
                            "anew, without resume.")


def load_checkpoint(folder: Any, training: Any, nb_steps: int) -> Dict[str, Any]:
    """Read the state in the newest checkpoint of `folder` that can be read, for this training to go on from.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it belongs to a training with other settings.
        StepsDone: it has made `nb_steps` already.
    """
    path, about, state = read_newest(folder)
    differ = differences_here(about["settings"], training)
    if differ:
        raise ValueError(f"{path.name} belongs to a training with other settings, {'; '.join(differ)}; expected the "
                         "same. Make agent and game as they were then, or start a new run.")
    if nb_steps <= about["step"]:
        raise StepsDone(f"nb_steps is {nb_steps:,}, but {about['step']:,} steps are done already; expected the total. "
                        "Ask for more.", state)
    return state
