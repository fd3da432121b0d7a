"""The schema of the document for programs describes all that there is, and what the engine has by the same names."""

import dataclasses
from typing import get_args

import jsonschema
import pytest

from fixtures.harness import headroom, latency, layers, metrics, record, targets, verdict
from fixtures.harness.attribution import Deviation
from fixtures.harness.evidence import BINS
from fixtures.harness.rejudging import LAWS, UNKNOWN
from models.spec import Budget
from tests.documents import schema

DEFS = schema()["$defs"]


def objects(part, place="$"):
    """Yield each object that the schema describes by the names of its properties, with where it stands there."""
    if isinstance(part, dict):
        if "properties" in part and isinstance(part.get("type"), str):
            yield place, part
        for name, value in part.items():
            yield from objects(value, f"{place}.{name}")
    elif isinstance(part, list):
        for number, value in enumerate(part):
            yield from objects(value, f"{place}[{number}]")


def names(kind):
    """Return the names of the fields of a dataclass."""
    return {field.name for field in dataclasses.fields(kind)}


def properties(place):
    """Return the names of the properties that a part of the schema has: a definition, then properties and items."""
    part = DEFS
    for name in place.split("."):
        part = part[name]
        part = part.get("items", part)
        part = next((one for one in part.get("anyOf", [part]) if "properties" in one), part)
        part = part.get("properties", part)
    return set(part)


def terms(law):
    """Return the names of the terms of a *law*."""
    found = DEFS[law]["properties"]["terms"]
    return set((found if "properties" in found else DEFS["ArithmeticTerms"])["properties"])


def test_schema_is_one():
    """It is a schema of draft 2020-12, and its name has the version of the documents."""
    jsonschema.Draft202012Validator.check_schema(schema())

    assert schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema()["$id"].rpartition(":")[2] == str(record.VERSION) == str(schema()["properties"]["version"]["const"])


def test_each_property_is_described_and_is_always_there():
    """Every property of every object says what it is; none may be missing, and no other may be there."""
    found = dict(objects(schema()))

    assert len(found) > 30
    assert [place for place, one in found.items() if one["required"] != [*one["properties"]]] == []
    assert [place for place, one in found.items() if one["additionalProperties"] is not False] == []
    assert [
        f"{place}.{name}"
        for place, one in found.items()
        for name, value in one["properties"].items()
        if not value.get("description", "").endswith(".")
    ] == []
    assert [name for name, part in DEFS.items() if not part.get("description")] == []


def test_words_are_those_of_the_gate():
    """Verdicts, statuses, kinds of arithmetic and units are the gate's own."""
    run, check, metric = (DEFS[name]["properties"] for name in ("run", "check", "metric"))

    assert {*run["verdict"]["enum"]} == {*record.VERDICTS, UNKNOWN}
    assert {*check["status"]["enum"]} == {*record.STATUSES}
    assert {*DEFS["arithmetic"]["enum"]} == {*get_args(targets.Arithmetic)}
    assert {*metric["unit"]["enum"]} == {*get_args(metrics.Unit), None}
    assert DEFS["evidence"]["properties"]["histogram"]["anyOf"][0]["properties"]["counts"]["maxItems"] == BINS


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("counts", {*record.STATUSES, "not_run"}),
        ("model.headroom", names(headroom.Activation)),
        ("model.layers", names(layers.LayerError)),
        ("model.recipe", {*record.RECIPE}),
        ("model.files", {*record.FILES}),
        ("budget", names(Budget)),
        ("metric", {*record.METRIC}),
        ("change", names(metrics.Change)),
        ("pinned.told", {*record.PINNED}),
        ("evidence", {*record.EVIDENCE}),
        ("latency", names(latency.Latency)),
        ("file", (names(Deviation) - {"target", "arithmetic"}) | {"model", "evidence", "latency"}),
        ("measured", names(verdict.Verdict) | {"holds"}),
    ],
)
def test_properties_are_those_of_the_engine(place, expected):
    """What the document takes over from the engine has the names that it has there."""
    assert properties(place) == expected


def test_each_law_is_described():
    """All laws that a document may name are there, and no other."""
    assert {one["$ref"].rpartition("/")[2] for one in DEFS["law"]["oneOf"]} == set(LAWS)


@pytest.mark.parametrize("law", LAWS)
def test_terms_of_a_law_are_its_fields(law):
    """A law is told from others by its name, and has the terms by which it is judged again."""
    assert DEFS[law]["properties"]["name"]["const"] == law
    assert terms(law) == names(LAWS[law])


def test_terms_that_are_objects_have_the_fields_of_theirs():
    """What a law is made of is described as deep as it goes."""
    of_classes = DEFS["ClassDropLaw"]["properties"]["terms"]["properties"]["classes"]["items"]["properties"]

    assert set(of_classes) == names(metrics.ClassCounts)
    assert DEFS["CloseCallsLaw"]["properties"]["terms"]["properties"]["error"]["$ref"] == "#/$defs/ArithmeticTerms"
    assert DEFS["DropLaw"]["properties"]["terms"]["properties"]["change"]["$ref"] == "#/$defs/change"
