"""Where the project lies; files that are written whole or not at all; folders that one process at a time holds."""
import os
import platform
import time
import warnings
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Iterator, Type
from weakref import WeakValueDictionary

import portalocker

PROJECT = Path(__file__).resolve().parents[1]
"""The folder that holds helpers/, notebooks/, weights/ and runs/."""

HELD: "WeakValueDictionary[Path, Hold]" = WeakValueDictionary()
"""The folders that this process writes into."""


class Hold:
    """The right to write into a folder; see `hold`."""

    def __init__(self, folder: Path, wait: bool):
        with _explained(f"{folder} can't be written into", "Choose another folder, or change its permissions."):
            self.file = (folder / "writer.lock").open("a+")
        name = f"{folder.parent.name}/{folder.name}"
        try:
            portalocker.lock(self.file, portalocker.LOCK_EX | (0 if wait else portalocker.LOCK_NB))
        except portalocker.LockException as error:
            if isinstance(error, portalocker.AlreadyLocked) or isinstance(error.args[0],
                                                                          (BlockingIOError, PermissionError)):
                self.file.seek(0)
                raise BlockingIOError(f"{name} is in use by {self.file.read() or 'another process'}; expected nobody. "
                                      "Wait until it ends, stop it, or choose another name.") from None
            warnings.warn(f"{name} can't be locked ({error}): see to it that only one program at a time writes into "
                          "it.", stacklevel=3)
        with suppress(OSError):  # a full disk: then nobody knows who holds it
            self.file.truncate(0)
            self.file.write(f"process {os.getpid()} on {platform.node()} since {time.strftime('%Y-%m-%d %H:%M:%S')}")
            self.file.flush()

    def __enter__(self) -> "Hold":
        return self

    def __exit__(self, *_: Any) -> None:
        """Leave the lock alone: somebody else in this process may refer to it."""

    def __del__(self) -> None:
        with suppress(AttributeError, OSError):  # it was not opened, or the disk is full
            self.file.close()


def hold(folder: Path, wait: bool = False) -> Hold:
    """Keep other processes from writing into `folder`, which is made if need be, as long as the result is referred to.

    The kernel keeps the lock, and gives it back when the process ends, however that comes; the file writer.lock, which
    names the holder, stays and is in nobody's way. Where this process holds the folder already, all share one `Hold`.

    Args:
        wait: until nobody else holds it.

    Raises:
        BlockingIOError: another process holds it; the message says which, and since when.
        OSError: the folder can't be made or written into.
    """
    make_folder(folder, "Choose another folder.")
    folder = Path(folder).resolve()
    held = HELD.get(folder)
    if held is None:
        held = HELD[folder] = Hold(folder, wait)
    return held


def make_folder(folder: Path, advice: str) -> None:
    """Make a folder and those above it, unless they are there.

    Raises:
        OSError: it can't be made, and why.
    """
    with _explained(f"The folder {Path(folder).absolute()} can't be made", advice):
        Path(folder).mkdir(parents=True, exist_ok=True)


@contextmanager
def _explained(trouble: str, advice: str) -> Iterator[None]:
    """Say in a sentence what the system says in a number."""
    try:
        yield
    except OSError as error:
        in_the_way = isinstance(error, (FileExistsError, NotADirectoryError))
        why = "a file is in the way" if in_the_way else error.strerror
        raise type(error)(f"{trouble} ({why}); expected a folder that can be written into. {advice}") from None


def find_weights_file(path: Path) -> Path:
    """Find a file that is there, whatever is in it.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is a folder, or TensorFlow's own format, which is several files.
    """
    path = Path(path)
    if os.path.isdir(str(path)):
        found = ", ".join(sorted(one.name for one in path.glob("*.h5"))) or "there is no .h5 file in it"
        raise ValueError(f"{path} is a folder; expected a file in it. Name one: {found}.")
    if os.path.isfile(f"{path}.index") and not os.path.isfile(str(path)):
        raise ValueError(f"The weights {path} are in TensorFlow's own format ({path.name}.index lies there); expected "
                         f"HDF5, a file whose name ends in .h5. Read them with agent.load_weights({str(path)!r}), and "
                         f"save them with agent.save_weights({str(path.with_suffix('.h5'))!r}).")
    if not os.path.isfile(str(path)):
        raise FileNotFoundError(f"There is no weights file {path}; expected one that training saved, such as "
                                "runs/NAME/weights.h5. Look into runs/ and weights/, or at run.checkpoints.")
    return path


@contextmanager
def goes_on(what: str, note: str = "", errors: Type[Exception] = OSError) -> Iterator[None]:
    """Make a warning of what a full disk raises: the training is worth more than one file.

    Args:
        what: could not be written, for example "Game 3: the log".
        note: a sentence more.
    """
    try:
        yield
    except errors as error:
        warnings.warn(f"{what} could not be written ({error}). {note}Training goes on; free some disk space.",
                      stacklevel=3)


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file that takes the name `path` when it is complete; until then it is aside, as PATH.part.

    Raises:
        OSError: the disk is full or not writable, with the name of the file; an earlier file of this name is untouched.
    """
    path = Path(path)
    aside = path.with_name(path.name + ".part")
    try:
        with aside.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
        _sync_folder(path.parent)
    except OSError as error:
        error.filename = error.filename or str(path)  # a full disk names no file
        raise
    finally:
        if aside.exists():
            aside.unlink()


def write_whole(path: Path, data: bytes) -> None:
    """Write a file that is complete or absent. Raises as `whole_file` does."""
    with whole_file(path) as file:
        file.write(data)


def _sync_folder(folder: Path) -> None:
    """Make sure that a rename outlives a power cut."""
    if os.name == "posix":  # Windows can't open a folder
        number = os.open(str(folder), os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
