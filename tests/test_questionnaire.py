"""Questionnaire files: what is read, and every problem told at once."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import yaml

from crmlab.bank.questionnaire import read_questionnaire
from crmlab.errors import CrmlabError

SMALL = {
    "name": "small",
    "title": {"en": "Small", "zh": "小"},
    "scale": {
        "low": 0,
        "high": 10,
        "anchors": {"low": {"en": "no", "zh": "否"}, "high": {"en": "yes", "zh": "是"}},
    },
    "latents": {
        "value": {
            "title": {"en": "Value", "zh": "价值"},
            "items": {"v1": {"en": "Worth it", "zh": "值"}, "v2": {"en": "Fair", "zh": "公平"}},
        },
        "satisfaction": {
            "title": {"en": "Satisfaction", "zh": "满意"},
            "items": {"s1": {"en": "Satisfied", "zh": "满意"}, "s2": {"en": "Ideal", "zh": "理想"}},
        },
    },
    "paths": {"satisfaction": ["value"]},
    "single_items": {"nps": {"kind": "nps", "text": {"en": "Recommend", "zh": "推荐"}}},
    "occasions": {"yearly": {"every": "year", "items": ["latents", "nps"]}},
}


def _write(folder: Path, change) -> Path:
    given = copy.deepcopy(SMALL)
    change(given)
    path = folder / "small.yml"
    path.write_text(yaml.safe_dump(given, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return path


def _problems(folder: Path, change) -> tuple[str, ...]:
    with pytest.raises(CrmlabError) as refusal:
        read_questionnaire(_write(folder, change))
    return refusal.value.problems


def test_a_small_file_is_read(tmp_path):
    found = read_questionnaire(_write(tmp_path, lambda given: None))
    assert found.items == ("v1", "v2", "s1", "s2", "nps")
    assert found.latent_of == {"v1": "value", "v2": "value", "s1": "satisfaction", "s2": "satisfaction"}
    assert found.asked("yearly") == ("v1", "v2", "s1", "s2", "nps")
    assert found.languages == ("en", "zh")
    assert (found.single("nps"), found.single("open")) == ("nps", None)


def test_one_cause_may_be_written_without_a_list(tmp_path):
    found = read_questionnaire(_write(tmp_path, lambda given: given["paths"].update(satisfaction="value")))
    assert found.paths == {"satisfaction": ["value"]}


def test_the_bank_questionnaire_measures_what_the_kit_promises():
    bank = read_questionnaire()
    assert list(bank.latents) == ["image", "expectations", "product_quality", "service_attitude",
                                  "handling_efficiency", "value", "satisfaction", "loyalty"]  # fmt: skip
    assert all(3 <= len(latent.items) <= 4 for latent in bank.latents.values())
    assert (bank.scale.low, bank.scale.high, bank.languages) == (0, 10, ("en", "zh"))
    assert {item.kind for item in bank.single_items.values()} == {"nps", "csat", "open"}
    assert bank.single("nps") not in bank.latent_of  # recommendation is kept apart from the loyalty index
    texts = [text[language] for latent in bank.latents.values() for text in latent.items.values() for language in text]
    assert len(set(texts)) == len(texts)  # nothing is asked twice
    for latent in bank.latents.values():
        for text in latent.items.values():
            assert any("\u4e00" <= sign <= "\u9fff" for sign in text["zh"])
            assert text["en"].isascii()


def test_every_problem_of_meaning_is_told_at_once(tmp_path):
    def spoil(given):
        given["scale"]["low"] = 10
        given["latents"]["value"]["items"] = {"v1": {"en": "Worth it"}}
        given["latents"]["satisfaction"]["items"]["v1"] = {"en": "Again", "zh": "又"}
        given["latents"]["image"] = {
            "title": {"en": "Image", "zh": "形象"},
            "items": SMALL["latents"]["value"]["items"],
        }
        given["paths"] = {"value": ["satisfaction"], "satisfaction": ["valeu"]}
        given["occasions"]["yearly"]["items"] = ["latents", "npss"]
        given["occasions"]["Once a year"] = {"every": "year", "items": "nps"}

    assert _problems(tmp_path, spoil) == (
        "small.yml: scale goes from 10 to 10. Give a low below the high.",
        "small.yml: latents.value.items.v1 lacks the language 'zh'. Add the text.",
        "small.yml: latents.value has 1 item. Give 2 or more: with one, the error of an answer cannot be told from the "
        "latent variable.",
        "small.yml: item 'v1' is under value and satisfaction. Give each item a code of its own.",
        "small.yml: item 'v1' is under value and image. Give each item a code of its own.",
        "small.yml: paths.value names 'satisfaction', which does not come before it under latents. List causes before "
        "effects; a circle cannot be estimated.",
        "small.yml: paths.satisfaction.valeu is not a latent variable. Did you mean 'value'? Known: ['value', "
        "'satisfaction', 'image']. Mend the name.",
        "small.yml: latents.image has no path. Give it one, or leave it out.",
        "small.yml: occasions.yearly asks for 'npss', which is not there. Did you mean 'nps'? Known: ['latents', "
        "'nps']. Mend the name.",
        "small.yml: occasions has 'Once a year', which is not one word of small letters. Column wave begins with it; "
        "write one word.",
    )


def test_every_problem_of_form_is_told_at_once(tmp_path):
    def spoil(given):
        del given["paths"]
        given["scale"]["high"] = "ten"
        given["latent"] = {}
        given["single_items"]["nps"]["kind"] = "npx"

    assert _problems(tmp_path, spoil) == (
        "small.yml: latent is not a key of a questionnaire. Did you mean 'latents'? Known: ['anchors', 'every', "
        "'high', 'items', 'kind', 'latents', 'low', 'name', 'occasions', 'paths', 'scale', 'single_items', 'source', "
        "'text', 'title'].",
        "small.yml: paths is missing. Add it; see data/questionnaires/README.md.",
        "small.yml: scale.high is 'ten': input should be a valid integer, unable to parse string as an integer. Mend "
        "the value.",
        "small.yml: single_items.nps.kind is 'npx': input should be 'nps', 'csat' or 'open'. Mend the value.",
    )


def test_languages_that_the_title_lacks_and_a_missing_english(tmp_path):
    def spoil(given):
        given["title"] = {"zh": "小"}
        for latent in given["latents"].values():
            latent["title"] = {"zh": "甲"}
            latent["items"] = {code: {"zh": text["zh"]} for code, text in latent["items"].items()}
        given["scale"]["anchors"] = {end: {"zh": "乙"} for end in ("low", "high")}

    assert _problems(tmp_path, spoil) == (
        "small.yml: title lacks the language 'en'. Add it; English is the language of reports.",
        "small.yml: single_items.nps.text has the languages ['en'], which title lacks. Add them to title or leave them "
        "out.",
    )


def test_codes_of_single_items_and_kinds(tmp_path):
    def spoil(given):
        given["single_items"]["s1"] = {"kind": "nps", "text": {"en": "Tell a friend", "zh": "告诉朋友"}}
        given["paths"]["satisfaction"] = ["value", "value"]

    assert _problems(tmp_path, spoil) == (
        "small.yml: item 's1' is under satisfaction and single_items. Give each item a code of its own.",
        "small.yml: single_items has 2 items of the kind 'nps'. Keep one.",
        "small.yml: paths.satisfaction names 'value' 2 times. Name it once.",
    )


def test_a_name_that_is_not_there_is_refused_with_the_nearest():
    with pytest.raises(CrmlabError, match=r"'retail_bnk' is not in .*Did you mean 'retail_bank'\?"):
        read_questionnaire("retail_bnk")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a list", "small.yml is not a mapping of keys to values. Write lines such as `name: My bank`."),
        ("name: a\nname: b", "small.yml is not valid YAML in line 2: 'name' is given twice. Mend the line."),
    ],
)
def test_a_file_that_is_no_questionnaire(tmp_path, text, message):
    path = tmp_path / "small.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CrmlabError) as refusal:
        read_questionnaire(path)
    assert str(refusal.value) == message


def test_a_path_that_does_not_exist(tmp_path):
    with pytest.raises(CrmlabError) as refusal:
        read_questionnaire(tmp_path / "none.yml")
    said = f"questionnaire {str(tmp_path / 'none.yml')!r} does not exist. Give the path of a questionnaire."
    assert str(refusal.value) == said
