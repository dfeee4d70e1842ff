"""How often the checks of a survey raise a finding when everybody answered honestly, and how many careless they find.

Run: python benchmarks/survey_checks.py [surveys]

Honest answers: a mood of each person, an opinion of each latent variable, an error of each item, on the retail bank's
questionnaire, with and without a ceiling. Careless ones: the same answer throughout, within the scale.

Measured with 60 surveys of each kind: a finding in 0 of 60 honest surveys of 250 and of 1,000 responses at a mean of 7
or 9 of 10, and at a mean of 9.5 with a strong common mood (many honest straight lines) in 0 and 1 of 60. Of 500
responses, 1 careless one is found in 0 of 60 surveys (one odd response is no finding), 2, 3 or 5 in 60 of 60.
"""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd

from crmlab.bank.questionnaire import read_questionnaire
from crmlab.satisfaction.survey.survey_quality import check_survey

BANK = read_questionnaire("retail_bank")
BLOCK = list(BANK.latent_of)


def answers(n: int, seed: int, *, mean: float, mood: float, careless: int = 0) -> pd.DataFrame:
    """Long table of n responses."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=n)
    opinion = {name: mood * shared + np.sqrt(1 - mood**2) * rng.normal(size=n) for name in BANK.latents}
    truth = np.column_stack([opinion[BANK.latent_of[code]] for code in BLOCK])
    score = np.clip(np.rint(mean + 1.4 * truth + 1.1 * rng.normal(size=truth.shape)), 0, 10)
    score[rng.random(score.shape) < 0.01] = np.nan
    score[:careless] = rng.integers(1, 10, size=(careless, 1))
    names = [f"R{i}" for i in range(n)]
    wide = pd.DataFrame(score, columns=BLOCK).assign(response_id=names, customer_id=names, wave="yearly 2024", nps=7.0)
    return wide.melt(id_vars=["response_id", "customer_id", "wave"], var_name="item", value_name="score")


def main(surveys: int) -> None:
    """Print the counts."""
    for mean, mood in ((7.0, 0.6), (9.0, 0.6), (9.5, 0.9)):
        for n in (250, 1000):
            told = [check_survey(answers(n, seed, mean=mean, mood=mood), BANK).findings for seed in range(surveys)]
            kinds = pd.concat(told)["kind"].value_counts().to_dict()
            any_count = sum(len(one) > 0 for one in told)
            print(f"mean {mean}, mood {mood}, n {n}: {any_count} of {surveys} with a finding {kinds}")
    for careless in (1, 2, 3, 5, 20):
        found = sum(
            "straight-lining"
            in check_survey(answers(500, seed, mean=7.0, mood=0.6, careless=careless), BANK).findings["kind"].tolist()
            for seed in range(surveys)
        )
        print(f"{careless} careless of 500: found in {found} of {surveys}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
