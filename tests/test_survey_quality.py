"""Checks of a survey: nothing in a sound one, and each planted fault with its count."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from crmlab.bank.questionnaire import Questionnaire, read_questionnaire
from crmlab.errors import CrmlabError
from crmlab.satisfaction.survey.honest_answers import chance_of
from crmlab.satisfaction.survey.survey_quality import KINDS, check_survey
from crmlab.satisfaction.survey.turned_items import turned_items

BANK = read_questionnaire("retail_bank")
BLOCK = list(BANK.latent_of)


def _honest(n: int, seed: int, *, wave: str = "yearly 2024", left_out: float = 0.01) -> pd.DataFrame:
    """Answers of n people: a mood, an opinion of each latent variable, an error of each item; 0 to 10."""
    rng = np.random.default_rng(seed)
    mood = rng.normal(size=(n, 1))
    opinion = {name: 0.6 * mood[:, 0] + 0.8 * rng.normal(size=n) for name in BANK.latents}
    of_item = np.column_stack([opinion[BANK.latent_of[code]] for code in BLOCK] + [opinion["loyalty"]])
    score = np.clip(np.rint(7 + 1.4 * of_item + 1.1 * rng.normal(size=of_item.shape)), 0, 10)
    score[rng.random(score.shape) < left_out] = np.nan
    wide = pd.DataFrame(score, columns=[*BLOCK, "nps"])
    wide.insert(0, "customer_id", [f"C{i:05d}" for i in range(n)])
    wide.insert(0, "response_id", [f"{wave[-4:]}-{i:05d}" for i in range(n)])
    return wide.assign(wave=wave, answered_at=pd.Timestamp("2024-03-10"))


def _long(wide: pd.DataFrame) -> pd.DataFrame:
    keys = [name for name in wide if name not in BANK.items]
    return wide.melt(id_vars=keys, var_name="item", value_name="score")


def _found(wide: pd.DataFrame, **options: object) -> dict[str, int]:
    frame = check_survey(_long(wide), BANK, **options).findings
    return frame.groupby("kind")["count"].sum().to_dict()


@pytest.mark.parametrize("seed", range(3))
def test_a_sound_survey_raises_nothing(seed):
    wide = pd.concat([_honest(300, seed), _honest(300, seed + 100, wave="yearly 2025")])
    found = check_survey(_long(wide), BANK)
    assert found.findings.empty
    assert found.reading == "600 responses were checked against retail_bank; nothing is wrong with them."
    assert found.waves["responses_count"].tolist() == [300, 300]
    assert set(found.items["item"]) == {*BLOCK, "nps"}


def test_the_simulated_bank_raises_nothing(small_bank):
    from crmlab.bank import Bank

    found = check_survey(Bank.open(small_bank).frame("surveys"), BANK)
    assert found.findings.empty


def test_planted_straight_lines_are_found_and_counted():
    wide = _honest(400, 1)
    wide.loc[:11, BLOCK] = 5.0  # twelve within the scale
    wide.loc[12:19, BLOCK] = 10.0  # eight at its end
    wide.loc[12, BLOCK[:3]] = np.nan  # gaps do not hide it
    found = check_survey(_long(wide), BANK)
    lines = found.findings.set_index("where")
    assert lines["kind"].unique().tolist() == ["straight-lining"]
    assert lines["count"].to_dict() == {"at an end of the scale": 8, "within the scale": 12}
    assert lines["fact"]["within the scale"].startswith(
        "long responses with one and the same answer within the scale: 12 of 400 (yearly 2024 12); honest answers "
        "make 0."
    )
    assert found.waves["straight_lined_count"].tolist() == [20]
    assert sorted(found.flagged["response_id"]) == sorted(wide["response_id"].head(20))


def test_honest_delight_at_the_end_of_the_scale_is_no_straight_lining():
    """Half the answers are 10 and go together: many people answer 10 throughout, and mean it."""
    rng = np.random.default_rng(2)
    wide = _honest(400, 2)
    delight = rng.normal(size=(400, 1))
    score = np.clip(np.rint(10 + 1.6 * delight + 0.5 * rng.normal(size=(400, len(BLOCK)))), 0, 10)
    wide[BLOCK] = score
    found = check_survey(_long(wide), BANK)
    assert found.responses["is_straight_lined"].mean() > 0.2
    assert found.findings.empty


def test_planted_copies_are_found_and_counted():
    wide = _honest(400, 3, left_out=0.0)
    wide.loc[:4, BLOCK] = wide.loc[100:104, BLOCK].to_numpy()
    found = check_survey(_long(wide), BANK).findings
    assert found[["kind", "count"]].values.tolist() == [["identical answers", 10]]


def test_a_short_survey_with_few_answers_has_twins_by_chance():
    """Eight items from 1 to 5 of 1,000 people: many give the same eight numbers."""
    text = {"en": "x"}
    ends = {"low": text, "high": text}
    items = [{f"{name}{n}": text for n in range(4)} for name in "ab"]
    short = Questionnaire.model_validate({
        "name": "short", "title": text, "scale": {"low": 1, "high": 5, "anchors": ends},
        "latents": {"a": {"title": text, "items": items[0]}, "b": {"title": text, "items": items[1]}},
        "paths": {"b": ["a"]},
    })  # fmt: skip
    alarms = 0
    for seed in range(8):
        rng = np.random.default_rng(seed)
        score = np.clip(np.rint(3.8 + 0.9 * rng.normal(size=(1000, 1)) + 0.6 * rng.normal(size=(1000, 8))), 1, 5)
        wide = pd.DataFrame(score, columns=list(short.latent_of))
        wide = wide.assign(response_id=range(1000), customer_id=range(1000), wave="yearly 2024")
        answers = wide.melt(id_vars=["response_id", "customer_id", "wave"], var_name="item", value_name="score")
        found = check_survey(answers, short)
        assert found.responses["is_identical"].sum() > 50
        alarms += len(found.findings)
    assert alarms <= 1  # benchmarks/survey_checks.py counts them over many surveys


def test_what_the_questionnaire_does_not_have_is_told():
    wide = _honest(40, 4, left_out=0.0)
    wide.loc[:2, "image1"] = 99.0
    wide.loc[3, "image1"] = -1.0
    wide.loc[:1, "value1"] = 6.5
    answers = _long(wide.drop(columns=["loyal3"]))
    other = answers.head(2).assign(response_id=["x", "y"], wave=["spring", "spring"], item="imgae1", score=3.0)
    found = check_survey(pd.concat([answers, other]), BANK).findings
    assert found.drop(columns="cure").values.tolist() == [
        ["error", "unknown item", "imgae1", 2, "answers to imgae1, which is not an item of retail_bank: 2"],
        ["error", "item not asked", "yearly 2024", 1, "loyal3 has no answer in wave yearly 2024"],
        ["error", "unknown occasion", "spring", 2,
         "responses of waves that begin with 'spring': 2; retail_bank has ['yearly', 'contact', 'complaint']"],
        ["error", "out of scale", "image1", 4, "answers to image1 outside 0 to 10: 4 of 40"],
        ["warning", "not whole", "value1", 2, "answers to value1 that are no whole number: 2 of 40"],
    ]  # fmt: skip
    assert found["cure"].iloc[0] == (
        "Correct the code in the extract, or add the item to the questionnaire. Did you mean 'image1'?"
    )


def test_customers_twice_in_a_wave_are_counted_of_yearly_occasions_only():
    wide = _honest(60, 5)
    again = wide.head(3).assign(response_id=["r1", "r2", "r3"], answered_at=pd.Timestamp("2024-03-20"))
    again[BLOCK] = _honest(3, 6)[BLOCK]
    contact = wide.head(2).assign(response_id=["s1", "s2"], customer_id="C00001", wave="contact 2024-03", csat=5.0)
    answers = pd.concat([_long(pd.concat([wide, again])), contact.melt(
        id_vars=["response_id", "customer_id", "wave", "answered_at"], value_vars=["csat"], var_name="item",
        value_name="score",
    )])  # fmt: skip
    found = check_survey(answers, BANK)
    assert found.findings[["kind", "where", "count", "fact"]].values.tolist() == [
        ["twice in a wave", "yearly 2024", 3,
         "customers who answered more than once in yearly 2024: 3; responses too many: 3"],
    ]  # fmt: skip
    # the earlier one is marked: the analysis reads the last
    assert (
        found.responses.loc[found.responses["is_again"], "response_id"].tolist() == wide["response_id"].head(3).tolist()
    )


def test_fast_and_backward_responses_are_counted_where_times_exist():
    rng = np.random.default_rng(7)
    wide = _honest(300, 7)
    seconds = np.exp(np.log(480) + 0.3 * rng.normal(size=300))
    wide["started_at"] = wide["answered_at"] - pd.to_timedelta(seconds, unit="s")
    assert _found(wide) == {}
    seconds[:9] = 60.0
    seconds[9] = -30.0
    wide["started_at"] = wide["answered_at"] - pd.to_timedelta(seconds, unit="s")
    found = check_survey(_long(wide), BANK)
    assert found.findings.groupby("kind")["count"].sum().to_dict() == {"too fast": 9, "backwards": 1}
    assert found.waves["fast_count"].tolist() == [9]
    start = "responses in under a third of the usual time of their occasion: 9 of 299; the slower half lets expect "
    assert found.findings["fact"].iloc[1].startswith(start)


def test_short_surveys_after_contacts_are_not_fast_beside_the_long_one():
    rng = np.random.default_rng(8)
    long = _honest(100, 8)
    long["started_at"] = long["answered_at"] - pd.to_timedelta(480 * np.exp(0.3 * rng.normal(size=100)), unit="s")
    short = pd.DataFrame({"response_id": [f"S{n}" for n in range(100)], "customer_id": [f"C{n}" for n in range(100)],
                          "wave": "contact 2024-05", "item": "csat", "score": rng.integers(6, 10, 100).astype(float),
                          "answered_at": long["answered_at"].iloc[0]})  # fmt: skip
    short["started_at"] = short["answered_at"] - pd.to_timedelta(30 * np.exp(0.3 * rng.normal(size=100)), unit="s")
    both = pd.concat([_long(long), short], ignore_index=True)
    assert "too fast" not in set(check_survey(both, BANK).findings["kind"])
    short.loc[:8, "started_at"] = short["answered_at"] - pd.to_timedelta(3, unit="s")
    both = pd.concat([_long(long), short], ignore_index=True)
    found = check_survey(both, BANK)
    assert found.findings.set_index("kind").loc["too fast", "count"] == 9


def test_an_item_that_many_leave_out_is_named():
    wide = _honest(300, 8)
    wide.loc[:74, "value2"] = np.nan  # a quarter, and about one in a hundred of the rest
    found = check_survey(_long(wide), BANK).findings
    assert found[["kind", "where"]].values.tolist() == [["left out", "value2"]]
    count = int(wide["value2"].isna().sum())
    assert found["count"].tolist() == [count]
    assert found["fact"].iloc[0] == f"value2 left out in yearly 2024: {100 * count / 300:.1f} % of 300 responses"


def test_a_reversed_item_that_was_not_turned_is_named_alone():
    wide = _honest(200, 9)
    wide["handling2"] = 10 - wide["handling2"]
    found = check_survey(_long(wide), BANK).findings
    assert found[["kind", "where"]].values.tolist() == [["not turned round", "handling2"]]
    assert found["cure"].iloc[0] == "Write reversed: true beside its text in retail_bank."
    given = BANK.model_dump()
    given["latents"]["handling_efficiency"]["reversed"] = ["handling2"]
    declared = Questionnaire.model_validate(given)
    assert check_survey(_long(wide), declared).findings.empty
    turned = check_survey(_long(_honest(200, 9)), declared).findings  # declared, yet turned in the file already
    assert turned["cure"].tolist() == [
        "Take reversed: true away from it in retail_bank: the file holds it turned round already."
    ]


def test_item_correlations_are_those_of_the_others():
    # a and b agree, c runs against them: 4 people, a = 1 2 3 4, b = 1 2 4 3, c = 4 3 2 1
    text = {"en": "x"}
    asked = Questionnaire.model_validate({
        "name": "t", "title": text, "scale": {"low": 1, "high": 4, "anchors": {"low": text, "high": text}},
        "latents": {"v": {"title": text, "items": {"a": text, "b": text, "c": text}, "reversed": ["c"]}}, "paths": {},
    })  # fmt: skip
    wide = pd.DataFrame({"a": [1.0, 2, 3, 4], "b": [1.0, 2, 4, 3], "c": [4.0, 3, 2, 1]})
    found = turned_items(wide, asked).set_index("item")
    # turned, c is 1 2 3 4: for b the others are a line 1 2 3 4; cov = 4, both squares 5, so r = 4/5
    assert found["correlation"]["b"] == pytest.approx(0.8)
    assert not found["is_alarm"].any()  # four people say nothing


def test_rows_in_another_order_give_the_same(small_bank):
    wide = _honest(100, 10)
    wide.loc[:5, BLOCK] = 4.0
    answers = _long(wide)
    one, other = check_survey(answers, BANK), check_survey(answers.sample(frac=1, random_state=1), BANK)
    pd.testing.assert_frame_equal(one.findings, other.findings)
    pd.testing.assert_frame_equal(one.items, other.items)


def test_the_chance_of_one_answer_is_that_of_independent_coins():
    """Four fair independent items of two values: 2 of 16 patterns are straight, and a pair is equal 1 time in 16."""
    asked = BANK.model_copy(update={"scale": BANK.scale.model_copy(update={"low": 0, "high": 1})})
    rng = np.random.default_rng(11)
    block = pd.DataFrame(rng.integers(0, 2, size=(4000, 4)).astype(float), columns=list("abcd"))
    chance = chance_of(block, asked)
    # 2/16, but for what 4,000 people's correlations are off by chance
    assert chance.straight_at_end_share == pytest.approx(2 / 16, abs=0.01)
    assert chance.straight_within_share == pytest.approx(0, abs=1e-4)
    # of the 14 other patterns each has 1/16 of all: pairs of equal ones are 14/256
    assert chance.identical_pair_share == pytest.approx(14 / 256, abs=0.005)


def test_degenerate_tables():
    with pytest.raises(CrmlabError) as refusal:
        check_survey(pd.DataFrame({"item": [], "score": []}), BANK)
    assert str(refusal.value) == (
        "answers lacks columns ['response_id', 'customer_id', 'wave']; it has ['item', 'score']. Give the rows of "
        "table "
        "surveys."
    )
    empty = pd.DataFrame({name: [] for name in ("response_id", "customer_id", "wave", "item", "score")})
    with pytest.raises(CrmlabError) as refusal:
        check_survey(empty, BANK)
    assert str(refusal.value) == "answers has no row. Give the rows of table surveys."
    one = check_survey(_long(_honest(1, 12, left_out=0.0)), BANK)
    assert one.findings.empty
    comment = pd.DataFrame({"response_id": ["r"], "customer_id": ["c"], "wave": ["yearly 2024"], "item": ["comment"],
                            "score": [np.nan]})  # fmt: skip
    assert check_survey(comment, BANK).findings["kind"].tolist() == ["item not asked"]
    assert {*check_survey(comment, BANK).findings["kind"]} <= {*KINDS}
