"""Measure the simulation: seconds and peak memory by number of customers, and whether bytes depend on processes.

Run ``python benchmarks/simulation.py`` (about a minute), or with ``--customers 200000 --processes 2`` for the claim on
large banks (some ten minutes).
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# Runs in a process of its own, so that the peak is the run's; children are the worker processes.
_RUN = """
import resource, sys
from crmlab.simulation import simulate
if __name__ == "__main__":
    out, customers, months, processes = sys.argv[1], *map(int, sys.argv[2:])
    written = simulate(out, customers=customers, months=months, seed=1, processes=processes)
    own, most = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    peak = own.ru_maxrss + (processes if processes > 1 else 0) * most.ru_maxrss
    cpu = sum(part.ru_utime + part.ru_stime for part in (own, most))
    print(sum(written.rows.values()), sum(written.sizes.values()), peak, cpu)
"""


def measure(customers: int, months: int, processes: int) -> str:
    with tempfile.TemporaryDirectory() as folder:
        script, bank = Path(folder, "run.py"), Path(folder, "bank")
        script.write_text(_RUN, encoding="utf-8")
        began = time.perf_counter()
        numbers = [str(number) for number in (customers, months, processes)]
        run = subprocess.run([sys.executable, script, bank, *numbers], capture_output=True, text=True, check=True)
        seconds = time.perf_counter() - began
        rows, size, peak, cpu = (float(word) for word in run.stdout.split())
        # peak in KiB on Linux; for several processes the sum of the parent's and as many of the largest child's
        print(
            f"{customers:>9,} customers x {months} months, {processes} processes: {seconds:6.1f} s, {cpu:6.1f} CPU s, "
            f"{peak / 2**20:.2f} GiB at most, {rows:,.0f} rows, {size / 1e6:,.0f} MB",
            flush=True,
        )
        return _digest(bank)


def _digest(folder: Path) -> str:
    whole = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        whole.update(str(path.relative_to(folder)).encode() + path.read_bytes())
    return whole.hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, nargs="+", default=[1_000, 5_000, 20_000])
    parser.add_argument("--months", type=int, default=36)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2])
    chosen = parser.parse_args()
    for customers in chosen.customers:
        digests = {measure(customers, chosen.months, processes) for processes in chosen.processes}
        if len(chosen.processes) > 1:
            print("          same bytes" if len(digests) == 1 else "          DIFFERENT BYTES", flush=True)


if __name__ == "__main__":
    main()
