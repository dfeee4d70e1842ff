"""Opinions and surveys of the simulated bank: causes move opinions, opinions move answers, some do not answer."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from crmlab.bank.questionnaire import read_questionnaire
from crmlab.errors import CrmlabError
from crmlab.simulation import surveys
from crmlab.simulation.block import simulate_block
from crmlab.simulation.clock import DAY, month_at
from crmlab.simulation.comment_texts import FILLERS, SENTENCES, THEMES
from crmlab.simulation.interactions import INTERACTION_KINDS
from crmlab.simulation.ledger import KINDS
from crmlab.simulation.market import simulate_market
from crmlab.simulation.opinions import LATENTS, PATHS
from crmlab.simulation.surveys import MEASURES, parameters, surveys_table

SEEDS, MONTHS = (1, 2, 3, 4), 28  # three waves each
MODEL = read_questionnaire()
FEE, COMPLAINT = KINDS.index("fee"), INTERACTION_KINDS.index("complaint")


@pytest.fixture(scope="module")
def blocks():
    return [simulate_block(seed, 0, 1000, MONTHS, simulate_market(seed, MONTHS)) for seed in SEEDS]


@pytest.fixture(scope="module")
def answers(blocks) -> pd.DataFrame:
    parts = [surveys_table(block.rows["surveys"], number).to_pandas() for number, block in enumerate(blocks)]
    frame = pd.concat(parts, ignore_index=True)
    frame["wave"], frame["item"] = frame["wave"].astype(str), frame["item"].astype(str)
    return frame


@pytest.fixture(scope="module")
def yearly(answers) -> pd.DataFrame:
    """One row a response, one column an item."""
    chosen = answers[answers["wave"].str.startswith("yearly") & (answers["item"] != "comment")]
    return chosen.pivot(index=["wave", "response_id"], columns="item", values="score")


@pytest.fixture(scope="module")
def opinions(blocks) -> pd.DataFrame:
    """Latent variables of everybody who is there, by block, customer and month."""
    parts = []
    for number, block in enumerate(blocks):
        frame = pd.DataFrame({name: block.truth["months"][name] for name in ("customer", "month", *LATENTS)})
        parts.append(frame.assign(block=number))
    return pd.concat(parts).set_index(["block", "customer", "month"]).sort_index()


def test_answers_are_whole_numbers_of_the_scale_to_items_of_the_questionnaire(answers):
    scores = answers["score"].dropna()
    assert scores.between(MODEL.scale.low, MODEL.scale.high).all()
    assert (scores == scores.round()).all()
    assert set(answers["item"]) == set(MODEL.items)
    for occasion in MODEL.occasions:
        asked = answers[answers["wave"].str.startswith(f"{occasion} ")]
        assert set(asked["item"]) == set(MODEL.asked(occasion))
        assert (asked.groupby("response_id")["item"].nunique() >= len(MODEL.asked(occasion)) - 1).all()
    assert not answers.duplicated(["response_id", "item"]).any()
    missing = answers.loc[answers["item"].isin(list(MEASURES)), "score"].isna().mean()
    assert 0.005 <= missing <= 0.03  # single items left out: one or two in a hundred


def test_waves_come_once_a_year_and_are_answered_within_two_months(answers):
    waves = answers[answers["wave"].str.startswith("yearly")].groupby("wave")["answered_at"]
    assert list(waves.groups) == ["yearly 2023", "yearly 2024", "yearly 2025"]
    assert {(low.month, high.month) for low, high in zip(waves.min(), waves.max(), strict=True)} == {(3, 4)}
    assert not answers[answers["wave"].str.startswith("yearly")].duplicated(["customer_id", "wave", "item"]).any()


def test_three_in_ten_of_those_invited_answer(answers, blocks):
    # mail and e-mail surveys of bank customers reach 10 to 40 %; with a reminder 25 to 35 % (assumed)
    first = answers[answers["wave"].str.startswith("yearly") & (answers["item"] == "nps")]
    for number, block in enumerate(blocks):
        for month in (2, 14, 26):
            day = month_at(month).first
            there = (block.people.joined < day - 90) & (block.relation.left > day)
            mine = first["response_id"].str.startswith(f"R{number:04d}") & first["wave"].str.endswith(
                str(2023 + month // 12)
            )
            share = first.loc[mine, "weight"].sum() / there.sum()  # weights stand for those who were not invited
            assert 0.23 <= share <= 0.37, (number, month)


def test_weights_are_the_inverse_of_the_share_invited(answers):
    weights = answers[answers["wave"].str.startswith("yearly")]["weight"]
    shares = parameters()["invited_share"].values()
    assert set(weights.round(6)) == {round(1 / share, 6) for share in shares}
    assert answers[~answers["wave"].str.startswith("yearly")]["weight"].isna().all()


def test_net_promoter_score(yearly):
    # published scores of European retail banks lie between some -20 and +40 (order of magnitude)
    for _, scores in yearly["nps"].groupby("wave"):
        assert -0.20 <= (scores >= 9).mean() - (scores <= 6).mean() <= 0.30


def test_opinions_are_standardised(opinions):
    assert opinions.mean().abs().max() < 0.15
    assert opinions.std().between(0.93, 1.07).all()


def test_the_equations_hold_between_opinions(opinions):
    # Experiences are worth nothing on average given what went before, so least squares finds every coefficient: the
    # standard error is near .012 with 4,500 customers whose opinions change slowly
    within = opinions - opinions.groupby("month").transform("mean")
    for effect, causes in PATHS.items():
        found, *_ = np.linalg.lstsq(within[list(causes)].to_numpy(), within[effect].to_numpy(), rcond=None)
        assert found == pytest.approx(np.array(list(causes.values())), abs=0.05), effect


def _change(opinions: pd.DataFrame, latent: str) -> pd.Series:
    """Change of a latent variable to the month after."""
    wide = opinions[latent].unstack("month")
    return wide.diff(axis=1).shift(-1, axis=1).stack().rename(latent)


def _complaints(blocks) -> pd.DataFrame:
    parts = []
    for number, block in enumerate(blocks):
        rows = block.rows["interactions"]
        frame = pd.DataFrame(rows)[rows["kind"] == COMPLAINT].assign(block=number)
        parts.append(frame)
    found = pd.concat(parts)
    found["month"] = found["opened"].floordiv(DAY).map({day: m for m in range(MONTHS) for day in _days(m)})
    found["days"] = (found["resolved"] - found["opened"]) / DAY
    return found


def _days(month: int) -> range:
    return range(month_at(month).first, month_at(month).last + 1)


def test_a_complaint_lowers_satisfaction_and_slow_handling_lowers_handling_efficiency(blocks, opinions):
    complaints = _complaints(blocks)
    places = pd.MultiIndex.from_frame(complaints[["block", "customer", "month"]])
    satisfaction = _change(opinions, "satisfaction").reindex(places).to_numpy()
    handling = _change(opinions, "handling_efficiency").reindex(places).to_numpy()
    quick, slow = complaints["days"].to_numpy() < 3, complaints["days"].to_numpy() > 10
    assert np.nanmean(satisfaction) < -0.25
    assert np.nanmean(handling[slow]) < np.nanmean(handling[quick]) - 0.8
    assert np.nanmean(satisfaction[slow]) < np.nanmean(satisfaction[quick]) - 0.2


def test_the_january_fee_rise_lowers_value_by_price_sensitivity(blocks, opinions):
    change = _change(opinions, "value")
    for number, block in enumerate(blocks):
        price = pd.Series(block.people.price)
        rows = block.rows["transactions"]
        in_january = (rows["kind"] == FEE) & np.isin(rows["booked"], list(_days(12)))
        payers = np.unique(block.accounts.owner[rows["account"][in_january]])
        january = change.xs((number, 12), level=("block", "month")).dropna()
        pays = january.index.isin(payers)
        sensitive = pays & (price.reindex(january.index) > 0.6).to_numpy()
        relaxed = pays & (price.reindex(january.index) < 0.4).to_numpy()
        assert january[sensitive].mean() < january[relaxed].mean() - 0.15
        assert january[relaxed].mean() < january[~pays].mean()


def test_a_breakdown_lowers_product_quality_of_digital_customers(blocks, opinions):
    change = _change(opinions, "product_quality")
    seen = []
    for number, (seed, block) in enumerate(zip(SEEDS, blocks, strict=True)):
        market = simulate_market(seed, MONTHS)
        digital = pd.Series(block.people.digital)
        for month in range(MONTHS - 1):
            if market.at(month)["incident"] > 0.5:
                now = change.xs((number, month), level=("block", "month")).dropna()
                of = digital.reindex(now.index)
                seen.append(now[of > 0.8].mean() - now[of < 0.3].mean())
    assert len(seen) >= 3
    assert np.mean(seen) < -0.2


def test_those_who_answer_are_not_like_the_others(answers, blocks, opinions):
    rows = answers[answers["wave"].str.startswith("yearly") & (answers["item"] == "nps")]
    who = pd.MultiIndex.from_arrays(
        [
            rows["response_id"].str[1:5].astype(int),
            rows["customer_id"].str[5:].astype(int) - 1,
            rows["answered_at"].dt.year.sub(2023) * 12 + rows["answered_at"].dt.month - 1,
        ],
        names=["block", "customer", "month"],
    )
    everybody = opinions[opinions.index.get_level_values("month").isin([2, 14, 26])]
    # the raw index is too good by about an eighth of a standard deviation
    assert 0.05 < opinions.reindex(who)["satisfaction"].mean() - everybody["satisfaction"].mean() < 0.25
    assert 0.1 < opinions.reindex(who)["image"].mean() - everybody["image"].mean() < 0.35
    for number, block in enumerate(blocks):
        answered = np.unique(who[who.get_level_values("block") == number].get_level_values("customer"))
        others = np.setdiff1d(np.flatnonzero(block.people.joined < month_at(0).first), answered)
        assert block.people.birth[answered].mean() < block.people.birth[others].mean()  # older
        assert block.people.engagement[answered].mean() > block.people.engagement[others].mean()
        assert block.people.is_main[answered].mean() > block.people.is_main[others].mean()


def test_answers_look_like_those_of_a_real_bank(yearly, real_data):
    real = pd.read_csv(real_data / "spanish_bank_survey" / "satisfaction.csv", index_col=0).drop(columns="gender")
    ours = yearly[list(MEASURES)]
    # means and spreads of 27 items: 6.35 to 8.05 and 1.5 to 2.7
    assert ours.mean().between(real.mean().min() - 0.1, real.mean().max()).all()
    assert ours.std().between(real.std().min() - 0.2, real.std().max()).all()
    inside = {"real": [], "ours": []}
    across = {"real": [], "ours": []}
    for name, frame, length in (("real", real, 3), ("ours", ours, 4)):
        correlation = frame.corr()
        for one in frame:
            for other in frame:
                if one < other:
                    (inside if one[:length] == other[:length] else across)[name].append(correlation.loc[one, other])
    assert np.mean(inside["ours"]) == pytest.approx(np.mean(inside["real"]), abs=0.1)
    # one mood colours all answers of the Spanish customers; ours share causes only, so they hang together less
    assert 0.15 < np.mean(across["ours"]) < np.mean(across["real"])


def test_answers_after_contacts_follow_the_contact(answers, blocks):
    csat = answers[answers["item"] == "csat"]
    mean = csat.groupby(csat["wave"].str.split().str[0])["score"].mean()
    assert mean["complaint"] < mean["contact"] - 1.0  # a complaint spoils the answer, however it ends
    last = month_at(MONTHS - 1).last
    for number, block in enumerate(blocks):
        contacts = block.rows["interactions"]
        solved = np.sort(contacts["resolved"][contacts["outcome"] == 0])
        assert len(solved)
        mine = csat[csat["response_id"].str.startswith(f"R{number:04d}")]
        assert 0.08 <= len(mine) / len(contacts["customer"]) <= 0.25  # of 6 in 10 asked, about a quarter answers
        assert mine["answered_at"].max() <= pd.Timestamp((last + 1) * DAY, unit="s")
        # who is asked had a contact that was settled in the four days before
        asked = pd.DataFrame({"customer_id": mine["customer_id"], "day": mine["answered_at"].dt.normalize()})
        settled = pd.DataFrame({"customer": contacts["customer"], "resolved": contacts["resolved"] // DAY})
        settled["customer_id"] = [f"C{number:04d}{one + 1:05d}" for one in settled["customer"]]
        both = asked.reset_index().merge(settled, on="customer_id")
        wait = (both["day"] - pd.Timestamp(0)).dt.days - both["resolved"]
        assert set(both.loc[wait.between(1, 3), "index"]) == set(asked.index)


def test_a_fifth_of_the_comments_is_chinese_and_each_customer_keeps_to_one_language(answers):
    comments = answers.dropna(subset="comment")
    assert set(comments["item"]) == {"comment"}
    chinese = comments["comment"].str.contains("[\u4e00-\u9fff]")
    assert (chinese == (comments["language"] == "zh")).all()
    assert 0.12 <= chinese.mean() <= 0.28
    assert (answers.groupby(["customer_id", answers["response_id"].str[:5]])["language"].nunique() == 1).all()
    assert 0.2 <= len(comments) / answers["response_id"].nunique() <= 0.5
    assert not comments["comment"].str.contains(r"[{}@]|\d").any()  # nothing unfilled, nothing personal
    assert comments["comment"].nunique() > 0.5 * len(comments)


def test_comments_say_what_happened(answers, blocks):
    for number, block in enumerate(blocks):
        themes = pd.DataFrame(block.truth["comment_themes"])
        themes["name"] = np.array(THEMES)[themes["theme"]]
        rows = answers[answers["response_id"].str.startswith(f"R{number:04d}")].dropna(subset="comment")
        serial = rows["response_id"].str[5:].astype(int) - 1
        text = pd.Series(rows["comment"].str.lower().to_numpy(), index=serial)
        assert set(themes["response"]) == set(text.index)
        chinese = pd.Series((rows["language"] == "zh").to_numpy(), index=serial)
        for row in themes.itertuples():
            language = "zh" if chinese[row.response] else "en"
            assert _is_in(text[row.response], SENTENCES[row.name, row.tone - 1][language], FILLERS[language])
        complained = set(block.rows["interactions"]["customer"][block.rows["interactions"]["kind"] == COMPLAINT])
        assert set(themes.loc[themes["name"] == "complaint_handling", "customer"]) <= complained


def _is_in(text: str, sentences: tuple[str, ...], fillers: dict[str, tuple[str, ...]]) -> bool:
    """Whether a text holds one of the sentences, up to what stands for the words in braces."""
    parts = []
    for sentence in sentences:
        for word in fillers:
            sentence = sentence.replace(f"{{{word}}}", "\0")
        parts.append(sentence.lower().split("\0"))
    return any(all(part in text for part in pieces) for pieces in parts)


def test_outages_are_mentioned_after_outages(blocks):
    for seed, block in zip(SEEDS, blocks, strict=True):
        incident = simulate_market(seed, MONTHS).incident[-MONTHS:]
        themes = pd.DataFrame(block.truth["comment_themes"])
        told = themes.loc[themes["theme"] == THEMES.index("outage"), "month"]
        for month in told:
            assert incident[max(0, month - 18) : month + 1].max() > 0


def test_a_questionnaire_that_does_not_fit_the_numbers_is_refused(monkeypatch):
    changed = MODEL.model_copy(update={"paths": {**MODEL.paths, "loyalty": ["satisfaction"]}})
    monkeypatch.setattr(surveys, "read_questionnaire", lambda name: changed)
    with pytest.raises(CrmlabError, match=r"retail_bank.yml has the paths .* Change both together\."):
        surveys._questionnaire.__wrapped__()
