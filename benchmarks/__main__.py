"""Measure side by side: `python -m benchmarks`, which `make bench` and `make bench-peers` call.

A round measures every case once, each in a process of its own, because a library's threads can be set only once for
each process. The next round begins with the next case. Ratios are taken within a round: two measurements minutes apart
share what else the computer was doing, two from different days do not.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

from benchmarks.cases import CASES, GROUPS
from benchmarks.machine import cpu, nb_cores
from benchmarks.report import ratio_lines, render, summarize

FOLDER = Path(__file__).resolve().parent
LONGEST_CASE = 600  # seconds; the slowest case takes half a minute: minutes mean that something hangs
PEAK = "sgemm peak"

# set in the reader's shell, these would stand in the place of a library's own default
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS",
                    "TF_NUM_INTEROP_THREADS")


class MeasuringFailed(Exception):
    """A case did not end with a result."""


def run_case(name: str, length: str, peers: Optional[str], scratch: str) -> Dict[str, float]:
    """One case, or the processor's peak, in a new process: what it measured.

    Raises:
        MeasuringFailed: the process failed or took minutes; with its last lines.
    """
    is_peer = name != PEAK and CASES[name].kind in ("sb3", "torch")
    module = ["benchmarks.arithmetic"] if name == PEAK else ["benchmarks." + ("peers" if is_peer else "ours"), name]
    environment = {key: value for key, value in os.environ.items() if key not in THREAD_VARIABLES}
    environment["RUNS_FOLDER"] = scratch
    if is_peer:
        environment.pop("PYTHONPATH", None)  # what is meant for this Python does not fit the peers'
    try:
        done = subprocess.run(
            [peers if is_peer else sys.executable, "-m", *module, length], cwd=str(FOLDER.parent), env=environment,
            stdin=subprocess.DEVNULL, capture_output=True, timeout=LONGEST_CASE)
        if done.returncode == 0:
            return json.loads(done.stdout.decode().splitlines()[-1])
        problem, said = f"ended with status {done.returncode}", done.stderr
    except subprocess.TimeoutExpired as error:
        problem, said = f"took more than {LONGEST_CASE} seconds", error.stderr or b""
    lines = said.decode(errors="replace").replace("\r", "\n").strip().splitlines()
    raise MeasuringFailed(f"{name!r} {problem}, expected a result within seconds. The last that it said:\n  "
                          + "\n  ".join(lines[-8:]) + f"\nTo see all of it: python -m {' '.join([*module, length])}")


def run_rounds(names: Sequence[str], rounds: int, length: str, peers: Optional[str]) -> Dict[str, List[Any]]:
    """For each case a list of what it measured, an entry for each round."""
    measured: Dict[str, List[Any]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as scratch:
        for number in range(rounds):
            first = number % len(names)
            for name in [*names[first:], *names[:first]]:
                result = run_case(name, length, peers, scratch)
                measured[name].append(result)
                speed = (f"{result['one_core']:.0f} GFLOP/s on one core, {result['all_cores']:.0f} on all"
                         if name == PEAK else f"{result['steps_per_second']:,.1f} steps/s")
                print(f"round {number + 1} of {rounds}: {name:18} {speed}", flush=True)
    return measured


def earlier_results(folder: Path) -> Dict[str, Any]:
    """The groups in the folder's results.json whose cases are still the same."""
    path = folder / "results.json"
    try:
        results = json.loads(path.read_text()) if path.exists() else {}
        return {group: results[group] for group in GROUPS
                if group in results and list(results[group]["measured"]) == GROUPS[group]}
    except (ValueError, KeyError, TypeError) as error:
        raise MeasuringFailed(f"{path.name} is no file of this program's ({error!r}), expected what an earlier run "
                              "wrote: delete it, or restore it with git.") from error


def update_results(folder: Path, groups: Sequence[str], measured: Dict[str, List[Any]], length: str) -> Dict[str, Any]:
    """Put a run's groups in the place of earlier ones in results.json, and write results.md from all that it holds."""
    results = earlier_results(folder)
    for group in groups:
        record = {"length": length, "cpu": cpu(), "cores": nb_cores(), "peak": measured[PEAK],
                  "measured": {name: measured[name] for name in GROUPS[group]}}
        results[group] = {"summary": summarize(group, record), **record}
    results = {group: results[group] for group in GROUPS if group in results}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    (folder / "results.md").write_text(render(results))
    return results


def main(arguments: Optional[List[str]] = None) -> None:
    """Parse the command line, measure, write and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure training speeds side by side.")
    theirs = [group for group in GROUPS if group.startswith("peers-")]
    ours = [group for group in GROUPS if group not in theirs]
    parser.add_argument("--only", nargs="+", choices=list(GROUPS), help="measure these groups alone")
    parser.add_argument("--rounds", type=int, default=5, help="how often each case is measured (default: 5)")
    parser.add_argument("--length", choices=["full", "smoke"], default="full",
                        help="smoke: a few steps, which prove nothing but that it runs")
    parser.add_argument("--peers", metavar="PYTHON", help="the peers' Python: measure beside the peers")
    parser.add_argument("--folder", type=Path, help="where results.md and results.json go (default: benchmarks/, and "
                                                    "build/benchmarks/ for smoke)")
    options = parser.parse_args(arguments)
    if options.rounds < 1:
        parser.error(f"--rounds is {options.rounds}; expected at least 1, and 5 for numbers that mean something")
    groups = options.only or (theirs if options.peers else ours)
    if not options.peers and set(groups) & set(theirs):
        parser.error(f"{' '.join(groups)} needs the peers' Python; run make bench-peers, or pass --peers PYTHON")
    folder = options.folder or (FOLDER if options.length == "full" else FOLDER.parent / "build" / "benchmarks")

    began = time.perf_counter()
    names = [PEAK, *dict.fromkeys(name for group in groups for name in GROUPS[group])]
    try:
        earlier_results(folder)  # what can't be read shall not show after a quarter of an hour
        measured = run_rounds(names, options.rounds, options.length, options.peers)
    except MeasuringFailed as error:
        sys.exit(f"Measuring stopped, and results.md stays as it was: {error}")
    except KeyboardInterrupt:
        sys.exit("\nInterrupted; results.md stays as it was.")
    results = update_results(folder, groups, measured, options.length)
    for group in groups:
        print("\n".join(ratio_lines(group, results[group])))
    minutes = (time.perf_counter() - began) / 60
    print(f"{minutes:.1f} minutes; the tables are in {os.path.relpath(str(folder / 'results.md'))}")


if __name__ == "__main__":
    main()
