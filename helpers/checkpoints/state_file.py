"""A file that holds numbers, texts and arrays: written whole or not at all, with checksums, and without pickle.

It is a ZIP archive, which keeps a CRC-32 of each member: `state.json` holds the format, `about` and the tree of values,
and `0.npy`, `1.npy`, ... the arrays to which the tree refers; `numpy.load` reads those too.
"""
import json
import zipfile
import zlib
from collections import deque
from pathlib import Path
from typing import Any, Dict, List, Tuple

import numpy as np

from helpers.files import whole_file

FORMAT = 2
"""Counts up when a file of today could no longer be read as it is."""

SAMPLE = 2**16
"""Elements of an array by which it is decided whether to squeeze it."""

ZIP = b"PK\x03\x04"
"""How a file of that kind begins."""


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
    with whole_file(path) as file:
        with zipfile.ZipFile(file, "w", compresslevel=1) as archive:
            archive.writestr("state.json", json.dumps({"format": FORMAT, "about": about, "tree": tree}))
            for number, array in enumerate(arrays):
                archive.compression = zipfile.ZIP_DEFLATED if _shrinks(array) else zipfile.ZIP_STORED
                with archive.open(f"{number}.npy", "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, array, allow_pickle=False)
        return file.tell()


def _shrinks(array: np.ndarray) -> bool:
    """Try whether it pays: a replay memory shrinks to a fifth or less; a network's weights don't, and take long."""
    sample = array.ravel()[:SAMPLE].tobytes()
    return len(zlib.compress(sample, 1)) < 0.7 * len(sample)


def read_state(path: Path) -> Tuple[Dict[str, Any], Any]:
    """Read the `about` and the tree of a file that `write_state` wrote.

    Raises:
        BadFile: it is another kind of file, of another format, cut short or damaged.
        OSError: it is not there or can't be opened.
    """
    with path.open("rb") as file:
        start = file.read(len(ZIP))
        if not start or start != ZIP[:len(start)]:
            raise BadFile(f"{path.name} is {'no checkpoint' if start else 'empty'}; expected what Checkpoint wrote.")
        try:
            with zipfile.ZipFile(file) as archive:
                wrong = archive.testzip()
                if wrong:
                    raise zipfile.BadZipFile(f"the checksum of {wrong} in it does not match")
                state = json.loads(archive.read("state.json"))
                if state["format"] == FORMAT:
                    return state["about"], _unpack(state["tree"], archive)
        except MemoryError:
            raise
        except Exception as error:  # zipfile stumbles over damage in many ways
            raise BadFile(f"{path.name} is cut short or damaged ({error}); expected it whole.") from error
    raise BadFile(f"{path.name} has format {state['format']}; expected {FORMAT}, which this version reads.")


def _pack(value: Any, arrays: List[np.ndarray]) -> Any:
    """Put a value into JSON: what JSON does not know becomes a list that begins with its kind."""
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
                    "deques or dicts of them. Leave it out.")


def _number(array: np.ndarray, arrays: List[np.ndarray]) -> int:
    if array.dtype.hasobject:
        raise TypeError("Received an array of Python objects; expected one of numbers or texts. Leave it out.")
    arrays.append(array)
    return len(arrays) - 1


def _read_array(archive: zipfile.ZipFile, number: int) -> np.ndarray:
    with archive.open(f"{number}.npy") as member:
        return np.lib.format.read_array(member, allow_pickle=False)


def _unpack(value: Any, archive: zipfile.ZipFile) -> Any:
    if not isinstance(value, list):
        return value
    kind, content = value[:2]
    if kind == "array":
        return _read_array(archive, content)
    if kind == "bytes":
        return _read_array(archive, content).tobytes()
    if kind == "scalar":
        return _read_array(archive, content)[()]
    if kind == "dict":
        return {_unpack(key, archive): _unpack(item, archive) for key, item in content}
    if kind.endswith(" of scalars"):
        items = list(_read_array(archive, content))
    else:
        items = [_unpack(item, archive) for item in content]
    if kind == "deque":
        return deque(items, value[2])
    return tuple(items) if kind.startswith("tuple") else items
