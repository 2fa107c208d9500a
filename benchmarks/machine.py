"""The computer: cores, processor, memory; and how a measuring process hands its result over."""
import json
import os
import platform
import resource
import subprocess
import sys
from typing import Any, Dict


def nb_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cpu() -> str:
    """What kind of processor this is, for example "Intel(R) Xeon(R) Processor with AVX-512"."""
    if sys.platform == "darwin":
        return subprocess.check_output(["sysctl", "-n", "machdep.cpu.brand_string"]).decode().strip()
    try:
        with open("/proc/cpuinfo") as file:
            facts = dict(line.strip().replace("\t", "").split(":", 1) for line in file if ":" in line)
    except OSError:
        return platform.machine()
    flags = facts.get("flags", "").split()
    widest = next((name for flag, name in [("avx512f", "AVX-512"), ("avx2", "AVX2")] if flag in flags), None)
    return facts.get("model name", platform.machine()).strip() + (f" with {widest}" if widest else "")


def peak_megabytes() -> float:
    """The most memory that this process has had so far, in MB."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 1e6 if sys.platform == "darwin" else most * 1024 / 1e6


def last_word(result: Dict[str, Any]) -> None:
    """Print a result as one line of JSON, which the process that measures all reads."""
    print(json.dumps(result))
