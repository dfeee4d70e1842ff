"""Claims: what counts as holding the truth."""

import pytest

from crmlab.stats import Estimate
from crmlab.validation.claims import Claim


def _claim(value, truth, low=None, high=None, unit="share"):
    return Claim("00_x", "n", "N", Estimate(value, unit=unit, low=low, high=high), truth, "So.")


@pytest.mark.parametrize(
    ("claim", "held"),
    [
        (_claim(0.5, 0.45, 0.4, 0.6), True),
        (_claim(0.5, 0.6, 0.4, 0.6), True),  # the limits belong to the interval
        (_claim(0.5, 0.61, 0.4, 0.6), False),
        (_claim(0.5, None, 0.4, 0.6), None),
        (_claim(float("nan"), 0.5, 0.4, 0.6), None),
        (_claim(12.0, 12.0, unit="count"), True),
        (_claim(12.0, 13.0, unit="count"), False),
        (_claim(1 / 3, 0.3333333333), True),  # findings keep ten digits
        (_claim(0.5, 0.45, float("nan"), 0.6), False),  # an interval with one limit is none
    ],
)
def test_an_interval_holds_the_truth_and_a_count_equals_it(claim, held):
    assert claim.is_held is held


def test_the_truth_is_written_in_the_unit_of_the_estimate():
    assert (_claim(0.5, 0.0712).true, _claim(1.0, 1234.0, unit="count").true) == ("7.1 %", "1,234")
    assert _claim(0.5, None).true == "not known"
