"""What a trial can show: the arithmetic, statsmodels, a simulation, limits."""

import math

import numpy as np
import pytest
from statsmodels.stats.power import NormalIndPower, TTestIndPower
from statsmodels.stats.proportion import proportion_effectsize

from crmlab.errors import CrmlabError
from crmlab.stats import smallest_difference, smallest_difference_of_means


def test_a_share_by_hand():
    # half of 200 held out: h = (1.95996 + 0.84162) x sqrt(1/100 + 1/100) = 0.39620; from 0.5, where the scale stands at
    # pi / 4, up by h / 2: sin(pi/4 + 0.19810)^2 = (1 + sin(0.39620)) / 2 = 0.69296
    assert smallest_difference(0.5, 200) == pytest.approx(0.19296, abs=1e-5)
    assert smallest_difference(0.5, 200, falls=True) == pytest.approx(0.19296, abs=1e-5)


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.93])
@pytest.mark.parametrize("holdout", [0.1, 0.5])
def test_shares_agree_with_statsmodels(share, holdout):
    n = 4_000
    for falls in (False, True):
        found = smallest_difference(share, n, falls=falls, holdout=holdout, power=0.9, level=0.9)
        if share == 0.01 and falls:
            continue
        other = share - found if falls else share + found
        effect = abs(proportion_effectsize(other, share))
        power = NormalIndPower().power(effect, n * holdout, 0.1, ratio=(1 - holdout) / holdout)
        assert power == pytest.approx(0.9, abs=1e-4)  # statsmodels counts the wrong tail too


def test_means_agree_with_statsmodels():
    found = smallest_difference_of_means(20.0, 1_000, holdout=0.3)
    effect = TTestIndPower().solve_power(nobs1=300, ratio=700 / 300, alpha=0.05, power=0.8)
    assert found == pytest.approx(20 * effect, rel=3e-3)  # Student's law instead of the normal one


def test_a_trial_of_this_size_finds_this_difference_four_times_in_five():
    rng = np.random.default_rng(1)
    n, share = 1_500, 0.12
    gain = smallest_difference(share, n)
    held, called = rng.binomial(n // 2, [[share], [share + gain]], (2, 20_000)) / (n // 2)
    error = np.sqrt((held * (1 - held) + called * (1 - called)) / (n // 2))
    assert np.mean(called - held > 1.96 * error) == pytest.approx(0.8, abs=0.015)


def test_more_customers_show_less_and_a_smaller_holdout_shows_more():
    sizes = [smallest_difference(0.2, n) for n in (100, 1_000, 10_000)]
    assert sizes == sorted(sizes, reverse=True)
    assert smallest_difference(0.2, 1_000, holdout=0.1) > smallest_difference(0.2, 1_000)


def test_what_cannot_be_shown_is_not_known():
    assert math.isnan(smallest_difference(0.99, 50))
    assert math.isnan(smallest_difference(0.01, 50, falls=True))
    assert math.isnan(smallest_difference(0.0, 1_000, falls=True))
    assert math.isnan(smallest_difference(0.5, 1))
    assert math.isnan(smallest_difference(0.5, 0))
    assert math.isnan(smallest_difference(math.nan, 100))
    assert math.isnan(smallest_difference_of_means(1.0, 0))
    assert smallest_difference_of_means(0.0, 10) == 0


def test_what_makes_no_sense_is_refused_at_once():
    with pytest.raises(CrmlabError) as error:
        smallest_difference(0.5, -1, holdout=0, power=1.2)
    assert list(error.value.problems) == [
        "smallest_difference: there are -1 customers. Give 0 or more.",
        "smallest_difference: holdout is 0. Give a share above 0 and below 1.",
        "smallest_difference: power is 1.2. Give a share above 0 and below 1.",
    ]
    with pytest.raises(CrmlabError, match=r"^smallest_difference: the share is 1\.5\. Give a share from 0 to 1\.$"):
        smallest_difference(1.5, 10)
    with pytest.raises(CrmlabError, match=r"the standard deviation is -1\. Give 0 or more\.$"):
        smallest_difference_of_means(-1, 10)
