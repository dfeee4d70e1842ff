"""The path model of a survey: what may be declared, in any order, and every reason to refuse."""

from types import SimpleNamespace

import pytest

from crmlab.bank.questionnaire import read_questionnaire
from crmlab.errors import CrmlabError
from crmlab.satisfaction.path_models.model import PathModel

LATENTS = {"image": ["i1", "i2"], "value": ["v1", "v2"], "satisfaction": ["s1"]}
PATHS = {"satisfaction": ["image", "value"], "value": ["image"]}


def problems(*given, **named) -> list[str]:
    with pytest.raises(CrmlabError) as refused:
        PathModel(*given, **named)
    return list(refused.value.problems)


def test_latent_variables_may_come_in_any_order():
    turned = PathModel(dict(reversed(LATENTS.items())), PATHS)
    assert turned.names == ("satisfaction", "value", "image")
    assert turned.order == ("image", "value", "satisfaction")
    assert turned.items == ("s1", "v1", "v2", "i1", "i2")
    assert turned.block.tolist() == [0, 1, 1, 2, 2]
    assert turned.arrows == (("image", "satisfaction"), ("value", "satisfaction"), ("image", "value"))


def test_what_was_given_can_change_without_changing_the_model():
    items = ["i1", "i2"]
    model = PathModel({**LATENTS, "image": items}, PATHS)
    items.append("i3")
    assert model.latents["image"] == ("i1", "i2")


def test_nothing_declared_is_refused():
    assert problems({}, {}) == ["latents: there is none. Name latent variables and their items."]
    assert problems(LATENTS, {}) == ["paths: there is none. Name for each effect the latent variables that act on it."]


def test_all_problems_come_at_once():
    assert problems(
        {"image": ["i1", "x"], "value": [], "satisfaction": ["x"], "alone": ["a"]},
        {"satisfacton": ["image"], "value": ["imago", "image", "image"], "satisfaction": ["value"]},
        modes={"imgae": "A", "value": "C"},
    ) == [
        "latents: value has no items. Give it one or more, or leave it out.",
        "latents: item 'x' is listed 2 times, under image, satisfaction. "
        "Keep each item once, under one latent variable.",
        "modes: 'imgae' is no latent variable. Did you mean 'image'? "
        "Known: ['image', 'value', 'satisfaction', 'alone'].",
        "modes: value has mode 'C'. Give 'A' (items show the latent variable) or 'B' (items make it up).",
        "paths: effect 'satisfacton' is no latent variable. Did you mean 'satisfaction'? "
        "Known: ['image', 'value', 'satisfaction', 'alone'].",
        "paths: value names cause 'imago', which is no latent variable. Did you mean 'image'? "
        "Known: ['image', 'value', 'satisfaction', 'alone'].",
        "paths: value names cause 'image' 2 times. Name it once.",
        "latents: alone has no path. Give it one, or leave it out.",
    ]


def test_an_item_twice_in_one_block_is_refused():
    assert problems({"image": ["i1", "i1"], "value": ["v1"]}, {"value": ["image"]}) == [
        "latents: item 'i1' is listed 2 times, under image. Keep each item once, under one latent variable."
    ]


def test_a_circle_is_named():
    assert problems(LATENTS, {"satisfaction": ["value"], "value": ["image"], "image": ["satisfaction"]}) == [
        "paths: they run in a circle: image -> value -> satisfaction -> image. Take one of these paths out; "
        "a circle cannot be estimated."
    ]


def test_a_path_to_itself_is_a_circle():
    assert problems({"image": ["i1"], "value": ["v1"]}, {"value": ["image", "value"]}) == [
        "paths: they run in a circle: value -> value. Take one of these paths out; a circle cannot be estimated."
    ]


def test_second_order_constructs_stand_where_their_first_dimension_stands():
    model = PathModel(
        {"image": ["i"], "product": ["p"], "service": ["s"], "satisfaction": ["t"]},
        {"quality": ["image"], "satisfaction": ["quality"]},
        higher={"quality": ["product", "service"]},
    )
    assert model.constructs == ("image", "quality", "satisfaction")


def test_second_order_constructs_are_checked():
    latents = {"product": ["p"], "service": ["s"], "satisfaction": ["t"]}
    assert problems(
        latents,
        {"satisfaction": ["quality", "product"]},
        higher={"quality": ["product", "servce"], "more": ["product"], "satisfaction": ["service", "product"]},
    ) == [
        "higher: quality has dimension 'servce', which is no latent variable. Did you mean 'service'? "
        "Known: ['product', 'service', 'satisfaction'].",
        "higher: more has 1 dimension. Give two or more.",
        "higher: product is a dimension of quality and more. Keep it under one.",
        "higher: satisfaction is a latent variable with items too. Give the construct its own name.",
        "higher: product is a dimension of quality and satisfaction. Keep it under one.",
        "paths: satisfaction names cause 'product', which is a dimension of satisfaction. "
        "Let the path run to or from satisfaction.",
        "latents: more has no path. Give it one, or leave it out.",
    ]


def test_the_model_of_the_questionnaire():
    model = PathModel.from_questionnaire(read_questionnaire("retail_bank"), language="zh")
    assert model.title("image") == "品牌形象"
    assert model.order[0] == "image"
    assert model.order[-1] == "loyalty"


def test_dimensions_of_a_questionnaire_take_the_paths_of_their_parts():
    def latent(*items):
        return SimpleNamespace(items=dict.fromkeys(items), title={"en": items[0].upper()})

    questionnaire = SimpleNamespace(
        latents={"product": latent("p1", "p2"), "service": latent("s1"), "value": latent("v1")},
        paths={"service": ["product"], "value": ["product", "service"]},
        dimensions={"quality": SimpleNamespace(of=["product", "service"], title={"en": "Quality"}, mode="B")},
    )
    model = PathModel.from_questionnaire(questionnaire, second_order=True)
    assert model.paths == {"value": ("quality",)}
    assert model.higher == {"quality": ("product", "service")}
    assert (model.mode("quality"), model.title("quality"), model.title("value")) == ("B", "Quality", "V1")
    plain = PathModel.from_questionnaire(questionnaire)
    assert plain.paths == {"service": ("product",), "value": ("product", "service")}
    assert plain.higher == {}
