"""The frame that is analysed: one row a response, from what the bank knew, with everything left out said."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from crmlab.bank import Bank, write_bank
from crmlab.bank.questionnaire import Questionnaire, read_questionnaire
from crmlab.cli import main
from crmlab.errors import CrmlabError
from crmlab.satisfaction.survey.answers import answers_on, comments_on
from crmlab.satisfaction.survey.groups import customers_at, wave_days, with_groups

BANK = read_questionnaire("retail_bank")
TEXT = {"en": "x"}
ASKED = Questionnaire.model_validate({
    "name": "small", "title": TEXT, "scale": {"low": 1, "high": 5, "anchors": {"low": TEXT, "high": TEXT}},
    "latents": {
        "value": {"title": TEXT, "items": {"v1": TEXT, "v2": {**TEXT, "reversed": True}}},
        "satisfaction": {"title": TEXT, "items": {"s1": TEXT, "s2": TEXT}},
    },
    "paths": {"satisfaction": ["value"]},
    "single_items": {
        "nps": {"kind": "nps", "text": TEXT, "scale": {"low": 0, "high": 10}},
        "csat": {"kind": "csat", "text": TEXT}, "comment": {"kind": "open", "text": TEXT},
    },
    "occasions": {
        "yearly": {"every": "year", "items": ["latents", "nps", "comment"]},
        "contact": {"every": "contact", "items": ["csat", "comment"]},
    },
})  # fmt: skip


def _rows(
    response: str, customer: str, wave: str, day: str, weight: float | None = None, **scores: object
) -> list[dict]:
    keys = {"response_id": response, "customer_id": customer, "wave": wave, "answered_at": pd.Timestamp(day),
            "language": "en", "weight": weight}  # fmt: skip
    return [
        {**keys, "item": item, "score": None if isinstance(score, str) else score,
         "comment": score if isinstance(score, str) else None}
        for item, score in scores.items()
    ]  # fmt: skip


@pytest.fixture
def bank(tmp_path) -> Bank:
    customers = pd.DataFrame({
        "customer_id": ["a", "b", "c", "d", "e"],
        "joined_on": [dt.date(2010, 1, 1), dt.date(2015, 6, 1), dt.date(2023, 2, 1), dt.date(2020, 1, 1),
                      dt.date(2024, 6, 1)],
        "left_on": [None, None, None, dt.date(2023, 1, 31), None],
        "birth_on": [dt.date(1995, 5, 5), dt.date(1960, 5, 5), dt.date(1980, 5, 5), None, None],
        "gender": ["female", None, "male", "male", "other"],
        "preferred_channel": ["branch", "mobile", None, "phone", "phone"],
    })  # fmt: skip
    surveys = [
        *_rows("r1", "a", "yearly 2023", "2023-03-02 10:00", 2.0, v1=5, v2=1, s1=4, s2=5, nps=9, comment=" Good. "),
        *_rows("r2", "b", "yearly 2023", "2023-03-03", None, v1=2, v2=4, s1=None, s2=9, nps=0),
        *_rows("r3", "c", "yearly 2023", "2023-03-04", 1.0, v1=None, v2=None, s1=None, s2=None, nps=None),
        *_rows("r4", "a", "yearly 2023", "2023-03-01", 2.0, v1=1, v2=1, s1=1, s2=1, nps=1),
        *_rows("r5", "b", "yearly 2024", "2024-03-05", None, v1=3, v2=None, s1=3, nps=7, comment="So so"),
        *_rows("r6", "b", "contact 2024-05", "2024-05-05", None, csat=2, comment="Slow."),
        *_rows("r7", "b", "contact 2024-05", "2024-05-25", None, csat=4),
    ]
    frame = pd.DataFrame(surveys).astype({"score": "float64", "weight": "float64"})
    write_bank(
        tmp_path / "bank", {"customers": customers, "surveys": frame}, name="Small", currency="EUR", timezone="UTC"
    )
    return Bank.open(tmp_path / "bank")


def test_one_row_a_response_with_reversed_items_turned_round(bank):
    found = answers_on(bank, ASKED)
    frame = found.frame.set_index("response_id")
    assert list(found.frame) == ["response_id", "customer_id", "wave", "answered_on", "weight", "language", "v1", "v2",
                                 "s1", "s2", "nps"]  # fmt: skip
    # r3 answered nothing; r4 is the earlier response of a in its wave; s2 = 9 of r2 lies outside 1 to 5
    assert frame.index.tolist() == ["r1", "r2", "r5"]
    assert frame["v2"].tolist()[:2] == [5.0, 2.0]  # 1 + 5 - 1 and 1 + 5 - 4
    assert frame["nps"].tolist() == [9.0, 0.0, 7.0]
    assert np.isnan(frame.loc["r2", "s2"])
    # r2 has no weight and gets the mean of its wave, that of r1; wave 2024 has none at all
    assert frame["weight"].tolist() == [2.0, 2.0, 1.0]
    assert frame["answered_on"].tolist()[0] == pd.Timestamp("2023-03-02")
    assert found.scale == (1, 5)
    assert (found.items, found.single_items, found.waves) == (
        ["v1", "v2", "s1", "s2"], ["nps"], ["yearly 2023", "yearly 2024"],
    )  # fmt: skip
    # of 15 cells s1 and s2 of r2, v2 and s2 of r5 are empty: 4 / 15
    assert found.said == (
        "3 responses of 2 customers in 2 waves to 5 items; 26.7 % of the answers are missing. Not answered in yearly "
        "2024: "
        "v2, s2. Left out: responses without an answer (1), earlier responses of the same wave (1), answers outside "
        "the "
        "scale (1). Turned round: v2."
    )
    assert found.left_out == {
        "responses without an answer": 1, "earlier responses of the same wave": 1, "answers outside the scale": 1,
    }  # fmt: skip
    assert found.of("yearly 2024")["response_id"].tolist() == ["r5"]


def test_only_what_was_known_on_the_day_is_seen(bank):
    assert answers_on(bank.as_of("2023-03-02"), ASKED).frame["response_id"].tolist() == ["r1"]
    with pytest.raises(CrmlabError) as refusal:
        answers_on(bank.as_of("2022-12-31"), ASKED)
    assert str(refusal.value) == (
        "Small has no survey by 2022-12-31: table surveys is absent or empty. Bring one; see data/README.md."
    )


def test_contacts_may_be_answered_more_than_once(bank):
    found = answers_on(bank, ASKED, occasion="contact")
    assert found.frame["csat"].tolist() == [2.0, 4.0]
    assert found.said == "2 responses of 1 customer in 1 wave to 1 item; 0.0 % of the answers are missing."


def test_what_is_not_there_is_refused_with_the_nearest(bank):
    def refused(**options: object) -> str:
        with pytest.raises(CrmlabError) as refusal:
            answers_on(bank, ASKED, **options)
        return str(refusal.value)

    assert refused(occasion="yearli") == (
        "occasion 'yearli' is not one of small. Did you mean 'yearly'? Known: ['yearly', 'contact']."
    )
    assert refused(waves=["yearly 2022", "yearly 2023"]) == (
        "wave 'yearly 2022' is not a wave of 'yearly'. Did you mean 'yearly 2024'? Known: ['yearly 2023', 'yearly "
        "2024']."
    )
    with pytest.raises(CrmlabError) as refusal:
        answers_on(bank, BANK, occasion="complaint")
    assert str(refusal.value) == (
        "Small has no wave of the occasion 'complaint'; its waves begin with ['contact', 'yearly']. Choose one."
    )
    with pytest.raises(CrmlabError) as refusal:
        answers_on(bank, read_questionnaire("spanish_bank"))
    assert str(refusal.value) == (
        "Small: the 2 waves of 'yearly' hold no answer to an item of spanish_bank. Check that the bank names the "
        "questionnaire that was asked."
    )


def test_a_bank_without_a_survey_is_refused(tmp_path):
    customers = pd.DataFrame({"customer_id": ["a"], "joined_on": [dt.date(2020, 1, 1)]})
    write_bank(tmp_path / "bank", {"customers": customers}, name="Bare", currency="EUR", timezone="UTC")
    for ask in (answers_on, comments_on):
        with pytest.raises(CrmlabError) as refusal:
            ask(Bank.open(tmp_path / "bank"), ASKED)
        assert str(refusal.value) == (
            "Bare has no survey: table surveys is absent or empty. Bring one; see data/README.md."
        )


def test_comments_carry_how_content_their_writer_was(bank):
    found = comments_on(bank, ASKED)
    # r1: mean of s1 = 4 and s2 = 5; r5: s1 = 3 alone; r6: csat = 2
    assert found[["response_id", "wave", "comment", "score", "score_of"]].values.tolist() == [
        ["r6", "contact 2024-05", "Slow.", 2.0, "csat"],
        ["r1", "yearly 2023", "Good.", 4.5, "satisfaction"],
        ["r5", "yearly 2024", "So so", 3.0, "satisfaction"],
    ]
    assert comments_on(bank, ASKED, occasion="yearly")["response_id"].tolist() == ["r1", "r5"]
    assert comments_on(bank, ASKED, waves=[]).empty
    assert comments_on(bank.as_of("2023-03-02"), ASKED)["response_id"].tolist() == ["r1"]


def test_groups_are_those_of_the_day_on_which_the_wave_began(bank):
    found = answers_on(bank, ASKED)
    assert wave_days(found) == {"yearly 2023": dt.date(2023, 3, 2), "yearly 2024": dt.date(2024, 3, 5)}
    segments = pd.Series({"a": "loyal"})
    frame = with_groups(
        found, bank, by=["age_band", "tenure_band", "main_channel", "gender", "branch"], segments=segments
    )
    # a: born May 1995, 27 on 2 March 2023, there since 2010; b: born May 1960, 62 then and 63 in 2024, since June 2015
    assert frame["age_band"].astype("str").tolist() == ["under 30", "60 to 74", "60 to 74"]
    assert frame["tenure_band"].astype("str").tolist() == ["10 years and over", "5 to 9 years", "5 to 9 years"]
    assert frame["main_channel"].tolist() == ["branch", "mobile", "mobile"]
    assert frame["gender"].tolist() == ["female", "not known", "not known"]
    assert frame["segment"].tolist() == ["loyal", "not known", "not known"]
    assert frame.attrs["absent"] == {"branch": "this bank has no customers.branch"}
    assert frame["v1"].tolist() == found.frame["v1"].tolist()
    with pytest.raises(CrmlabError, match=r"^group 'age' is unknown\. Known: \['age_band', "):
        with_groups(found, bank, by=["age"])


def test_everybody_there_is_there_whether_answering_or_not(bank):
    found = answers_on(bank, ASKED)
    there = customers_at(bank, found, "yearly 2023", ["age_years"])
    # d left in January 2023, e joined in 2024; c answered nothing
    assert there["answered"].to_dict() == {"a": True, "b": True, "c": False}
    assert there.attrs["answered_elsewhere_count"] == 0


def test_the_simulated_bank_comes_through_whole(small_bank):
    bank = Bank.open(small_bank)
    found = answers_on(bank)
    assert found.questionnaire.name == "retail_bank"
    direct = bank.sql("select count(distinct response_id) from surveys where wave like 'yearly%'").fetchall()[0][0]
    assert len(found.frame) == direct
    assert found.items == list(BANK.latent_of)
    mean = bank.sql("select avg(score) from surveys where item = 'satisf1'").fetchall()[0][0]
    assert found.frame["satisf1"].mean() == pytest.approx(mean)
    groups = with_groups(found, bank)
    assert groups.attrs["absent"] == {}
    assert not groups[["age_band", "assets_quarter", "branch"]].isna().any().any()
    one = customers_at(bank, found, found.waves[0])
    assert one["answered"].sum() == len(found.of(found.waves[0]))


def test_a_flat_survey_can_be_grouped_by_its_own_columns(tmp_path):
    from crmlab.bank.adapters import import_bank

    codes = list(read_questionnaire("spanish_bank").latent_of)
    lines = [",".join([*codes, "gender", "town_size"])]
    lines += [",".join([*("7" for _ in codes), gender, size]) for gender, size in (("male", "small"), ("female", ""))]
    (tmp_path / "x.csv").write_text("\n".join(lines) + "\n")
    import_bank("survey", tmp_path / "x.csv", tmp_path / "bank", questionnaire="spanish_bank", wave="2008")
    bank = Bank.open(tmp_path / "bank")
    frame = with_groups(answers_on(bank), bank, by=["gender", "town_size", "tenure_band"])
    assert frame[["gender", "town_size"]].values.tolist() == [["male", "small"], ["female", "not known"]]
    # the file gives no start of the relation
    assert "tenure_band" not in frame


def _check(capsys, *arguments: object) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        main(["check", *map(str, arguments)])
    return ended.value.code, capsys.readouterr().out


def test_the_command_checks_the_survey(tmp_path, capsys):
    from crmlab.bank.adapters import import_bank

    codes = list(read_questionnaire("spanish_bank").latent_of)
    rng = np.random.default_rng(1)
    answers = np.clip(np.rint(7 + rng.normal(size=(60, 1)) + rng.normal(size=(60, len(codes)))), 0, 10).astype(int)
    answers[:5] = 4
    answers[7, 0] = 99
    frame = pd.DataFrame(answers, columns=codes)
    frame.to_csv(tmp_path / "x.csv")
    import_bank("survey", tmp_path / "x.csv", tmp_path / "bank", questionnaire="spanish_bank", wave="2008")
    flagged = tmp_path / "odd.csv"
    status, told = _check(capsys, tmp_path / "bank", "--flagged", flagged, "--notebooks", tmp_path)
    assert status == 0
    assert "Survey: 60 responses were checked against spanish_bank; 2 things are wrong or odd." in told
    assert "straight-lining" in told
    assert pd.read_csv(flagged)["response_id"].tolist() == [f"R{n:06d}" for n in range(1, 6)]
    _, told = _check(capsys, tmp_path / "bank", "--questionnaire", "retail_bank", "--notebooks", tmp_path)
    assert "unknown item" in told
    assert "Survey:" not in _check(capsys, tmp_path / "bank", "--quick", "--notebooks", tmp_path)[1]


def test_a_survey_nobody_knows_is_told_and_not_checked(bank, tmp_path, capsys):
    bank.close()
    _, told = _check(capsys, tmp_path / "bank", "--notebooks", tmp_path)
    assert "The survey is not checked: Small names no questionnaire, and its items" in told
