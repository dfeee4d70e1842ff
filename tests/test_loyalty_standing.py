"""How loyal customers are: indices, cells, what became of them, links."""

import numpy as np
import pandas as pd
import pytest

from crmlab.errors import CrmlabError
from crmlab.loyalty.pages.standing import groups_of, said_in
from crmlab.loyalty.standing.behaviour import AGE_BANDS, banded, behaviour_index
from crmlab.loyalty.standing.chain import leaving_by_loyalty, path_to_loyalty
from crmlab.loyalty.standing.followed import attitudes_of
from crmlab.loyalty.standing.means import means_by, weighted_mean, weighted_share
from crmlab.loyalty.standing.quadrants import CELLS, cell_of, cell_shares, shares_by_cut
from crmlab.loyalty.standing.wallet import wallet_share


def _frame(n=400, seed=1, effect=0.0):
    rng = np.random.default_rng(seed)
    attitude, behaviour = rng.uniform(30, 100, n), rng.uniform(0, 100, n)
    chance = 1 / (1 + np.exp(1.5 + effect * (attitude - 65) + 0.02 * (behaviour - 50)))
    return pd.DataFrame(
        {
            "customer_id": [f"c{one}" for one in range(n)], "attitude": attitude, "behaviour": behaviour,
            "weight": rng.uniform(0.5, 2, n), "left": (rng.random(n) < chance).astype(float), "wave": "yearly 2024",
        }
    )  # fmt: skip


def test_the_index_is_the_mean_of_its_components():
    seen = pd.DataFrame(
        {"tenure_days": [3652.425, 365.2425], "products_count": [5, 1], "is_salary_credited": [True, False],
         "active_months_12m_count": [12, 6]}
    )  # fmt: skip
    found = behaviour_index(seen)
    # 100, 100, 100, 100; and 10, 0, 0, 6 of the 12 months there (365.2425 / 30.44 = 11.998): 50.0
    assert found["behaviour"].round(1).tolist() == [100.0, 15.0]
    assert list(found) == ["tenure", "products", "primary account", "activity", "behaviour"]


def test_a_newcomer_is_measured_on_the_months_there():
    seen = pd.DataFrame({"tenure_days": [91.32], "active_months_12m_count": [3]})  # three months of three
    assert behaviour_index(seen)["activity"].round(1).tolist() == [100.0]


def test_a_gap_is_left_out_and_weights_count():
    seen = pd.DataFrame({"tenure_days": [3652.425, np.nan], "products_count": [1, 3]})
    assert behaviour_index(seen)["behaviour"].tolist() == [50.0, 50.0]
    heavy = behaviour_index(seen, weights={"tenure": 3, "products": 1})
    assert heavy["behaviour"].tolist() == [75.0, 50.0]


def test_share_of_wallet_counts_where_it_is_known():
    seen = pd.DataFrame({"tenure_days": [3652.425], "products_count": [1], "wallet": [0.5]})
    assert behaviour_index(seen, share_of_wallet="wallet")["behaviour"].tolist() == [50.0]


@pytest.mark.parametrize(
    ("seen", "named", "said"),
    [
        (pd.DataFrame({"tenure_days": [1.0]}), {},
         "behaviour: tenure is known of customers; two components are needed. Give accounts or transactions."),
        (pd.DataFrame(), {},
         "behaviour: nothing is known of customers; two components are needed. Give accounts or transactions."),
        (pd.DataFrame({"tenure_days": [1.0], "products_count": [1]}), {"weights": {"tenur": 1.0}},
         "behaviour: no component 'tenur'. Did you mean 'tenure'? Known: ['tenure', 'products', 'primary account', "
         "'activity', 'share of wallet']."),
    ],
)  # fmt: skip
def test_what_is_no_loyalty_is_refused(seen, named, said):
    with pytest.raises(CrmlabError) as refusal:
        behaviour_index(seen, **named)
    assert refusal.value.problems[0] == said


