"""Is my environment the pinned one? Compares environment.yml with what is installed."""
import platform
import re
from pathlib import Path
from typing import Dict, NamedTuple, Optional

import importlib_metadata
import pandas as pd

from helpers.files import PROJECT

ENVIRONMENT_FILE = PROJECT / "environment.yml"


class Pin(NamedTuple):
    """One line of environment.yml: an exact version, and what the package is for."""

    version: str
    purpose: str


def read_pins(file: Path = ENVIRONMENT_FILE) -> Dict[str, Pin]:
    """Read every pinned package of environment.yml, Python first, in the order of the file.

    Read line by line because the purposes are YAML comments, which a YAML reader throws away.
    """
    lines = re.findall(r"^ *- *([\w.-]+)={1,2}([\w.]+) *#? *(.*)$", file.read_text(encoding="utf-8"), re.MULTILINE)
    return {name: Pin(version, purpose) for name, version, purpose in lines}


def version_table() -> pd.DataFrame:
    """List the pinned packages: what each is for, the pinned and the installed version, and whether that is ok.

    Ok means equal; of Python any 3.7 will do (see `python_note`).
    """
    rows = []
    for name, pin in read_pins().items():
        installed = _installed(name)
        is_ok = installed == pin.version or (name == "python" and installed.startswith("3.7."))
        rows.append((name, pin.purpose, pin.version, installed or "missing", is_ok))
    return pd.DataFrame(rows, columns=["package", "what it is for", "pinned", "installed", "ok"])


def python_note() -> str:
    """Return one sentence on this Python when it is not the pinned one; empty when it is."""
    pinned, running = read_pins()["python"].version, platform.python_version()
    if running == pinned:
        return ""
    if running.startswith("3.7."):
        return f"This is Python {running} instead of {pinned}: any Python 3.7 works, with the same packages."
    return (f"This is Python {running}, but the packages need 3.7 (best {pinned}): start Jupyter with `make lab`, or "
            "after `conda activate atari-drl`.")


def _installed(name: str) -> Optional[str]:
    if name == "python":
        return platform.python_version()
    try:
        return importlib_metadata.version(name)
    except importlib_metadata.PackageNotFoundError:
        return None
