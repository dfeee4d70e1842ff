"""Read any public randomised trial with the functions of the package: mean effects, and whether single ones are usable.

    python benchmarks/trial.py FILE --arm segment --treated "Mens E-Mail" --outcome visit [--exclude conversion spend]

FILE is CSV or Parquet, one row a customer. Every column that is neither the arm nor an outcome nor excluded is taken as
known before the draw: exclude what came later. Rows of other arms than the treated and the control are left out.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from crmlab.errors import refuse
from crmlab.stats.adjusted_effects import adjusted_difference, cuped
from crmlab.stats.effect_features import FeatureTable
from crmlab.stats.effect_learners import cross_fitted_effects
from crmlab.stats.experiments import difference_of_means, difference_of_shares
from crmlab.stats.heterogeneity import heterogeneity
from crmlab.stats.trial_arms import sample_ratio


def read(asked: argparse.Namespace) -> tuple[pd.DataFrame, pd.Series]:
    path = Path(asked.file)
    frame = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
    lacking = [name for name in (asked.arm, *asked.outcome, *asked.exclude) if name not in frame]
    refuse(*(f"{path.name} has no column {name!r}; it has {list(frame.columns)}." for name in lacking))
    arm = frame[asked.arm].astype(str)
    others = [asked.control] if asked.control else sorted(set(arm) - {asked.treated})
    refuse(
        *(
            []
            if (arm == asked.treated).any()
            else [f"{asked.arm} is never {asked.treated!r}. It is {sorted(set(arm))}."]
        ),
        *([] if len(others) == 1 else [f"{asked.arm} has the arms {others} beside. Name the control by --control."]),
    )
    kept = arm.isin([asked.treated, *others])
    return frame[kept].reset_index(drop=True), (arm[kept] == asked.treated).reset_index(drop=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file")
    parser.add_argument("--arm", required=True, help="column that says who was treated")
    parser.add_argument("--treated", required=True, help="its value for the treated")
    parser.add_argument(
        "--control", default="", help="its value for those held out, where there are more than two arms"
    )
    parser.add_argument("--outcome", required=True, nargs="+")
    parser.add_argument("--exclude", nargs="*", default=[], help="columns not known before the draw")
    parser.add_argument("--treated-share", type=float, default=0.5, help="planned share of the treated")
    parser.add_argument("--folds", type=int, default=5)
    asked = parser.parse_args()
    frame, treated = read(asked)
    sizes = sample_ratio([treated.sum(), (~treated).sum()], [asked.treated_share, 1 - asked.treated_share])
    print(sizes.reading)
    if sizes.is_alarm:
        return
    features = frame.drop(columns=[asked.arm, *asked.outcome, *asked.exclude])
    print(f"Facts before the draw: {', '.join(features.columns)}")
    before = FeatureTable().fit(features).dense(features)
    for name in asked.outcome:
        outcome = frame[name].astype(float)
        known = outcome.notna()
        y, arm = outcome[known], treated[known]
        is_share = bool(np.isin(y, (0, 1)).all())
        plain = difference_of_means(y, arm)
        error = (plain.high - plain.low) / (2 * 1.959964)
        print(f"\n{name}: {y[~arm].mean():.5f} held out; effect {plain.value:+.5f} (SE {error:.5f}), n = {plain.n:,}")
        if is_share:
            counts = [(y[arm == side].sum(), (arm == side).sum()) for side in (True, False)]
            print(f"  Newcombe: {difference_of_shares(*counts).text}")
        sharper = cuped(y, arm, before[known.to_numpy()])
        lin = adjusted_difference(y, arm, before[known.to_numpy()])
        print(f"  CUPED with all facts takes {100 * sharper.variance_reduction_share:.2f} % of the variance away; "
              f"Lin {lin.value:+.5f} (SE {(lin.high - lin.low) / (2 * 1.959964):.5f})")  # fmt: skip
        found = cross_fitted_effects(features[known], y, arm, treated_share=asked.treated_share, folds=asked.folds)
        verdict = heterogeneity(found, unit="share" if is_share else "")
        print(f"  {verdict.verdict}")
        print(verdict.frame.round(5).to_string(index=False))
        print(verdict.groups.round(5).to_string(index=False))


if __name__ == "__main__":
    main()
