"""Write a file whole or not at all."""
import os
from pathlib import Path


def write_whole(path: Path, data: bytes) -> None:
    """Write a file that is complete or absent: aside first, then renamed.

    Raises:
        OSError: the disk is full or not writable; an earlier file of this name is untouched.
    """
    path = Path(path)
    aside = path.with_name(path.name + ".part")
    try:
        with aside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    except OSError:
        if aside.exists():
            aside.unlink()
        raise
