"""What notebook 20 says: each piece of evidence on small hand-made surveys, and on the small simulated bank."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from crmlab.bank import Bank
from crmlab.bank.judgements import Judgements
from crmlab.bank.questionnaire import read_questionnaire
from crmlab.errors import CrmlabError
from crmlab.satisfaction import ready
from crmlab.satisfaction.comments.codebook import code_comments
from crmlab.satisfaction.indices.index import SatisfactionIndex
from crmlab.satisfaction.measurement.measured import measured
from crmlab.satisfaction.measurement.validity import validity_gate
from crmlab.satisfaction.pages import (
    group_evidence,
    index_answer,
    index_evidence,
    instrument_evidence,
    response_evidence,
    single_measures_evidence,
    weighting_evidence,
)
from crmlab.satisfaction.pages.comment_evidence import themes, words_table
from crmlab.satisfaction.pages.weighting_evidence import branch_league, league_rows
from crmlab.satisfaction.path_models.model import PathModel
from crmlab.satisfaction.study import Study, study_on
from crmlab.simulation import simulate
from crmlab.stats import Estimate, Evidence
from crmlab.validation.answers.satisfaction_index import NO_TRUTH, TRUTHS
from crmlab.validation.case import Case, Known, Unknown
from crmlab.validation.survey_truth import true_wave
from crmlab.validation.truth import Truth

MODEL = PathModel(
    {"speed": ("v1", "v2"), "manner": ("m1", "m2"), "satisfaction": ("s1", "s2"), "loyalty": ("l1", "l2")},
    {"satisfaction": ("speed", "manner"), "loyalty": ("satisfaction",)},
    titles={"speed": "Speed", "manner": "Manner", "satisfaction": "Satisfaction", "loyalty": "Loyalty"},
)


def answers(n=160, seed=1, wave="yearly 2025", level=0.0):
    rng = np.random.default_rng(seed)
    speed, manner = rng.normal(size=(2, n))
    sat = 0.6 * speed + 0.4 * manner + 0.6 * rng.normal(size=n)
    loy = 0.7 * sat + 0.7 * rng.normal(size=n)
    latent = {"v": speed, "m": manner, "s": sat, "l": loy}
    frame = pd.DataFrame({
        item: np.clip(np.rint(6.5 + level + 1.4 * latent[item[0]] + 0.8 * rng.normal(size=n)), 0, 10)
        for item in MODEL.items
    })  # fmt: skip
    first = pd.Timestamp(f"{wave.split()[1]}-03-05")
    return frame.assign(
        response_id=[f"{wave} {k}" for k in range(n)], customer_id=[f"c{k}" for k in range(n)], wave=wave,
        answered_on=first, weight=1.0,
    )  # fmt: skip


def study_of(frame, **changes):
    """A study of a hand-made survey: the last wave is judged, the first is the base."""
    waves = tuple(dict.fromkeys(frame["wave"]))
    now = frame[frame["wave"] == waves[-1]].reset_index(drop=True)
    found = measured(now, MODEL, weights="weight", clusters="customer_id", resamples=60)
    index = SatisfactionIndex(MODEL, low=0, high=10).fit(frame[frame["wave"] == waves[0]], weights="weight")
    stand_in = SimpleNamespace(scale=(0, 10), questionnaire=SimpleNamespace(name="test", single=lambda kind: None,
                               occasions={}), said="All.")  # fmt: skip
    made = Study(stand_in, frame, waves, waves[-1], waves[0], MODEL, index, found, validity_gate(found),
                 dict.fromkeys(waves, 1.0), ("All.",))  # fmt: skip
    return replace(made, **changes)


@pytest.fixture(scope="module")
def two_waves():
    frame = pd.concat([answers(wave="yearly 2024"), answers(seed=2, level=1.0)], ignore_index=True)
    return study_of(frame)


@pytest.fixture(scope="module")
def bank(small_bank):
    return Bank.open(small_bank).as_of("")


@pytest.fixture(scope="module")
def study(bank):
    found, why = ready.study_or_reason(bank, resamples=50)
    assert why == ""
    return found


# --- is there a study at all


def test_a_bank_without_a_wave_gives_a_reason(tmp_path):
    folder = simulate(tmp_path / "bank", customers=60, months=1).folder
    assert ready.study_or_reason(Bank.open(folder).as_of("")) == (
        None,
        "no wave of the yearly survey was answered by 2023-01-31",
    )


def test_too_few_responses_are_a_reason(tmp_path):
    folder = simulate(tmp_path / "bank", customers=60, months=6).folder
    found, why = ready.study_or_reason(Bank.open(folder).as_of(""))
    assert found is None
    assert why.startswith("the wave of 2023 has ")
    assert why.endswith(" responses; 30 are needed for an index")


def test_a_wrong_question_is_refused(bank, study):
    with pytest.raises(CrmlabError) as refused:
        ready.study_or_reason(bank, wave="yearly 2042")
    assert str(refused.value) == (
        "wave 'yearly 2042' is not in this survey. Did you mean 'yearly 2024'? Known: ['yearly 2023', 'yearly 2024']."
    )
    kept = study.index.as_dict()
    other = {**kept, "latents": {**kept["latents"], "image": ["image1", "image2", "image3"]}}
    with pytest.raises(CrmlabError) as refused:
        ready.study_or_reason(bank, kept=other)
    assert str(refused.value) == (
        "kept index: its items and those of retail_bank differ in image4. Name a model of the same questionnaire, or "
        "learn the index anew."
    )


def test_a_kept_index_gives_the_same_numbers(bank, study):
    again, _ = ready.study_or_reason(bank, kept={"basis": "satisfaction", **study.index.as_dict()}, resamples=20)
    one, two = (index_evidence.constructs(each).frame for each in (study, again))
    pd.testing.assert_frame_equal(one, two)


# --- who answered


def test_respondents_are_compared_with_all_customers(bank, study):
    found = response_evidence.who_answered(bank, study)
    share = found["response_share"]
    assert share.value == pytest.approx(len(study.now) / share.n)
    assert len(found.frame) <= 12
    assert found.frame["x"].abs().is_monotonic_decreasing
    assert len(found.title) <= 70
    assert "age_band" not in found.reading


def test_where_everybody_answered_nobody_can_be_compared(real_data, tmp_path):
    from crmlab.bank.adapters import import_bank

    source = real_data / "spanish_bank_survey" / "satisfaction.csv"
    import_bank("survey", source, tmp_path / "bank", questionnaire="spanish_bank", wave="yearly 2008")
    spanish = Bank.open(tmp_path / "bank").as_of("")
    found, _ = ready.study_or_reason(spanish, resamples=100)
    answered = response_evidence.who_answered(spanish, found)
    assert answered.title == "this bank holds no customer who did not answer, so nobody can be compared"
    index, reliable = index_evidence.constructs(found), instrument_evidence.how_reliable(found)
    assert index["index_satisfaction"].value == pytest.approx(68.5022363282687, abs=1e-6)  # R cSEM, rescaled
    assert index_answer.headline(found, index, index_evidence.by_wave(found)) == (
        "Satisfaction stands at 68.5 (95 % interval 66.3 to 70.6, n = 250) of 100 in 2008; there is no earlier "
        "wave to compare it with."
    )
    told = index_answer.trust(found, reliable, instrument_evidence.instrument_problems(found), answered)
    assert "It may not say what to improve first: expectations and perceived quality cannot be told apart." in told
    assert told.endswith(
        "For whom it speaks is not known: this bank holds no customer who did not answer, so nobody can be compared."
    )
    alike = instrument_evidence.how_alike(found)
    assert alike.title == "2 of 15 pairs of constructs cannot be told apart"
    assert alike.frame["is_alike"].sum() == 2
    weighed = weighting_evidence.weighings(found, resamples=100)
    assert weighed.frame["weighting"].tolist() == ["equal", "entropy"]
    assert "The path model gives no weights here" in weighed.reading
    assert group_evidence.groups(found, "age_band").title == "this bank has no customers.birth_on; it has gender"


def test_wrong_answers_are_counted(bank, study):
    found = response_evidence.wrong_answers(bank, study)
    assert found.frame.empty
    assert found.reading.endswith("nothing is wrong with them.")


# --- the instrument


def test_reliability_names_the_weakest(two_waves):
    found = instrument_evidence.how_reliable(two_waves)
    lowest = found["reliability_lowest"]
    values = [one.value for one in found.frame["rho_A"]]
    assert lowest.value == min(values)
    weakest = found.frame["construct"][int(np.argmin(values))]
    assert weakest in found.title
    assert list(found.frame) == ["construct", "items", "alpha", "rho_A", "rho_C", "AVE"]


def test_pairs_are_drawn_in_the_order_of_the_model(two_waves):
    frame = instrument_evidence.how_alike(two_waves).frame
    pairs = list(zip(frame["first"], frame["second"], strict=True))
    assert pairs[:3] == [("Speed", "Manner"), ("Speed", "Satisfaction"), ("Speed", "Loyalty")]
    assert len(pairs) == 6


def test_fit_is_told_against_the_usual_limit(two_waves):
    found = instrument_evidence.how_well_it_fits(two_waves)
    value = found["srmr"]
    assert value.low <= value.value <= value.high
    assert "usual limit of 0.08" in found.reading


def test_a_weak_item_is_a_problem_of_the_questions(two_waves):
    assert instrument_evidence.instrument_problems(two_waves).reading == (
        "No item is reversed, weak or at home elsewhere, and no construct is unreliable."
    )
    frame = answers()
    noise = np.random.default_rng(9).normal(0, 2, 160)
    frame = frame.assign(v2=np.clip(np.rint(0.5 * frame["v1"] + 3 + noise), 0, 10))
    found = instrument_evidence.instrument_problems(replace(two_waves, found=measured(frame, MODEL, resamples=40)))
    assert found["instrument_problems"].value >= 1
    assert "about the questions should be mended; the first: v2 shares" in found.reading


# --- the index


def test_dimensions_are_what_leads_to_the_target(two_waves):
    assert two_waves.target == "satisfaction"
    assert index_evidence.dimensions_of(two_waves) == ["speed", "manner"]


def test_the_index_is_the_weighted_mean_of_the_responses(two_waves):
    found = index_evidence.constructs(two_waves)
    score = two_waves.index.score(two_waves.now)["satisfaction"]
    assert found["index_satisfaction"].value == pytest.approx(score.mean())
    assert found.frame["index"].is_monotonic_decreasing
    assert "The lowest dimension is " in found.reading
    assert found.title == f"Satisfaction stands at {score.mean():.1f} of 100"


def test_a_rise_of_a_point_in_every_answer_is_a_rise_of_the_index(two_waves):
    # answers of the second wave are drawn a point higher: less what is cut at 10, near ten index points
    found = index_evidence.by_wave(two_waves)
    change = found["change_satisfaction"]
    before, now = (two_waves.index.score(two_waves.of(wave))["satisfaction"].mean() for wave in two_waves.waves)
    assert change.value == pytest.approx(now - before)
    assert change.low > 0
    assert found.title == f"Satisfaction rose by {change.value:.1f} points since 2024"
    assert found.frame["title"].unique().tolist()[:2] == ["Satisfaction", "Loyalty"]
    assert "moved beyond chance (Holm)" in found.reading
    table = index_evidence.changes_table(two_waves)
    assert table["construct"].tolist() == ["Speed", "Manner", "Satisfaction", "Loyalty"]
    assert set(table["beyond_chance"]) == {"yes"}


def test_one_wave_has_no_change():
    alone = study_of(answers())
    assert index_evidence.by_wave(alone).title == "there is one wave; a change needs two"
    assert index_evidence.changes_table(alone).empty


def test_responses_needed_follow_the_rule_of_four_points(two_waves):
    found = index_evidence.responses_needed(two_waves)
    width, needed = found.frame["width"].iloc[0], found["responses_needed"].value
    # the width falls with the root of the responses: 160 x (width / 4)^2, nearly
    assert needed == pytest.approx(160 * (width / 4) ** 2, rel=0.05)


# --- groups and branches


def grouped(**columns):
    frame = answers()
    made = study_of(frame)
    return replace(made, frame=frame.assign(**columns))


def test_a_group_is_compared_with_all_others():
    region = np.repeat(["north", "south", "tiny"], [90, 65, 5])
    study = grouped(region=region)
    found = group_evidence.groups(study, "region")
    score = study.index.score(study.now)["satisfaction"]
    frame = found.frame.set_index("group")
    assert list(frame.index) == ["north", "south"]  # five responses are not shown
    assert frame.loc["north", "index"] == pytest.approx(score[:90].mean())
    assert frame.loc["north", "difference"] == pytest.approx(score[:90].mean() - score[90:].mean())
    assert "5 responses of groups under 10 are not shown." in found.reading
    assert found.frame.attrs["whole"] == pytest.approx(score.mean())


def test_the_p_value_of_a_group_is_welchs():
    from scipy.stats import ttest_ind

    study = grouped(region=np.repeat(["north", "south"], [60, 100]))
    found = group_evidence.groups(study, "region").frame
    score = study.index.score(study.now)["satisfaction"]
    p = ttest_ind(score[:60], score[60:], equal_var=False).pvalue
    assert found["p_value"].tolist() == pytest.approx([p, p], rel=1e-9)
    assert found["p_holm"].tolist() == pytest.approx([min(2 * p, 1)] * 2, rel=1e-9)


def test_a_group_that_is_clearly_lower_is_named():
    frame = answers()
    low = frame["s1"].rank(method="first") <= 40
    study = replace(study_of(frame), frame=frame.assign(region=np.where(low, "low", "rest")))
    found = group_evidence.groups(study, "region")
    assert found.title.startswith(("Low: ", "Rest: "))
    assert found["groups_different"].value == 2
    assert "2 of 2 groups differ from the others beyond chance (Holm): low" in found.reading


def test_an_unknown_group_is_refused_and_an_absent_one_is_a_reason():
    study = grouped(region="north")
    with pytest.raises(CrmlabError) as refused:
        group_evidence.groups(study, "regio")
    assert str(refused.value) == "by: 'regio' is no group. Did you mean 'region'? This bank has region."
    assert group_evidence.groups(study, "region").title == "fewer than two groups by region have 10 responses"


def test_small_groups_are_not_tested_for_how_they_understand():
    study = grouped(region=np.repeat(["north", "south"], [130, 30]))
    assert group_evidence.same_yardstick(study, "region").reading == (
        "Whether groups understand the questions alike was not tested: fewer than two groups have the 50 responses "
        "that this needs."
    )
    alike = group_evidence.same_yardstick(grouped(region=np.repeat(["north", "south"], 80)), "region", permutations=60)
    assert alike["constructs_alike"].value <= 4
    assert "the two largest groups (north, south)" in alike.reading


def test_branches_are_pulled_in_and_small_ones_left_out():
    names = np.repeat(["A", "B", "C", "D", "E"], [60, 50, 25, 20, 5])
    found = group_evidence.branches(grouped(branch=names))
    assert sorted(found.frame["branch"]) == ["A", "B", "C", "D"]
    raw, pulled = found.frame["raw"], found.frame["x"]
    center = found.frame.attrs["center"]
    assert ((pulled - center).abs() <= (raw - center).abs() + 1e-9).all()
    assert found.reading.endswith("1 branch with under 10 responses left out.")
    few = group_evidence.branches(grouped(branch=np.repeat(["A", "B"], 80)))
    assert few.title == "2 branches have 10 responses; a ranking needs 3"
    assert group_evidence.branches(study_of(answers())).title == "this bank has no branch"


def test_a_branch_far_below_the_others_is_called():
    frame = answers(n=400)
    order = frame["s1"].rank(method="first") + frame["s2"].rank(method="first")
    names = np.where(order.rank(method="first") <= 60, "Low", np.resize(["A", "B", "C", "D"], 400))
    study = replace(study_of(frame), frame=frame.assign(branch=names))
    found = group_evidence.branches(study)
    assert found["branches_bottom"].value == 1
    assert "Low" in found.reading
    said = index_answer.attention(study, index_evidence.constructs(study), Evidence(pd.DataFrame(), "", "", ""), found,
                                  ready.missing("x"), ready.missing("x"), by="region")  # fmt: skip
    assert "Of 5 branches 0 stand out at the top and 1 at the bottom (Low)." in said


# --- single questions


def test_recommendation_is_the_weighted_difference_of_shares(bank, study):
    found = single_measures_evidence.recommendation(study)
    now = study.now[study.now["nps"].notna()]
    points = np.where(now["nps"] >= 9, 100, np.where(now["nps"] <= 6, -100, 0))
    assert found["nps"].value == pytest.approx(np.average(points, weights=now["weight"]))
    assert found.frame["wave"].tolist() == list(study.waves)
    assert "nps_change" in found.estimates


def test_contacts_of_one_customer_say_less_than_of_many():
    share = single_measures_evidence._share_of_customers
    scores = [10.0] * 20 + [5.0] * 20
    alone = share(pd.DataFrame({"csat": scores, "customer_id": range(40)}), "csat", (0, 10))
    twice = share(pd.DataFrame({"csat": scores, "customer_id": [k // 2 for k in range(40)]}), "csat", (0, 10))
    assert alone.value == twice.value == 0.5
    # two equal answers of each: as much as 20 (19 / 20 of them, for the spread is estimated), not 40
    assert (twice.high - twice.low) / (alone.high - alone.low) == pytest.approx(np.sqrt(2), rel=0.05)


def test_contacts_and_effort_of_the_small_bank(bank, study):
    found = single_measures_evidence.after_contacts(bank, study)
    assert 0 <= found["csat_share"].low <= found["csat_share"].value <= found["csat_share"].high <= 1
    assert single_measures_evidence.effort(bank, study).title == (
        "the questionnaire retail_bank does not ask for effort; add an item of kind ces to ask"
    )
    index = index_evidence.constructs(study)
    table = single_measures_evidence.beside_the_index(study, index, found)
    assert table["indicator"].tolist() == ["Index of satisfaction", "Index of loyalty", "Contacts rated 9 or 10"]


# --- weights


def test_equal_weights_give_each_dimension_the_same_say(two_waves):
    found = weighting_evidence.weighings(two_waves, resamples=100)
    now = two_waves.now
    by_hand = 10 * (now[["v1", "v2"]].mean().mean() + now[["m1", "m2"]].mean().mean()) / 2
    assert found["system_index_equal"].value == pytest.approx(by_hand)
    assert found.frame["weighting"].tolist() == ["equal", "path model", "entropy"]


def test_the_path_model_weighs_by_what_goes_with_the_target():
    shares = weighting_evidence.item_shares(study_of(answers(n=2_000, seed=3)), ["speed", "manner"])
    assert shares.sum() == pytest.approx(1)
    assert shares[["v1", "v2"]].sum() == pytest.approx(0.6, abs=0.05)  # .6 against .4 were planted


def test_judges_weigh_dimensions_and_an_example_says_so(two_waves):
    given = Judgements("Nobody was asked", True, {"one": {("speed", "manner"): 3.0}})
    judges = weighting_evidence.judged(two_waves, given)
    assert [one.value for one in judges.frame["weight"]] == pytest.approx([0.75, 0.25])
    assert judges.reading.endswith("These judgements are an example: no expert was asked.")
    found = weighting_evidence.weighings(two_waves, judges, resamples=100)
    now = two_waves.now
    by_hand = 10 * (0.75 * now[["v1", "v2"]].mean().mean() + 0.25 * now[["m1", "m2"]].mean().mean())
    assert found.frame["index"][2].value == pytest.approx(by_hand)
    assert found.frame["weighting"][2] == "judges (AHP, example)"
    assert "system_index_judged" not in found.estimates  # a number of an example is not handed on
    asked = weighting_evidence.judged(two_waves, replace(given, is_example=False))
    real = weighting_evidence.weighings(two_waves, asked, resamples=100)
    assert real["system_index_judged"].value == pytest.approx(by_hand)


def test_judgements_of_other_dimensions_are_refused(two_waves):
    given = Judgements("x", False, {"one": {("speed", "maner"): 3.0}})
    with pytest.raises(CrmlabError) as refused:
        weighting_evidence.judged(two_waves, given)
    assert refused.value.problems == (
        "one: judgements: 'maner' is no element. Did you mean 'manner'? Use the names given.",
        "one: judgements: speed against manner not judged. Judge every pair.",
    )


# --- comments


def test_themes_of_few_customers_are_not_shown(monkeypatch):
    rows = ["The fees are too high."] * 20 + ["Nice and friendly staff."] * 15 + ["The app is slow."] * 5
    written = pd.DataFrame({
        "comment": rows, "customer_id": [f"c{k}" for k in range(40)], "score": [3.0, 4.0] * 10 + [8.0, 9.0, 10.0] * 5 +
        [6.0] * 5,
    })  # fmt: skip
    monkeypatch.setattr("crmlab.satisfaction.pages.comment_evidence.comments_on", lambda *args, **options: written)
    found = themes(None, study_of(answers()))
    assert found.frame["theme"].tolist() == ["fees", "staff"]
    fees = found.frame.set_index("theme").loc["fees"]
    assert fees["lift"] == pytest.approx(3.5 - (9.0 * 15 + 6.0 * 5) / 20)
    assert fees["is_clear"]
    assert found.title == "Who writes about fees is 4.8 points less satisfied"
    assert found["theme_fees_share"].value == 0.5
    assert "1 theme of under 10 customers not shown." in found.reading
    assert words_table(found.frame)["n"].tolist() == [20, 15]


def test_without_comments_there_are_no_themes(monkeypatch):
    none = pd.DataFrame({"comment": [], "customer_id": [], "score": []})
    monkeypatch.setattr("crmlab.satisfaction.pages.comment_evidence.comments_on", lambda *args, **options: none)
    assert themes(None, study_of(answers())).title == "nobody wrote a comment in 2025; 30 are needed"


# --- the answer


def test_the_answer_names_groups_beyond_chance_only(two_waves):
    index = index_evidence.constructs(two_waves)
    frame = pd.DataFrame({
        "group": ["young", "old"], "index": [60.0, 75.0], "difference": [-15.0, 15.0], "is_different": [True, False]
    })  # fmt: skip
    nothing = ready.missing("x")
    nps = Evidence(pd.DataFrame(), "", "", "", {"nps": Estimate(12.0, "points", 1.0, 23.0, 160)})
    said = index_answer.attention(two_waves, index, Evidence(frame, "", "", ""), nothing, nps, nothing, by="age_band")
    assert "By age, young (60.0) is less satisfied than the others, beyond chance." in said
    assert "The net promoter score is 12.0 points (95 % interval 1.00 to 23.0 points, n = 160)." in said
    quiet = frame.assign(is_different=False)
    for alike, told in ((True, False), (False, True)):
        same = Evidence(pd.DataFrame({"latent": [two_waves.target], "is_invariant": [alike]}), "", "", "")
        said = index_answer.attention(two_waves, index, Evidence(frame, "", "", ""), nothing, nps, nothing,
                                      by="age_band", same=same)  # fmt: skip
        assert ("alike (MICOM), so this may come from the questions" in said) is told
    said = index_answer.attention(two_waves, index, Evidence(quiet, "", "", ""), nothing, nps, nothing, by="age_band")
    assert "By age, none of 2 groups differs from the others beyond chance." in said


def test_a_change_that_may_be_chance_is_called_so(two_waves):
    index = index_evidence.constructs(two_waves)
    for low, told in ((-1.0, "+1.0 points against 2024 (-1.0 to +3.0, which may be chance)."),
                      (0.5, "+1.0 points against 2024 (+0.5 to +3.0).")):  # fmt: skip
        waves = Evidence(pd.DataFrame(), "", "", "", {"change_satisfaction": Estimate(1.0, "points", low, 3.0)})
        assert index_answer.headline(two_waves, index, waves).endswith(told)


def test_trust_depends_on_the_weakest_construct(two_waves):
    problems = Evidence(pd.DataFrame(), "", "", "", {"instrument_problems": Estimate(0.0, "count")})
    answered = Evidence(pd.DataFrame(), "", "", "", {"response_share": Estimate(0.25, "share")})
    good, bad = (Evidence(pd.DataFrame(), "", "", "", {"reliability_lowest": Estimate(value, "index")})
                 for value in (0.8, 0.6))  # fmt: skip
    assert index_answer.trust(two_waves, good, problems, answered).startswith("Yes, the index can be trusted: ")
    assert index_answer.trust(two_waves, bad, problems, answered).startswith("The index can be trusted in part: ")
    assert "the 25.0 % of customers who answered" in index_answer.trust(two_waves, good, problems, answered)


def test_numbers_have_labels_and_the_first_come_first(study):
    labels = index_answer.labels(study)
    assert labels["index_value"] == "Index: perceived value"
    estimates = {name: Estimate(1.0, "index") for name in ("srmr", "nps", "index_satisfaction")}
    assert list(index_answer.in_order(study, Evidence(pd.DataFrame(), "", "", "", estimates), None)) == [
        "index_satisfaction",
        "nps",
        "srmr",
    ]


# --- the truth


def test_customers_who_answer_think_better_of_the_bank_than_all(bank, study, small_bank):
    wave = true_wave(bank, Truth.open(small_bank), study, study.wave)
    weights = study.index.weights_["image"]
    assert wave.index(weights) > wave.index(weights, of_all=True)
    assert wave.net_promoter_score() > wave.net_promoter_score(of_all=True)
    # 77 of 299 answered; the planted chances add up to a share near it
    assert wave.response_share == pytest.approx(len(study.now) / wave.customers_count, abs=0.06)


def test_equal_opinions_give_the_expected_answer_of_each_item(bank, study, small_bank):
    wave = true_wave(bank, Truth.open(small_bank), study, study.wave)
    names = set(wave.latent_of.values())
    flat = replace(wave, frame=wave.frame.assign(**dict.fromkeys(names, 0.0)))
    # nobody differs: image1 has mean 7.0 and error 1.0, 3 points from the end: 70, cut by next to nothing
    assert flat.index(pd.Series({"image1": 1.0})) == pytest.approx(70.0, abs=0.05)
    # promoters from 8.5, detractors below 6.5; mean 7.6, error 1.3: 1 - Phi(.692) - Phi(-.846) = .2444 - .1987
    assert flat.net_promoter_score() == pytest.approx(4.6, abs=0.1)


def test_every_truth_of_the_page_is_known_or_says_why(bank, small_bank):
    case = Case(bank, Truth.open(small_bank), {})
    found = {name: truth(case) for name, truth in TRUTHS.items()}
    assert all(isinstance(one, Known) for one in found.values())
    assert 40 < found["index_satisfaction"].value < 90
    assert "Over all customers it is" in found["index_satisfaction"].how
    kept = TRUTHS["index_image"](Case(bank, Truth.open(small_bank), {"model": "kept.json"}))
    assert isinstance(kept, Unknown)
    assert kept.why == "The index was frozen by an earlier run, which is not known here."
    assert not set(TRUTHS) & set(NO_TRUTH)


def test_the_codebook_finds_the_planted_themes(bank, small_bank):
    from crmlab.satisfaction.survey.answers import comments_on

    written = comments_on(bank, read_questionnaire("retail_bank"), occasion="yearly")
    planted = Truth.open(small_bank).table("comment_themes")
    coded = code_comments(written["comment"])
    for theme in ("fees", "staff", "praise"):
        those = set(planted.loc[planted["theme"] == theme, "response_id"])
        is_planted = written["response_id"].isin(those).to_numpy()
        assert (coded[theme].to_numpy() == is_planted).mean() >= 0.95


def test_a_league_of_branches_says_how_much_of_it_is_sure(small_bank):
    study = study_on(Bank.open(small_bank).as_of(""), resamples=20)
    league = branch_league(study, by="age_band")  # no branch of so small a bank has ten responses
    table = league.frame
    assert table["rank"].tolist() == sorted(table["rank"])
    assert (table["rank_low"] <= table["rank"]).all()
    assert (table["rank"] <= table["rank_high"]).all()
    assert (table["n"] >= 10).all()
    pairs = len(table) * (len(table) - 1) // 2
    assert league.estimates["league_sure_pairs_share"].n == pairs
    assert f"of {pairs:,} pairs of branches can be told apart" in league.reading
    rows = league_rows(league)
    assert rows["branch"].iloc[0] == table["branch"].iloc[0]
    assert len(rows) == min(10, len(table))
    assert branch_league(study, by="segment").title == "this bank has no segment of its customers"