def test_bands_have_their_lower_edge():
    assert banded(pd.Series([29.9, 30.0, 60.0, np.nan]), AGE_BANDS).astype("str").tolist()[:3] == [
        "under 30", "30 to 44", "60 and over",
    ]  # fmt: skip


def test_the_wallet_rule_is_that_of_the_paper_and_adds_up():
    assert wallet_share([1, 2], [2, 2]).round(3).tolist() == [0.667, 0.333]
    assert wallet_share([1, 2, 3], [3, 3, 3]).round(3).tolist() == [0.5, 0.333, 0.167]
    assert wallet_share([1], [1]).tolist() == [1.0]
    assert wallet_share(np.arange(1, 8), np.full(7, 7)).sum() == pytest.approx(1)
    with pytest.raises(CrmlabError) as refusal:
        wallet_share([3], [2])
    assert str(refusal.value) == "wallet_share: 1 ranks lie outside 1 to the number of banks. Correct them."


def test_means_and_shares_follow_the_textbook():
    one = weighted_mean([1.0, 2.0, 3.0], unit="EUR")
    assert (one.value, round(one.high - one.value, 3)) == (2.0, 2.484)  # t(2) .975 = 4.303, sd 1 / sqrt(3)
    assert weighted_mean([5.0]).low is None
    assert np.isnan(weighted_mean([]).value)
    share = weighted_share([1, 1, 0, 0], [1, 1, 1, 1])
    assert (round(share.low, 3), round(share.high, 3)) == (0.150, 0.850)  # Wilson, 2 of 4
    assert weighted_share([0, 0, 0]).low == 0


def test_rows_of_one_customer_do_not_count_as_many():
    y, twice = [1.0, 0, 1, 0, 1, 1], ["a", "b", "c", "d", "e", "f"]
    alone = weighted_share(y, None, twice)
    repeated = weighted_share(y * 2, None, twice * 2)
    assert repeated.high - repeated.low == pytest.approx(alone.high - alone.low, rel=1e-9)


def test_intervals_of_a_weighted_mean_cover():
    rng, held = np.random.default_rng(2), 0
    for _ in range(400):
        w = rng.uniform(0.3, 3, 60)
        one = weighted_mean(rng.normal(50, 10, 60), w)
        held += one.low <= 50 <= one.high
    assert 365 <= held <= 392  # .95 of 400 is 380, standard deviation 4.4


def test_cells_are_cut_at_the_lines_and_shares_add_up():
    frame = _frame()
    found = cell_shares(frame, attitude_cut=70, behaviour_cut=60)
    assert found["cell"].tolist() == list(CELLS)
    assert found["share"].sum() == pytest.approx(1)
    assert ((found["low"] <= found["share"]) & (found["share"] <= found["high"])).all()
    true = (frame["attitude"] >= 70) & (frame["behaviour"] >= 60)
    assert found["share"].iloc[0] == pytest.approx(np.average(true, weights=frame["weight"]))
    shuffled = cell_shares(frame.sample(frac=1, random_state=3), attitude_cut=70, behaviour_cut=60)
    pd.testing.assert_frame_equal(found, shuffled)


def test_who_is_not_known_is_in_no_cell():
    cells = cell_of(pd.Series([80.0, np.nan]), pd.Series([80.0, 80.0]), attitude_cut=70, behaviour_cut=60)
    assert cells.isna().tolist() == [False, True]
    with pytest.raises(CrmlabError) as refusal:
        cell_of(pd.Series([1.0]), pd.Series([1.0]), attitude_cut=0, behaviour_cut=101)
    assert refusal.value.problems == (
        "loyalty cells: attitude_cut is 0. Give an index above 0, up to 100.",
        "loyalty cells: behaviour_cut is 101. Give an index above 0, up to 100.",
    )


