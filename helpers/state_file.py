"""A file that holds numbers, texts and arrays: written whole or not at all, with a checksum, and without pickle.

Layout: the line `DQN checkpoint, format 1`; 8 bytes, the length of the header; the header, JSON in UTF-8: `about`, the
tree of values, and dtype and shape of each array; the arrays one after the other, in pieces of 1 MB, each with 4 bytes
before it that say how long it is in the file (shorter than the piece if zlib made it smaller); 32 bytes, the SHA-256 of
all before. Whole numbers are little-endian.
"""
import hashlib
import json
import zlib
from collections import deque
from pathlib import Path
from typing import Any, BinaryIO, Dict, Iterator, List, Tuple

import numpy as np

from .files import whole_file

MAGIC = b"DQN checkpoint, format "
FORMAT = 1
"""Counts up when a file of today could no longer be read as it is."""

PIECE = 2**20
SAMPLE = 2**16
DIGEST = 32


class BadFile(ValueError):
    """A file that can't be used; the message says why, and begins with its name."""


def write_state(path: Path, about: Dict[str, Any], tree: Any) -> int:
    """Write a file that is complete or absent; an earlier file of this name stays until the new one is complete.

    Args:
        path: where to.
        about: JSON values, which say what the tree is.
        tree: None, numbers, texts, bytes, arrays, lists, tuples, deques and dicts of them.

    Returns:
        The size of the file, in bytes.

    Raises:
        OSError: the disk is full or not writable.
        TypeError: the tree holds something else.
    """
    arrays: List[np.ndarray] = []
    tree = _pack(tree, arrays)
    shapes = [[array.dtype.str, array.shape] for array in arrays]
    header = json.dumps({"about": about, "tree": tree, "arrays": shapes}).encode()
    digest = hashlib.sha256()
    with whole_file(path) as file:
        for data in _contents(header, arrays):
            digest.update(data)
            file.write(data)
        file.write(digest.digest())
        return file.tell()


def _contents(header: bytes, arrays: List[np.ndarray]) -> Iterator[Any]:
    yield MAGIC + b"%d\n" % FORMAT
    yield len(header).to_bytes(8, "little")
    yield header
    for array in arrays:
        flat = memoryview(np.ascontiguousarray(array)).cast("B") if array.size else b""
        for start in range(0, len(flat), PIECE):
            piece = flat[start:start + PIECE]
            # a replay memory shrinks to a fifth or less; a network's weights don't, and trying takes long
            if len(zlib.compress(piece[:SAMPLE], 1)) < 0.7 * min(SAMPLE, len(piece)):
                smaller = zlib.compress(piece, 1)
                piece = smaller if len(smaller) < len(piece) else piece
            yield len(piece).to_bytes(4, "little")
            yield piece


def read_state(path: Path) -> Tuple[Dict[str, Any], Any]:
    """The `about` and the tree of a file that `write_state` wrote.

    Raises:
        BadFile: it is another kind of file, a newer format, cut short or damaged.
        OSError: it is not there or can't be read.
    """
    with path.open("rb") as file:
        header = _read_header(path, file)
        arrays = [_read_array(file, np.dtype(dtype), tuple(shape)) for dtype, shape in header["arrays"]]
    return header["about"], _unpack(header["tree"], arrays)


def _read_header(path: Path, file: BinaryIO) -> Dict[str, Any]:
    """Check the whole file, then read the header; the file stands at the first array afterwards."""
    start = file.read(len(MAGIC))
    if not start or start != MAGIC[:len(start)]:
        raise BadFile(f"{path.name} is no checkpoint" + (": it is empty." if not start else "."))
    number = file.readline(20).strip()
    if number.isdigit() and int(number) > FORMAT:
        raise BadFile(f"{path.name} has format {int(number)}, and this version of helpers reads up to format {FORMAT}.")
    here, end = file.tell(), path.stat().st_size - DIGEST
    if end < here or _digest(file, end) != file.read():
        raise BadFile(f"{path.name} is cut short or damaged: its checksum does not match.")
    file.seek(here)
    return json.loads(file.read(int.from_bytes(file.read(8), "little")).decode())


def _digest(file: BinaryIO, end: int) -> bytes:
    file.seek(0)
    digest = hashlib.sha256()
    while file.tell() < end:
        digest.update(file.read(min(PIECE, end - file.tell())))
    return digest.digest()


def _read_array(file: BinaryIO, dtype: np.dtype, shape: Tuple[int, ...]) -> np.ndarray:
    array = np.empty(shape, dtype)
    flat = memoryview(array).cast("B") if array.size else b""
    for start in range(0, len(flat), PIECE):
        stop = min(start + PIECE, len(flat))
        piece = file.read(int.from_bytes(file.read(4), "little"))
        flat[start:stop] = piece if len(piece) == stop - start else zlib.decompress(piece)
    return array


def _pack(value: Any, arrays: List[np.ndarray]) -> Any:
    """The value in JSON: what JSON does not know becomes a list that begins with its kind."""
    if value is None or isinstance(value, (bool, str)) or type(value) in (int, float):
        return value
    if isinstance(value, bytes):
        return ["bytes", _number(np.frombuffer(value, np.uint8), arrays)]
    if isinstance(value, np.ndarray):
        return ["array", _number(value, arrays)]
    if isinstance(value, np.generic):
        return ["scalar", _number(np.array(value), arrays)]
    if isinstance(value, dict):
        return ["dict", [[_pack(key, arrays), _pack(item, arrays)] for key, item in value.items()]]
    if isinstance(value, deque):
        return ["deque", [_pack(item, arrays) for item in value], value.maxlen]
    if type(value) in (list, tuple):
        if value and isinstance(value[0], np.generic) and len({type(item) for item in value}) == 1:
            return [f"{type(value).__name__} of scalars", _number(np.array(value), arrays)]
        return [type(value).__name__, [_pack(item, arrays) for item in value]]
    raise TypeError(f"Received a {type(value).__name__}; expected None, numbers, texts, arrays, or lists, tuples, "
                    "deques or dicts of them.")


def _number(array: np.ndarray, arrays: List[np.ndarray]) -> int:
    if array.dtype.hasobject:
        raise TypeError("Received an array of Python objects; expected one of numbers or texts.")
    arrays.append(array)
    return len(arrays) - 1


def _unpack(value: Any, arrays: List[np.ndarray]) -> Any:
    if not isinstance(value, list):
        return value
    kind, content = value[:2]
    if kind == "array":
        return arrays[content]
    if kind == "bytes":
        return arrays[content].tobytes()
    if kind == "scalar":
        return arrays[content][()]
    if kind == "dict":
        return {_unpack(key, arrays): _unpack(item, arrays) for key, item in content}
    items = arrays[content] if kind.endswith(" of scalars") else [_unpack(item, arrays) for item in content]
    if kind == "deque":
        return deque(items, value[2])
    return tuple(items) if kind.startswith("tuple") else list(items)
