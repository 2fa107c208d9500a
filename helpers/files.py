"""Where the project lies, and files that are written whole or not at all."""
import os
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Iterator

PROJECT = Path(__file__).resolve().parents[1]
"""The folder that holds helpers/, notebooks/, weights/ and runs/."""


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write into that takes the name `path` when it is complete; until then it is aside, as PATH.part.

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
