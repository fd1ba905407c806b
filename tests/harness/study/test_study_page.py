"""docs/study.md lists every field of a study, with examples that a study may have."""

import tomllib
from collections.abc import Iterator
from typing import Annotated, Any, get_args

import pytest
from pydantic import BaseModel, TypeAdapter

from docs import study_page
from harness.study.schema import Study
from harness.study.search import Search

FIELDS = [(model, name) for model in study_page.MODELS for name in model.model_fields]


def models(annotation: Any) -> Iterator[type[BaseModel]]:
    """Every model that a value of this type may hold."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for field in annotation.model_fields.values():
            yield from models(field.annotation)
    for inner in get_args(annotation):
        yield from models(inner)


def accepted(model: type[BaseModel], name: str, text: str) -> Any:
    field = model.model_fields[name]
    adapter = TypeAdapter(Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation)
    return adapter.validate_python(tomllib.loads(f"value = {text}")["value"])


def test_the_page_is_what_the_models_give() -> None:
    stored = (study_page.HERE / "study.md").read_text()
    assert stored == study_page.page(), "make study-page writes it anew"


def test_every_part_of_a_study_has_a_section() -> None:
    assert set(models(Study)) == set(study_page.MODELS)


@pytest.mark.parametrize("model", study_page.MODELS, ids=lambda model: model.__name__)
def test_every_field_has_words_and_no_word_is_of_no_field(model: type[BaseModel]) -> None:
    words = {name for name, value in study_page.WORDS[model.__name__].items() if isinstance(value, dict)}
    assert words == set(model.model_fields)
    section = study_page.section(model)
    assert all(f"| `{name}` |" in section for name in model.model_fields)


@pytest.mark.parametrize(("model", "name"), FIELDS, ids=lambda value: getattr(value, "__name__", value))
def test_an_example_is_what_its_field_takes(model: type[BaseModel], name: str) -> None:
    text = study_page.WORDS[model.__name__][name]["example"]
    assert accepted(model, name, text) is not None


def test_types_bounds_units_and_defaults_are_those_of_the_model() -> None:
    shown = study_page.line("epochs", Search.model_fields["epochs"], study_page.WORDS["Search"]["epochs"])
    assert "| whole number, above 0, up to 1,000,000 (epochs) | `50` |" in shown
    assert study_page.kind(str | None) == "text"
    assert study_page.kind(tuple[int, ...]) == "list of whole numbers"
    with pytest.raises(TypeError, match="no words for"):
        study_page.kind(set[int])
