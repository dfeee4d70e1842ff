"""sBG and BdW: published fits of two cohorts, the residual lifetime and its trap, and cohorts at the edge."""

import math

import numpy as np
import pytest

from crmlab.errors import CrmlabError
from crmlab.value.contracts.geometric import ShiftedBetaGeometric, fit_renewals

# Fader and Hardie (2007), table 1; survivors of 1,000 after each renewal
REGULAR = [1000, 631, 468, 382, 326, 289, 262, 241, 223, 207, 194, 183, 173]
HIGH_END = [1000, 869, 743, 653, 593, 551, 517, 491, 468, 445, 427, 409, 394]


@pytest.mark.parametrize(
    ("survivors", "alpha", "beta", "likelihood"),
    [(REGULAR, 0.704077, 1.182043, -1680.265188), (HIGH_END, 0.668088, 3.806096, -1611.158147)],
)
def test_seven_renewals_fit_as_published(survivors, alpha, beta, likelihood):
    model = fit_renewals(survivors[:8])
    assert (model.alpha, model.beta) == (pytest.approx(alpha, abs=2e-5), pytest.approx(beta, abs=2e-4))
    assert model.log_likelihood == pytest.approx(likelihood, abs=1e-6)
    assert model.warning == ""


@pytest.mark.parametrize(
    ("survivors", "seen", "wanted"),
    [  # foretell 0.2.0: BdW, projected survival in % after the last renewal seen
        (REGULAR, 5, [28.7535986, 25.8880614, 23.6578522, 21.8636545]),
        (HIGH_END, 5, [54.6603577, 51.0357902, 48.1029581, 45.6670518]),
        (REGULAR, 8, [22.3345410, 20.8937115, 19.6787367, 18.6372203]),
        (HIGH_END, 8, [46.7746668, 44.8330836, 43.1573483, 41.6906587]),
    ],
)
def test_chances_that_change_with_time_project_as_published(survivors, seen, wanted):
    model = fit_renewals(survivors[:seen], has_shape=True)
    ahead = np.arange(seen, seen + 4)
    assert 100 * model.survival(ahead) == pytest.approx(wanted, abs=2e-3)


def test_the_residual_lifetime_counts_periods_not_renewals():
    model = ShiftedBetaGeometric(alpha=0.668, beta=3.806)  # the rounded values of the paper
    assert model.expected_renewals(7, discount=0.1) == pytest.approx(7.345052, abs=2e-6)
    assert model.expected_renewals(8, discount=0.1) == pytest.approx(7.529950, abs=2e-6)
    ahead = np.arange(400)
    plain = (model.survival(7 + ahead) / model.survival(6) * 1.1**-ahead).sum()
    assert plain == pytest.approx(model.expected_renewals(7, discount=0.1), abs=1e-9)


def test_the_sum_of_the_series_is_the_closed_form_for_bdw_too():
    shaped = ShiftedBetaGeometric(0.668, 3.806, shape=1.0000001)
    assert shaped.expected_renewals(7, discount=0.1) == pytest.approx(7.345052, abs=1e-4)


def test_residual_lifetime_without_discount():
    # mean of a beta-geometric: b / (a - 1) renewals of a new customer
    assert ShiftedBetaGeometric(3.0, 4.0).expected_renewals(1, discount=0.0) == pytest.approx(2.0)
    assert ShiftedBetaGeometric(0.9, 4.0).expected_renewals(1, discount=0.0) == math.inf


@pytest.mark.parametrize(
    ("survivors", "warning"),
    [
        ([100, 100, 100], "nobody left: the chance to leave is near 0 and no spread is seen"),
        ([100, 0, 0], "everybody left at once: no spread is seen"),
        ([5, 3], "one renewal tells the mean chance to leave, not how customers differ: do not look further ahead"),
        ([1000, 900, 810, 729],
         "customers seem alike, or one number of the law has no limit: trust the survival, not the numbers"),
    ],
)  # fmt: skip
def test_cohorts_at_the_edge_are_fitted_with_a_warning(survivors, warning):
    model = fit_renewals(survivors)
    assert model.warning == warning
    seen = np.array(survivors) / survivors[0]
    assert model.survival(range(len(seen))) == pytest.approx(seen, abs=2e-3)


def test_what_no_cohort_can_be_is_refused():
    with pytest.raises(CrmlabError) as refused:
        fit_renewals([100, 120, -1])
    assert str(refused.value) == (
        "2 problems:\n"
        "- fit_renewals: the survivors have gaps or values below 0. Give counts of customers.\n"
        "- fit_renewals: the survivors rise. Give one cohort; customers won back are a new one."
    )
    with pytest.raises(CrmlabError) as refused:
        fit_renewals([100], has_shape=True)
    assert str(refused.value) == "fit_renewals: 1 numbers of survivors. Give 4 or more, the start first."


def test_intervals_of_what_was_seen_stand_beside_the_projection():
    frame = fit_renewals(REGULAR[:8]).project(9, survivors=REGULAR[:8])
    assert frame["seen_share"].notna().sum() == 8
    assert (frame["seen_share_low"] <= frame["survival_share"])[:8].all()
    assert (frame["survival_share"] <= frame["seen_share_high"])[:8].all()
