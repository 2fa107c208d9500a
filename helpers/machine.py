"""Can this computer load TensorFlow 2.3 and the emulator? Asked first, because Python itself may end where it can't."""
import os
import sys
from typing import Collection, Dict, Optional, Set

DEBUG_LIBRARIES = ("MSVCP140D.dll", "VCRUNTIME140D.dll", "ucrtbased.dll")
"""What ale_c.dll of atari_py 0.2.9 is linked with. Source: its import table (tests/data/wheel_imports.json)."""

ELSEWHERE = "Use GitHub Codespaces, Binder, or a computer with an Intel or AMD processor (README, section Start)."
NO_AVX = f"This processor has no AVX instructions, and TensorFlow 2.3 ends Python without them. {ELSEWHERE}"
ARM = ("This computer's processor is an ARM, and TensorFlow 2.3 and the emulator are built for Intel's and AMD's. "
       + ELSEWHERE)
APPLE = ("This Mac's processor is Apple's, and TensorFlow 2.3 is built for Intel's with AVX instructions, which "
         f"Rosetta lacks before macOS 15 and hides since. {ELSEWHERE} To try Rosetta, which we have not tried, set "
         "ROSETTA_ADVERTISE_AVX=1 and start again.")
WINDOWS = ("The emulator's package for Windows needs {}, which come with Visual Studio alone, and this computer lacks "
           "them. Use WSL 2, which runs Linux within Windows (README, section Windows).")


def check() -> None:
    """Raise ImportError, with what to do instead, where TensorFlow or the emulator can't be loaded."""
    problem = why_not(**look())
    if problem:
        raise ImportError(problem)


def why_not(system: str, machine: str, features: Optional[Collection[str]] = None, translated: bool = False,
            advertised: bool = False, missing: Collection[str] = ()) -> str:
    """Say why the pinned packages can't be loaded, and what to do; empty where they can, or where nothing is known.

    Args:
        system: as `sys.platform` has it.
        machine: the processor's kind, as `uname -m` has it.
        features: the processor's instruction sets as the system names them, in small letters.
        translated: Rosetta runs this Python.
        advertised: Rosetta was told to show AVX (ROSETTA_ADVERTISE_AVX=1).
        missing: libraries of DEBUG_LIBRARIES that Windows does not find.
    """
    if system == "win32":
        return WINDOWS.format(", ".join(missing)) if missing else ""
    if system == "darwin" and (machine == "arm64" or translated):
        return "" if advertised and machine != "arm64" else APPLE
    if machine in ("aarch64", "arm64", "armv7l"):
        return ARM
    has_avx = features is None or {"avx", "avx1.0"} & set(features)
    return "" if has_avx else NO_AVX


def look() -> Dict[str, object]:
    """Ask this computer what `why_not` wants to know."""
    if sys.platform == "win32":
        from ctypes.util import find_library

        return {"system": "win32", "machine": "", "missing": [one for one in DEBUG_LIBRARIES if not find_library(one)]}
    found = {"system": sys.platform, "machine": os.uname().machine}
    if sys.platform == "darwin":
        return {**found, **sysctl(), "advertised": os.environ.get("ROSETTA_ADVERTISE_AVX") == "1"}
    return {**found, "features": linux_features()}


def linux_features(file: str = "/proc/cpuinfo") -> Optional[Set[str]]:
    """Read the first processor's flags; None where the system does not list them, as in some containers."""
    try:
        with open(file, encoding="utf-8", errors="replace") as lines:
            return next((set(line.partition(":")[2].split()) for line in lines if line.startswith("flags")), None)
    except OSError:
        return None


def sysctl(program: str = "/usr/sbin/sysctl") -> Dict[str, object]:
    """Ask macOS for what it knows of its processor; a name that it does not know is left out."""
    import subprocess  # here, because only a Mac needs it: importing helpers stays quick

    names = ["sysctl.proc_translated", "machdep.cpu.features"]
    try:
        done = subprocess.run([program, *names], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8")
    except OSError:
        return {}
    values = dict(line.split(": ", 1) for line in done.stdout.splitlines() if ": " in line)
    features = values.get(names[1])
    return {"translated": values.get(names[0]) == "1", "features": features and set(features.lower().split())}
