"""What the main job costs: simulate the bank, write the report, write it again with nothing changed.

    python benchmarks/report.py
    python benchmarks/report.py --source path/to/berka    # a bank of your own instead

Prints wall and CPU seconds of each step and the peak of the memory that all its processes hold together (resident
memory, sampled ten times a second; shared pages count once for each process, so it is an upper bound).
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil


def measure(*arguments: str) -> tuple[float, float, float]:
    """Run a crmlab command; return wall seconds, CPU seconds and peak GiB of its process tree."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    command = [sys.executable, "-m", "crmlab", *arguments]
    process = psutil.Popen(command, stdout=subprocess.DEVNULL)
    peak = 0
    while process.poll() is None:
        peak = max(peak, _resident(process))
        time.sleep(0.1)
    wall = time.perf_counter() - start
    if process.returncode:
        sys.exit(f"{' '.join(arguments)} ended with {process.returncode}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, peak / 2**30


def _resident(process: psutil.Popen) -> int:
    total = 0
    for one in [process, *process.children(recursive=True)]:
        try:
            total += one.memory_info().rss
        except psutil.Error:
            continue  # it ended meanwhile
    return total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", help="bank to read instead of the simulated one")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        source = given.source or str(Path(scratch) / "bank")
        steps = [] if given.source else [("simulate", ("simulate", "--out", source))]
        run = ("run", "--source", source, "--out", str(Path(scratch) / "report"))
        steps += [("report", (*run, "--fresh")), ("report again", run)]
        print(f"{'step':<14}{'wall s':>8}{'CPU s':>8}{'peak GiB':>10}")
        for name, arguments in steps:
            wall, cpu, peak = measure(*arguments)
            print(f"{name:<14}{wall:>8.1f}{cpu:>8.1f}{peak:>10.2f}")


if __name__ == "__main__":
    main()