def test_moving_one_line_moves_people_across_that_line_only():
    found = shares_by_cut(_frame(), attitude_cut=70, behaviour_cut=60, steps=(-10, 0, 10)).set_index("cut")
    higher = found.loc["attitude"].iloc[1]
    assert higher["true"] + higher["spurious"] == pytest.approx(
        found.loc["as stated", "true"] + found.loc["as stated", "spurious"]
    )
    assert higher["true"] < found.loc["as stated", "true"]


def test_the_link_to_leaving_is_found_where_it_is_and_not_where_it_is_not():
    found = leaving_by_loyalty(_frame(4000, 5, effect=0.04))
    # 10 points: exp(-.4) = .67 for attitude, exp(-.2) = .82 for behaviour
    assert found["attitude"].low < np.exp(-0.4) < found["attitude"].high < 1
    assert found["behaviour"].low < np.exp(-0.2) < found["behaviour"].high < 1
    none = leaving_by_loyalty(_frame(4000, 6, effect=0.0))["attitude"]
    assert none.low < 1 < none.high


def test_too_few_leavers_are_refused():
    frame = _frame(60, 7).assign(left=0.0)
    with pytest.raises(CrmlabError) as refusal:
        leaving_by_loyalty(frame)
    assert str(refusal.value) == ("leaving by loyalty: 0 leavers for 2 coefficients; 10 are needed. Take more waves.")


def test_the_path_is_a_standardised_slope():
    rng = np.random.default_rng(8)
    satisfaction, image = rng.normal(size=3000), rng.normal(size=3000)
    loyalty = 0.6 * satisfaction + 0.0 * image + 0.8 * rng.normal(size=3000)  # variance 1
    frame = pd.DataFrame({"attitude": loyalty, "satisfaction": satisfaction, "image": image, "weight": 1.0,
                          "customer_id": np.arange(3000)})  # fmt: skip
    found = path_to_loyalty(frame)
    assert found.low < 0.6 < found.high
    with pytest.raises(CrmlabError) as refusal:
        path_to_loyalty(frame.head(10))
    assert str(refusal.value) == "path to loyalty: 10 responses; 50 are needed. Wait for the next wave."


def test_attitudes_leave_out_who_has_no_weight_or_no_index():
    frame = pd.DataFrame({"customer_id": ["a", "b", "c"], "wave": "yearly 2024",
                          "answered_on": pd.Timestamp("2024-03-01"), "weight": [1.0, 0.0, 1.0]})  # fmt: skip
    found = attitudes_of(frame, pd.DataFrame({"loyalty": [70.0, 80.0, np.nan], "satisfaction": [60.0, 60.0, 60.0]}))
    assert found["customer_id"].tolist() == ["a"]
    with pytest.raises(CrmlabError) as refusal:
        attitudes_of(frame, pd.DataFrame({"value": [1.0, 2.0, 3.0]}))
    assert str(refusal.value) == (
        "attitudes: the survey has no construct 'loyalty'; it has ['value']. Ask for loyalty, or name the construct "
        "that stands for it."
    )
    assert said_in(None, "nobody was asked") == (None, "nobody was asked")


def test_groups_come_from_a_column_or_from_tiers():
    seen = pd.DataFrame({"region": ["n", "s"], "branch": ["a", "b"]}, index=["x", "y"])
    assert groups_of(seen, "region", (None, ()))[1] == "region"
    assert groups_of(seen, "", (None, ())) == (None, "tier by assets")
    tiers = groups_of(seen, "", (pd.Series(["top", "base"], index=["x", "y"]), ("base", "top")))[0]
    assert tiers.cat.categories.tolist() == ["base", "top"]
    with pytest.raises(CrmlabError) as refusal:
        groups_of(seen, "regon", (None, ()))
    assert str(refusal.value) == "by: the snapshot has no column 'regon'. Did you mean 'region'?"


def test_means_by_group_are_those_of_the_groups():
    frame = pd.DataFrame({"g": ["a", "a", "b"], "y": [1.0, 3.0, 5.0]})
    assert means_by(frame, "y", "g")[["group", "mean", "n"]].values.tolist() == [["a", 2.0, 2], ["b", 5.0, 1]]
