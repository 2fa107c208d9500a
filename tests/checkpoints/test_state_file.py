"""Files that hold a training's state: complete, checked, and read back to the bit."""
import os
from collections import deque

import numpy as np
import pytest

from helpers.checkpoints import state_file
from helpers.checkpoints.state_file import BadFile, read_state, write_state

TREE = {
    "none": None, "flag": True, "number": -3, "float": 0.1, "nan": float("nan"), "inf": -float("inf"), "text": "π\n",
    "bytes": b"\x00\xff", 7: "whole number as key", "empty": [[], (), {}, deque(), np.zeros((0, 3), np.uint8), b""],
    "nested": [1, (2, [3, {"a": (4,)}])], "scalars": [np.float32(0.1), np.int16(-2), np.bool_(True)],
    "many": [np.float32(i) / 3 for i in range(9)], "deque": deque([np.arange(3, dtype=np.uint8)] * 2, maxlen=3),
    "array": np.arange(24.).reshape(2, 3, 4)[:, ::2], "texts": np.array(["a", "bc"]), "no shape": np.array(5),
    "random": np.random.RandomState(1).get_state(),
}


def assert_same(a, b):
    assert type(a) is type(b), (a, b)
    if isinstance(a, dict):
        assert list(a) == list(b)
        a, b = list(a.values()), list(b.values())
    if isinstance(a, (list, tuple, deque)):
        assert len(a) == len(b) and getattr(a, "maxlen", None) == getattr(b, "maxlen", None)
        for x, y in zip(a, b):
            assert_same(x, y)
    elif isinstance(a, (np.ndarray, np.generic)):
        assert a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    else:
        assert a == b or a != a


def test_everything_comes_back_as_it_was(tmp_path):
    path = tmp_path / "a.dqn"
    size = write_state(path, {"step": 5}, TREE)
    assert size == path.stat().st_size and os.listdir(tmp_path) == ["a.dqn"]
    about, tree = read_state(path)
    assert about == {"step": 5}
    assert_same(tree, TREE)


def test_arrays_are_squeezed_where_that_helps(tmp_path):
    noise = np.random.RandomState(0).bytes(3_000_005)
    tree = [np.zeros(5_000_003, np.uint8), np.frombuffer(noise, np.uint8)]
    size = write_state(tmp_path / "a.dqn", {}, tree)
    assert len(noise) < size < len(noise) + 100_000
    assert_same(read_state(tmp_path / "a.dqn")[1], tree)


def test_numpy_reads_the_arrays_too(tmp_path):
    write_state(tmp_path / "a.dqn", {}, [np.arange(5)])
    assert np.load(tmp_path / "a.dqn")["0"].tolist() == [0, 1, 2, 3, 4]


def test_files_that_cannot_be_used_are_named_with_the_reason(tmp_path):
    path = tmp_path / "a.dqn"
    write_state(path, {"step": 5}, TREE)
    good = path.read_bytes()
    none, damaged = "a.dqn is no checkpoint", "a.dqn is cut short or damaged"
    for data, reason in [
        (b"", "a.dqn is empty; expected"), (b"\x89HDF\r\n\x1a\n" + good, none), (b"something else", none),
        (good[:2], damaged), (good[:40], damaged), (good[:len(good) // 2], damaged), (good[:-1], damaged),
        (good.replace(b'"format": 2', b'"format": 3'), f"{damaged} .*state.json"),
    ]:
        path.write_bytes(data)
        with pytest.raises(BadFile, match=f"^{reason}"):
            read_state(path)


def test_a_newer_format_is_named(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(state_file, "FORMAT", 3)
        write_state(tmp_path / "a.dqn", {}, TREE)
    with pytest.raises(BadFile, match="^a.dqn has format 3; expected 2, which this version reads"):
        read_state(tmp_path / "a.dqn")


def test_a_wrong_bit_is_noticed_or_changes_nothing(tmp_path):
    path, tree = tmp_path / "a.dqn", {"array": np.arange(9), "text": "abc", "squeezed": np.zeros(999)}
    write_state(path, {"step": 5}, tree)
    good, noticed = path.read_bytes(), 0
    for position in range(len(good)):
        damaged = bytearray(good)
        damaged[position] ^= 1 << position % 8
        path.write_bytes(damaged)
        try:
            about, read = read_state(path)
        except BadFile:
            noticed += 1
        else:  # a date, for example
            assert about == {"step": 5}
            assert_same(read, tree)
    assert noticed > len(good) / 2


def test_what_failed_half_way_leaves_the_earlier_file(tmp_path, monkeypatch):
    path = tmp_path / "a.dqn"
    write_state(path, {}, [1])

    def no_space(number):
        raise OSError(28, "No space left on device")

    with pytest.raises(TypeError, match="Received a object; expected None, numbers"):
        write_state(path, {}, [object()])
    with pytest.raises(TypeError, match="array of Python objects"):
        write_state(path, {}, [np.array([object()])])
    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(OSError, match="No space left on device: '.*a.dqn'"):
        write_state(path, {}, [2])
    assert os.listdir(tmp_path) == ["a.dqn"] and read_state(path)[1] == [1]
