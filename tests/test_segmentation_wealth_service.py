"""Service of each tier: what it costs against the yield, and the table of what to do."""

import numpy as np
import pandas as pd
import pytest

from crmlab.errors import CrmlabError
from crmlab.segmentation.tiers import Tiering
from crmlab.segmentation.treatment import treatments
from crmlab.segmentation.wealth import tier_holdings, tier_yields
from crmlab.segmentation.wealth_service import LEVELS, plan_of_tiers, service_levels
from crmlab.stats import Evidence

COSTS = [600.0, 60.0]


def _yields(*rows):
    names = ["tier", "customers_count", "yield_amount", "yield_low_amount", "yield_high_amount"]
    return Evidence(pd.DataFrame(rows, columns=names), "", "", "")


def test_service_follows_the_lower_limit_of_the_yield():
    # a fifth of the lower limit: 60 buys a team just so; 59.98 does not; 598 is no adviser although the mean would be
    found = service_levels(
        _yields(
            ("base", 50, 310.0, 299.9, 330.0),
            ("core", 40, 320.0, 300.0, 340.0),
            ("affluent", 30, 4_000.0, 2_990.0, 5_000.0),
            ("top", 20, 6_000.0, 3_000.0, 12_000.0),
        ),
        COSTS,
        currency="EUR",
    )
    assert found.frame["service"].tolist() == [LEVELS[2], LEVELS[1], LEVELS[1], LEVELS[0]]
    assert found.frame["adviser_share"].round(4).tolist() == [1.9355, 1.875, 0.15, 0.1]
    assert found["advised_count"].value == 20
    even = found["adviser_break_even"]
    assert (even.value, even.low, even.high, even.n) == (0.1, 0.05, 0.2, 20)
    assert found.title == "A personal adviser for the top tier: 20 customers"
    assert list(found.frame) == ["tier", "customers_count", "yield_amount", "adviser_share", "team_share", "service"]


def test_all_that_earn_an_adviser_are_counted_and_the_lowest_gives_the_break_even():
    rows = _yields(("core", 40, 5_000.0, 4_000.0, 6_000.0), ("top", 20, 9_000.0, 8_000.0, 12_000.0))
    found = service_levels(rows, COSTS, currency="EUR")
    assert found.title == "A personal adviser for the core and top tiers: 60 customers"
    assert found["adviser_break_even"].value == 0.12
    assert "it pays in the core tier when it keeps or adds 12.0 % (95 % interval 10.0 to 15.0 %" in found.reading


def test_no_adviser_and_groups_too_small_are_told():
    rows = _yields(("base", 50, 100.0, 90.0, 110.0), ("top", 9, np.nan, np.nan, np.nan))
    found = service_levels(rows, COSTS, currency="EUR")
    assert found.frame["service"].tolist() == ["digital self-service", "too few customers to decide"]
    assert found.title == "No tier yields enough for a personal adviser"
    assert found.reading == (
        "A personal adviser at EUR 600.00 a customer a year costs more than 20.0 % of any yield; in the base tier it "
        "is 600.0 %."
    )
    assert list(found.estimates) == ["advised_count"]
    nothing = service_levels(_yields(("base", 20, -5.0, -9.0, 0.0)), COSTS, currency="EUR")
    assert nothing.frame["adviser_share"].isna().all()
    assert nothing.frame["service"].tolist() == ["digital self-service"]


@pytest.mark.parametrize("costs", [[600.0], [60.0, 600.0], [600.0, 600.0], [600.0, 0.0], [float("nan"), 1.0]])
def test_costs_that_part_nothing_are_refused(costs):
    with pytest.raises(CrmlabError) as error:
        service_levels(_yields(), costs, currency="EUR")
    assert str(error.value) == (
        f"service_costs: {costs} cannot part services. Give two falling amounts above 0: what a personal adviser and "
        "what a service team costs a customer a year."
    )


def test_a_share_that_is_none_is_refused():
    with pytest.raises(CrmlabError) as error:
        service_levels(_yields(), COSTS, currency="EUR", most_share=0.0)
    assert str(error.value) == "service_share: 0.0 is no share of the yield. Give a number above 0, up to 1."


def test_the_plan_of_tiers_says_who_holds_what_is_offered():
    # 60 in base, a third with savings; 40 in top, three quarters with savings; nothing else is held
    rule = Tiering((1_000.0,), "EUR")
    index = pd.Index([f"c{i}" for i in range(100)], name="customer_id")
    seen = pd.DataFrame(
        {
            "assets_amount": [50.0] * 60 + [5_000.0] * 40,
            "savings_count": [1] * 20 + [0] * 40 + [1] * 30 + [0] * 10,
            "margin_12m_amount": [50.0] * 60 + [4_000.0] * 40,
        },
        index=index,
    )
    treated = treatments(seen, rule.of(seen["assets_amount"]), order=rule.names, currency="EUR")
    service = service_levels(tier_yields(seen, rule), COSTS, currency="EUR")
    found = plan_of_tiers(treated, service, tier_holdings(seen, rule))
    assert list(found.frame) == ["tier", "product", "channel", "service", "measure"]
    assert found.frame["service"].tolist() == ["Digital self-service", "Personal adviser"]
    assert found.frame["product"].str.endswith(": held by 33.3 %, 75.0 % of top").tolist() == [True, False]
    assert found.frame["product"].tolist()[1].endswith(": held by 75.0 %")
    # without yields the service is that of the treatments
    assert plan_of_tiers(treated, None).frame["service"].tolist() == treated.frame["service"].tolist()
