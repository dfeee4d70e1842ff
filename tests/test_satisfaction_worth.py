"""What a point is worth: against statsmodels, by hand, recovery of a planted association, and refusals."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from crmlab.errors import CrmlabError
from crmlab.satisfaction.importance.margin_of_a_point import margin_of_a_point
from crmlab.satisfaction.importance.worth import worth_of_a_point

ASK = {"score": "score", "churned": "churned", "value_amount": "margin_amount"}


def _customers(n: int = 3_000, seed: int = 1, slope: float = -0.03) -> pd.DataFrame:
    """Leaving hangs on score and tenure; tenure goes with the score; rich customers leave like others."""
    rng = np.random.default_rng(seed)
    tenure = rng.uniform(0, 20, n)
    score = np.clip(50 + tenure + rng.normal(0, 15, n), 0, 100)
    branch = rng.integers(0, 40, n)
    log_odds = 0.8 + slope * score - 0.05 * tenure + rng.normal(0, 0.4, 40)[branch]
    kind = rng.choice(["salary", "student", "other"], n, p=[0.6, 0.1, 0.3])
    return pd.DataFrame({
        "score": score, "tenure_years": tenure, "kind": kind,
        "branch": branch, "margin_amount": rng.gamma(2, 100, n),
        "churned": (rng.random(n) < 1 / (1 + np.exp(-log_odds))).astype(int),
    })  # fmt: skip


@pytest.fixture(scope="module")
def customers() -> pd.DataFrame:
    return _customers()


def test_the_same_numbers_as_statsmodels(customers):
    found = worth_of_a_point(customers, controls=["tenure_years", "kind"], resamples=100, **ASK)
    design = pd.DataFrame({
        "constant": 1.0, "score": customers["score"], "tenure": customers["tenure_years"],
        "other": customers["kind"] == "other", "student": customers["kind"] == "student",
    }).astype(float)  # fmt: skip
    fitted = sm.Logit(customers["churned"], design).fit(disp=0)
    gain = fitted.predict(design) - fitted.predict(design.assign(score=design["score"] + 1))
    assert found["odds_ratio"].value == pytest.approx(np.exp(fitted.params["score"]), abs=1e-9)
    assert found["kept_share"].value == pytest.approx(gain.mean(), abs=1e-10)
    assert found["break_even_amount"].value == pytest.approx((gain * customers["margin_amount"]).mean(), abs=1e-8)
    assert found["kept_amount"].value == pytest.approx((gain * customers["margin_amount"]).sum(), rel=1e-8)
    # at the scores seen, a logistic regression with a constant expects as many leavers as there are
    seen = found.frame.set_index("points").loc[0, "churn_share"]
    assert seen == pytest.approx(customers["churned"].mean(), abs=1e-10)
    # limits are near those of the normal law
    low, high = np.exp(fitted.conf_int().loc["score"])
    assert [found["odds_ratio"].low, found["odds_ratio"].high] == pytest.approx([low, high], abs=0.004)


def test_two_scores_by_hand():
    # score 0: 50 of 100 left, score 10: 20 of 100. Odds 1 and 1/4: log odds fall by ln 4 = 10 * .1386
    frame = pd.DataFrame({
        "score": np.repeat([0.0, 10.0], 100), "margin_amount": 100.0,
        "churned": np.r_[np.arange(100) < 50, np.arange(100) < 20].astype(int),
    })  # fmt: skip
    found = worth_of_a_point(frame, points=10, resamples=100, customers_count=1_000, **ASK)
    assert found["odds_ratio"].value == pytest.approx(0.25)
    # ten points: from .5 to .2 for half, from .2 to 1 / (1 + 16) for the others
    kept = (0.3 + 0.2 - 1 / 17) / 2
    assert found["kept_share"].value == pytest.approx(kept)
    assert found["kept_count"].value == pytest.approx(1_000 * kept)
    assert found["kept_amount"].value == pytest.approx(100_000 * kept)
    assert found.title == f"10 more points: {1000 * kept:.1f} fewer leavers in 1,000 customers"


def test_the_planted_association_lies_in_the_limits_and_needs_the_control(customers):
    with_control = worth_of_a_point(customers, controls=["tenure_years"], cluster="branch", resamples=200, **ASK)
    without = worth_of_a_point(customers, resamples=200, **ASK)
    assert with_control["odds_ratio"].low < np.exp(-0.03) < with_control["odds_ratio"].high
    assert without["odds_ratio"].value < with_control["odds_ratio"].value  # tenure's part is given to the score
    assert "This is an association, not an effect." in with_control.reading


def test_nothing_found_where_nothing_is():
    found = worth_of_a_point(_customers(2_000, seed=5, slope=0.0), controls=["tenure_years"], resamples=200, **ASK)
    assert found["kept_amount"].low < 0 < found["kept_amount"].high
    assert found.title == "One more point may go with no fewer leavers"
    assert "no budget can be founded on it" in found.reading


def test_currency_order_and_weights(customers):
    base = worth_of_a_point(customers, controls=["tenure_years"], resamples=100, **ASK)
    cents = customers.assign(margin_amount=customers["margin_amount"] * 100)[::-1]
    other = worth_of_a_point(cents, controls=["tenure_years"], resamples=100, currency="CNY", **ASK)
    assert other["kept_amount"].value == pytest.approx(100 * base["kept_amount"].value)
    assert other["kept_amount"].unit == "CNY"
    weight = np.tile([1, 2], len(customers) // 2)
    weighted = worth_of_a_point(customers.assign(weight=weight), weight="weight", resamples=100, **ASK)
    repeated = worth_of_a_point(customers.loc[customers.index.repeat(weight)], resamples=100, **ASK)
    for name in ("odds_ratio", "kept_share", "break_even_amount"):
        assert weighted[name].value == pytest.approx(repeated[name].value, rel=1e-8)


def test_clusters_widen_the_limits():
    # score and leaving hang on the branch only
    rng = np.random.default_rng(3)
    branch = np.repeat(np.arange(30), 100)
    mood = rng.normal(0, 1, 30)[branch]
    frame = pd.DataFrame({"branch": branch, "score": 60 + 10 * mood + rng.normal(0, 1, 3_000), "margin_amount": 1.0})
    left = rng.random(3_000) < 1 / (1 + np.exp(1.5 + 0.3 * mood + rng.normal(0, 0.7, 30)[branch]))
    frame["churned"] = left.astype(int)
    width = [
        one["odds_ratio"].high - one["odds_ratio"].low
        for one in (
            worth_of_a_point(frame, resamples=200, **ASK),
            worth_of_a_point(frame, cluster="branch", resamples=200, **ASK),
        )
    ]
    assert width[1] > 1.5 * width[0]


def test_gaps_are_counted(customers):
    gaps = customers.assign(score=customers["score"].where(customers.index >= 30))
    assert worth_of_a_point(gaps, resamples=100, **ASK).about.endswith("n = 2,970, 30 with gaps left out")


@pytest.mark.parametrize(
    ("change", "ask", "message"),
    [
        (
            lambda t: t.assign(churned=(t.index < 30).astype(int)),
            {"controls": ["tenure_years", "kind"]},
            "worth: 30 leavers for 4 coefficients; 40 are needed. Take a longer window, more waves or fewer controls.",
        ),
        (
            lambda t: t.assign(kind=t["kind"].where(t["churned"] == 1, "other")),
            {"controls": ["kind"]},
            "2 problems:\n"
            "- worth: of 'kind salary' everyone or no one left. Join it with another category.\n"
            "- worth: of 'kind student' everyone or no one left. Join it with another category.",
        ),
        (
            lambda t: t.assign(branch=t["branch"] % 4),
            {"cluster": "branch"},
            "worth: 4 clusters are too few to draw from; 10 are needed. Leave 'branch' out, or make it a control.",
        ),
        (
            lambda t: t.assign(months=t["tenure_years"] * 12),
            {"controls": ["tenure_years", "months"]},
            "worth: one control follows from the others. Leave it out.",
        ),
        (lambda t: t.assign(score=5.0), {}, "worth: score do not vary. Leave them out."),
        (
            lambda t: t.assign(churned=2, margin_amount="12 EUR").rename(columns={"score": "index_score"}),
            {"points": 0, "resamples": 1, "customers_count": 0, "controls": ["kind", "kind"]},
            "7 problems:\n"
            "- worth: the frame lacks column 'score'. Did you mean 'index_score'? Name a column of the frame.\n"
            "- worth: kind is named for two things. Name each column once.\n"
            "- worth: margin_amount hold no numbers. Give scores, 0 or 1, and amounts.\n"
            "- worth: 'churned' has other values than 0 and 1. Write 1 for who left, 0 for who stayed.\n"
            "- worth: the step is 0 points. Give a step above 0.\n"
            "- worth: customers_count is 0. Give the customers the money is for.\n"
            "- worth: 1 resamples give no limits. Ask for 100 or more.",
        ),
    ],
)
def test_refused(customers, change, ask, message):
    with pytest.raises(CrmlabError) as refused:
        worth_of_a_point(change(customers), **ask, **ASK)
    assert str(refused.value) == message


@pytest.fixture(scope="module")
def stayers() -> pd.DataFrame:
    rng = np.random.default_rng(8)
    branch = rng.integers(0, 25, 800)
    frame = pd.DataFrame({
        "score": rng.uniform(40, 100, 800) + rng.normal(0, 5, 25)[branch], "before_amount": rng.gamma(3, 80, 800),
        "branch": branch, "kind": rng.choice(["a", "b"], 800), "weight": rng.uniform(0.5, 2, 800),
    })  # fmt: skip
    noise = rng.normal(0, 30, 800) * frame["score"] / 60 + rng.normal(0, 20, 25)[branch]
    return frame.assign(after_amount=0.8 * frame["before_amount"] + 0.6 * frame["score"] + noise)


@pytest.mark.parametrize("cluster", [None, "branch"])
@pytest.mark.parametrize("weight", [None, "weight"])
def test_the_margin_of_a_point_as_statsmodels_has_it(stayers, cluster, weight):
    found = margin_of_a_point(stayers, score="score", margin_after_amount="after_amount",
                              controls=["before_amount", "kind"], cluster=cluster, weight=weight, points=2)  # fmt: skip
    design = sm.add_constant(stayers[["score", "before_amount"]].assign(kind=(stayers["kind"] == "b").astype(float)))
    model = sm.WLS(stayers["after_amount"], design, weights=stayers[weight] if weight else np.ones(800))
    fitted = (
        model.fit(cov_type="cluster", cov_kwds={"groups": stayers["branch"]}, use_t=True)
        if cluster
        else model.fit(cov_type="HC1", use_t=True)
    )
    assert found.value == pytest.approx(2 * fitted.params["score"])
    assert [found.low, found.high] == pytest.approx(2 * fitted.conf_int().loc["score"])
    assert found.low < 2 * 0.6 < found.high


def test_margins_refused(stayers):
    with pytest.raises(CrmlabError) as refused:
        margin_of_a_point(
            stayers, score="scor", margin_after_amount="after_amount", controls=["kind", "kind"], points=-1
        )
    assert str(refused.value) == (
        "3 problems:\n"
        "- margin of a point: the frame lacks column 'scor'. Did you mean 'score'? Name a column of the frame.\n"
        "- margin of a point: kind is named for two things. Name each column once.\n"
        "- margin of a point: the step is -1 points. Give a step above 0."
    )
    with pytest.raises(CrmlabError) as refused:
        margin_of_a_point(stayers.assign(two=stayers["score"] * 2, branch=stayers["branch"] % 3), score="score",
                          margin_after_amount="after_amount", controls=["two"], cluster="branch")  # fmt: skip
    assert str(refused.value) == (
        "2 problems:\n"
        "- margin of a point: of score, two one follows from the others. Leave it out.\n"
        "- margin of a point: 3 clusters; 10 are needed. Make it a control."
    )
    with pytest.raises(CrmlabError) as refused:
        margin_of_a_point(
            stayers.iloc[:50], score="score", margin_after_amount="after_amount", controls=["before_amount"]
        )
    assert str(refused.value) == (
        "margin of a point: 50 customers for 3 coefficients; 60 are needed. Take more waves or fewer controls."
    )
