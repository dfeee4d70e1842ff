"""Does the path model find what was planted, and does the satisfaction index hold the true one? Counted on new surveys.

Run: ``python benchmarks/satisfaction_recovery.py [surveys] [responses] [resamples]``.

Each survey draws the latent variables from the simulation's path model and the answers from its items: rounded, cut at
0 and 10, some left out. It is what the simulated bank's wave is, without the years before. Tables:

1. Every path coefficient by consistent partial least squares (PLSc) with bootstrap percentiles: true value, mean of the
   estimates, how often the 95 % interval holds the truth. Demanded: 90 to 99 % of 200 surveys.
2. The index of every latent variable: true value under the weights found in the survey itself, and how often its 95 %
   interval holds it.
"""

from __future__ import annotations

import sys
import time

from crmlab.validation.survey_recovery import coverage

if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]]
    many, size, drawn = (*given, *(200, 1_400, 500)[len(given) :])
    began = time.perf_counter()
    one, two = coverage(many, size, drawn)
    print(f"{many} surveys of {size} responses, {drawn} resamples, {time.perf_counter() - began:.0f} s")
    print(one.round(3).to_string(index=False))
    print(two.round(3).to_string(index=False))
    print(f"coefficients together: {one['held_share'].mean():.3f}, indices together: {two['held_share'].mean():.3f}")
