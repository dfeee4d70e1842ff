"""Maximum profit: the reference vector, brute force over cuts, limits."""

import re

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import beta

from crmlab.errors import CrmlabError
from crmlab.stats import RetentionOffer, expected_maximum_profit, maximum_profit, profit_curve

TOY = [0, 1, 0, 1, 0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 0.8, 0.9]


def best_cut(y, s, offer, kept_share):
    """Profit per customer of the best of all cuts, by trying each."""
    y, s = np.asarray(y), np.asarray(s)
    best = 0.0
    for cut in np.unique(s):
        called = s >= cut
        gain = called & (y == 1)
        profit = (
            gain.sum() * (kept_share * (offer.clv_amount - offer.incentive_amount) - offer.contact_amount)
            - (called & (y == 0)).sum() * (offer.incentive_amount + offer.contact_amount)
        ) / len(y)
        best = max(best, profit)
    return best


def test_the_reference_vector():
    # empulse 0.13.1, EMP-PY 2.0.4 and the R package's formula agree on these to 1e-12
    found = expected_maximum_profit(*TOY, resamples=10)
    assert found.profit.value == pytest.approx(23.875593418348124, abs=1e-10)
    assert found.share.value == pytest.approx(0.8743700763487141, abs=1e-10)
    assert maximum_profit(*TOY, resamples=10).profit.value == pytest.approx(23.875, abs=1e-12)
    assert maximum_profit(*TOY, resamples=10).share.value == pytest.approx(0.875)


@pytest.mark.parametrize("ties", [False, True])
def test_profit_agrees_with_trying_every_cut(ties):
    generator = np.random.default_rng(3)
    y = generator.binomial(1, 0.1, 60)
    s = generator.normal(size=60) + y
    s = np.round(s) if ties else s
    offer = RetentionOffer(clv_amount=150, incentive_amount=12, contact_amount=2, alpha=3, beta=5)
    assert maximum_profit(y, s, offer=offer, resamples=5).profit.value == pytest.approx(
        best_cut(y, s, offer, 3 / 8), abs=1e-10
    )
    average = quad(lambda g: best_cut(y, s, offer, g) * beta.pdf(g, 3, 5), 0, 1, limit=400, epsabs=1e-7)[0]
    assert expected_maximum_profit(y, s, offer=offer, resamples=5).profit.value == pytest.approx(average, abs=1e-5)


def test_the_curve_starts_at_nothing_and_peaks_at_the_maximum():
    y, s = TOY
    frame = profit_curve(y, s, shares=np.arange(9) / 8, resamples=20)
    assert frame["profit_amount"].iloc[0] == 0
    assert frame["profit_amount"].max() == pytest.approx(23.875)
    # everybody: half are leavers: .5 x (.3 x 190 - 1) - .5 x 11
    assert frame["profit_amount"].iloc[-1] == pytest.approx(0.5 * 56 - 5.5)
    assert (frame["profit_amount_low"] <= frame["profit_amount"] + 1e-9).all()


def test_who_pays_nothing_calls_all_leavers_and_who_gains_nothing_nobody():
    y, s = TOY
    free = expected_maximum_profit(y, s, offer=RetentionOffer(incentive_amount=0, contact_amount=0), resamples=5)
    assert free.share.value == pytest.approx(0.875)  # the last one is no leaver: calling brings and costs nothing
    assert free.profit.value == pytest.approx(0.5 * 0.3 * 200)
    dear = expected_maximum_profit(y, s, offer=RetentionOffer(clv_amount=1, incentive_amount=0.5), resamples=5)
    assert (dear.profit.value, dear.share.value) == (0.0, 0.0)
    assert (dear.profit.low, dear.profit.high) == (0.0, 0.0)


def test_profit_scales_with_the_currency():
    y, s = TOY
    one = expected_maximum_profit(y, s, resamples=50)
    other = expected_maximum_profit(
        y,
        s,
        offer=RetentionOffer(clv_amount=2e4, incentive_amount=1e3, contact_amount=100, currency="CZK"),
        resamples=50,
    )
    assert other.profit.value == pytest.approx(100 * one.profit.value)
    assert other.profit.high == pytest.approx(100 * one.profit.high)
    assert other.profit.unit == "CZK"


def test_one_class_is_not_known():
    found = expected_maximum_profit([0, 0], [1, 2])
    assert np.isnan(found.profit.value)
    assert found.profit.method == "not known: none of 2 rows has the event"
    assert profit_curve([0, 0], [1, 2])["profit_amount"].isna().all()


def test_senseless_offers_are_refused():
    message = (
        "4 problems:\n- maximum_profit: clv_amount is -1. Give a number above 0.\n"
        "- maximum_profit: alpha is 0. Give a number above 0.\n"
        "- maximum_profit: incentive_amount is -2. Give a cost, 0 or more.\n"
        "- maximum_profit: contact_amount is nan. Give a cost, 0 or more."
    )
    offer = RetentionOffer(clv_amount=-1, alpha=0, incentive_amount=-2, contact_amount=float("nan"))
    with pytest.raises(CrmlabError, match=f"^{re.escape(message)}$"):
        maximum_profit(*TOY, offer=offer)
    message = (
        "maximum_profit: the incentive of 300 costs as much as a customer is worth (200.0). Give a smaller incentive."
    )
    with pytest.raises(CrmlabError, match=f"^{re.escape(message)}$"):
        maximum_profit(*TOY, offer=RetentionOffer(incentive_amount=300))
