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
        "small.yml: latents.value has 1 item. Give 2 or more, or write single: true: with one, the error of an answer "
        "cannot be told from the latent variable.",
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
        "small.yml: latent is not a key of a questionnaire. Did you mean 'latents'? Known: ['anchors', 'dimensions', "
        "'every', 'high', 'high_is', 'items', 'kind', 'latents', 'low', 'missing', 'mode', 'name', 'occasions', 'of', "
        "'paths', 'reversed', 'scale', 'single', 'single_items', 'source', 'text', 'title'].",
        "small.yml: paths is missing. Add it; see data/questionnaires/README.md.",
        "small.yml: scale.high is 'ten': input should be a valid integer, unable to parse string as an integer. Mend "
        "the value.",
        "small.yml: single_items.nps.kind is 'npx': input should be 'nps', 'csat', 'ces' or 'open'. Mend the value.",
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


THREE = {
    name: {
        "title": {"en": name, "zh": "甲"},
        "items": {f"{name}{n}": {"en": f"{name} {n}", "zh": f"甲 {n}"} for n in (1, 2)},
    }
    for name in ("access", "advice", "price")
}


def test_reversed_items_modes_and_single_items(tmp_path):
    def change(given):
        given["latents"]["value"]["items"]["v2"]["reversed"] = True
        given["latents"]["value"]["mode"] = "B"
        given["latents"]["satisfaction"]["items"] = {"s1": {"en": "Satisfied", "zh": "满意", "reversed": False}}
        given["latents"]["satisfaction"]["single"] = True
        given["missing"] = [99, "k.A."]
        given["single_items"]["effort"] = {
            "kind": "ces", "high_is": "easy", "scale": {"low": 1, "high": 7}, "text": {"en": "Easy", "zh": "容易"},
        }  # fmt: skip

    found = read_questionnaire(_write(tmp_path, change))
    assert found.latents["value"].items["v2"] == {"en": "Fair", "zh": "公平"}  # texts stay texts
    assert found.reversed == ("v2",)
    assert (found.latents["value"].mode, found.latents["satisfaction"].mode) == ("B", "A")
    assert found.missing == ["99", "k.A."]
    assert found.scored == ("v1", "v2", "s1", "nps", "effort")
    assert (found.scales["v1"], found.scales["effort"]) == ((0, 10), (1, 7))
    assert (found.single("ces"), found.single_items["effort"].high_is) == ("effort", "easy")


def test_a_dimension_takes_the_place_of_its_latent_variables(tmp_path):
    def change(given):
        given["latents"] = {**THREE, **given["latents"]}
        given["paths"] = {
            "advice": ["access"],
            "value": ["access", "advice", "price"],
            "satisfaction": ["price", "value"],
        }
        given["dimensions"] = {"quality": {"title": {"en": "Quality", "zh": "质量"}, "of": ["access", "advice"]}}

    found = read_questionnaire(_write(tmp_path, change))
    assert found.dimension_of == {"access": "quality", "advice": "quality"}
    # access acts on advice within quality: no path of quality on itself
    assert found.second_order_paths == {"value": ("quality", "price"), "satisfaction": ("price", "value")}


def test_a_wrong_dimension_is_told(tmp_path):
    def spoil(given):
        given["latents"] = {**THREE, **given["latents"]}
        given["paths"] = {"advice": ["access"], "price": ["advice"], "value": ["price"], "satisfaction": ["value"]}
        title = {"en": "Quality"}
        given["dimensions"] = {
            "quality": {"title": title, "of": ["access", "pirce"]},
            "service": {"title": {"en": "Service", "zh": "服务"}, "of": "access"},
            "value": {"title": {"en": "Worth", "zh": "价值"}, "of": ["advice", "price"]},
        }

    assert _problems(tmp_path, spoil) == (
        "small.yml: dimensions.quality.title lacks the language 'zh'. Add the text.",
        "small.yml: dimensions.quality names 'pirce', which is not a latent variable. Did you mean 'price'? Known: "
        "['access', 'advice', 'price', 'value', 'satisfaction']. Mend the name.",
        "small.yml: dimensions.service has 1 latent variable. Give two or more, or leave it out.",
        "small.yml: dimensions.service names 'access', which quality has already. Keep it in one of them.",
        "small.yml: dimensions.value bears the name of a latent variable. Give it a name of its own.",
    )


def test_a_dimension_that_makes_a_circle_is_told(tmp_path):
    def spoil(given):
        given["latents"] = {**THREE, **given["latents"]}
        given["paths"] = {"advice": ["access"], "price": ["advice"], "value": ["price"], "satisfaction": ["value"]}
        given["dimensions"] = {"ends": {"title": {"en": "Ends", "zh": "端"}, "of": ["access", "price"]}}

    # access -> advice -> price, and access and price are one
    assert _problems(tmp_path, spoil) == (
        "small.yml: dimensions make a circle of the paths: advice -> ends -> advice. Take a latent variable out of a "
        "dimension.",
    )


def test_scales_directions_and_reversed_items_that_do_not_fit_are_told(tmp_path):
    def spoil(given):
        given["scale"] |= {"low": 1, "high": 5}
        given["latents"]["value"]["items"]["v1"]["reversed"] = "perhaps"
        given["latents"]["satisfaction"] |= {"single": True, "reversed": ["s3"]}
        given["single_items"] |= {
            "effort": {"kind": "ces", "text": {"en": "Easy", "zh": "容易"}},
            "contact": {"kind": "csat", "text": {"en": "Well", "zh": "好"}, "high_is": "easy",
                        "scale": {"low": 5, "high": 1}},
        }  # fmt: skip

    assert _problems(tmp_path, spoil) == (
        "small.yml: latents.value.items.v1.reversed is 'perhaps'. Write true or false.",
        "small.yml: latents.satisfaction is declared single and has 2 items. Leave single out, or give it one item.",
        "small.yml: latents.satisfaction.reversed names 's3', which is not an item of it. Known: "
        "['s1', 's2']. Mend the name.",
        "small.yml: single_items.nps is of kind 'nps' on a scale from 1 to 5. Write scale: {low: 0, high: 10}, the "
        "only one on which the net promoter score is defined, or give it no kind nps.",
        "small.yml: single_items.effort is of kind 'ces' and does not say what a high answer means. Add high_is: easy "
        "or hard.",
        "small.yml: single_items.contact.scale goes from 5 to 1. Give a low below the high.",
        "small.yml: single_items.contact has high_is, which only the kind 'ces' has. Leave it out.",
    )


def test_the_spanish_questionnaire_has_the_published_structure():
    spain = read_questionnaire("spanish_bank")
    assert [len(latent.items) for latent in spain.latents.values()] == [5, 5, 5, 4, 4, 4]
    assert list(spain.latent_of) == [
        f"{block}{n}"
        for block, size in {"imag": 5, "expe": 5, "qual": 5, "val": 4, "sat": 4, "loy": 4}.items()
        for n in range(1, size + 1)
    ]
    # plspm: image -> expectations, satisfaction, loyalty; expectations -> quality, value, satisfaction;
    # quality -> value, satisfaction; value -> satisfaction; satisfaction -> loyalty: ten paths
    assert sum(len(sources) for sources in spain.paths.values()) == 10
    assert spain.paths["satisfaction"] == ["image", "expectations", "quality", "value"]
    assert spain.asked("yearly") == tuple(spain.latent_of)


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
