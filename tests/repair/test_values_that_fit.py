"""Values rewritten to their schemas: what is read, how sure, and what is left alone because it means something else."""

# pyright: basic
from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.repair.view.coerce import Target, coerce
from proxy.repair.view.schema import fits
from proxy.repair.view.values import MISSING
from tests.promises import promise

INT: dict[str, Any] = {"type": "integer"}
NUM: dict[str, Any] = {"type": "number"}
BOOL: dict[str, Any] = {"type": "boolean"}
STR: dict[str, Any] = {"type": "string"}
DATE: dict[str, Any] = {"type": "string", "format": "date"}
STRS: dict[str, Any] = {"type": "array", "items": STR}
INTS: dict[str, Any] = {"type": "array", "items": INT}
PRIORITY: dict[str, Any] = {"type": "string", "enum": ["low", "normal", "very_high"]}
CABIN: dict[str, Any] = {"type": "string", "enum": ["window", "aisle", "middle"]}
STATE: dict[str, Any] = {"type": "string", "enum": ["open", "closed", "refundable"]}
ADDRESS: dict[str, Any] = {
    "type": "object",
    "properties": {"street": STR, "number": INT, "floor": INT},
    "required": ["street", "number"],
}


def first(value: Any, schema: dict[str, Any], name: str = "value", *, required: bool = True) -> Any:
    """The surest reading's value and confidence, None where there is no reading."""
    found = coerce(value, Target(schema, schema, name, required))
    return (found[0].value, found[0].confidence.value) if found else None


@promise("values-fit-their-schema")
@pytest.mark.parametrize(
    ("value", "schema", "wanted", "confidence"),
    [
        # numbers in texts: guests, prices, mileages
        ("4", INT, 4, "lossless"),
        ("-17", INT, -17, "lossless"),
        (" 12 ", INT, 12, "lossless"),
        ("'8'", INT, 8, "lossless"),
        ("18,250", INT, 18250, "lossless"),
        ("2,000,000", NUM, 2_000_000, "lossless"),
        ("3.75", NUM, 3.75, "lossless"),
        ("6.02e23", NUM, 6.02e23, "lossless"),
        ("7.0", INT, 7, "lossless"),
        ("twenty-one", INT, 21, "evident"),
        ("three thousand two hundred and five", INT, 3205, "evident"),
        ("about 15", INT, 15, "evident"),
        ("~ 90", NUM, 90, "evident"),
        # truth values
        ("true", BOOL, True, "lossless"),
        ("False", BOOL, False, "lossless"),
        ("yes", BOOL, True, "evident"),
        ("off", BOOL, False, "evident"),
        (1, BOOL, True, "evident"),
        (0, BOOL, False, "evident"),
        # scalars where text is wanted
        (90210, STR, "90210", "lossless"),
        (True, STR, "true", "lossless"),
        # lists
        ("backyard", STRS, ["backyard"], "lossless"),
        (7, INTS, [7], "lossless"),
        ('["oak", "elm"]', STRS, ["oak", "elm"], "lossless"),
        ("[3, 5]", INTS, [3, 5], "lossless"),
        (["3", "5"], INTS, [3, 5], "lossless"),
        ("['ash', 'yew']", STRS, ["ash", "yew"], "lossless"),
        ("3, 16, 60", INTS, [3, 16, 60], "evident"),
        ("red; green; blue", STRS, ["red", "green", "blue"], "evident"),
        # objects
        ('{"street": "Elm Row", "number": 9}', ADDRESS, {"street": "Elm Row", "number": 9}, "lossless"),
        ('```json\n{"street": "Elm Row", "number": 9}\n```', ADDRESS, {"street": "Elm Row", "number": 9}, "lossless"),
        ("{'street': 'Elm Row', 'number': 9}", ADDRESS, {"street": "Elm Row", "number": 9}, "lossless"),
        ('"street": "Elm Row", "number": 9', ADDRESS, {"street": "Elm Row", "number": 9}, "evident"),
        ({"street": "Elm Row", "number": "9"}, ADDRESS, {"street": "Elm Row", "number": 9}, "lossless"),
        ('{"street": "Elm Row", "number": "9"}', ADDRESS, {"street": "Elm Row", "number": 9}, "lossless"),
        ({"street": "Elm", "number": 9, "floor": None}, ADDRESS, {"street": "Elm", "number": 9}, "lossless"),
        # allowed values: by case and separators, by containment, by a near spelling
        ("Very High", PRIORITY, "very_high", "lossless"),
        ("LOW", PRIORITY, "low", "lossless"),
        ("window seat", CABIN, "window", "guess"),
        ("an aisle seat please", CABIN, "aisle", "guess"),
        ("refundible", STATE, "refundable", "evident"),
        # dates and times that can be read in one way only
        ("12 March 2031", DATE, "2031-03-12", "evident"),
        ("March 12th, 2031", DATE, "2031-03-12", "evident"),
        ("2031/03/12", DATE, "2031-03-12", "evident"),
        ("2031-03-12T00:00:00", DATE, "2031-03-12", "evident"),
        ("25.12.2030", DATE, "2030-12-25", "evident"),
        # one thing out of a container
        (["Oslo"], STR, "Oslo", "evident"),
        ({"city": "Oslo"}, {"type": "string", "maxLength": 40}, "Oslo", None),
    ],
    ids=repr,
)
def test_a_value_is_read_as_what_it_says(
    value: Any, schema: dict[str, Any], wanted: Any, confidence: str | None
) -> None:
    found = coerce(value, Target(schema, schema, "value"))
    assert wanted in [option.value for option in found]
    if confidence is not None:
        assert (found[0].value, found[0].confidence.value) == (wanted, confidence)
    assert type(wanted) in {type(option.value) for option in found if option.value == wanted}


@promise("values-fit-their-schema")
@pytest.mark.parametrize(
    ("value", "schema"),
    [
        # a code is no number, and neither is a number somewhere in a code
        ("EC-135", INT),
        ("A4", INT),
        ("10.0.0.1", NUM),
        ("2031-03-12", INT),
        ("12:30", INT),
        ("v2", NUM),
        ("+1-202-555-0199", NUM),
        ("room 12, table 4", INT),
        ("12-14", INT),
        ("NaN", NUM),
        ("", INT),
        ("seven dwarfs", INT),
        # nothing is cut off
        ("3.5", INT),
        (3.5, INT),
        # words that are neither true nor false
        ("maybe", BOOL),
        (2, BOOL),
        ("trueish", BOOL),
        # dates that could be two days, or none
        ("04/05/2031", DATE),
        ("5/4/31", DATE),
        ("next Tuesday", DATE),
        ("March 2031", DATE),
        ("31 February 2031", DATE),
        # a negation is not what it negates
        ("not refundable", STATE),
        ("non-refundable", STATE),
        ("no window", CABIN),
        # two allowed values at once, or none
        ("window or aisle", CABIN),
        ("balcony", CABIN),
        ("", CABIN),
        # bounds are not clamped to
        (140, {"type": "integer", "maximum": 100}),
        ("140", {"type": "integer", "maximum": 100}),
        ("abcdef", {"type": "string", "maxLength": 3}),
        # null stands for nothing where something is required
        (None, STR),
        (None, INT),
    ],
    ids=repr,
)
def test_a_value_that_means_something_else_is_left_alone(value: Any, schema: dict[str, Any]) -> None:
    assert coerce(value, Target(schema, schema, "value")) == []


@promise("values-fit-their-schema")
@pytest.mark.parametrize("value", [None, "null", "None", "undefined"])
def test_nothing_is_left_out_only_where_it_is_optional(value: Any) -> None:
    """An optional number that was given as null is no argument; a required one is a fault that stays."""
    assert first(value, INT, required=False)[0] is MISSING
    assert first(value, INT) is None


@promise("values-fit-their-schema")
def test_null_stays_null_where_the_schema_takes_it() -> None:
    schema = {"type": ["integer", "null"]}
    assert coerce(None, Target(schema, schema, "floor", required=False)) == []
    assert first("null", schema, required=False)[0] is None


@promise("values-fit-their-schema")
@pytest.mark.parametrize(
    ("value", "name", "schema", "wanted"),
    [
        ("5 kg", "weight_kg", NUM, 5),
        ("5000 g", "weight_kg", NUM, 5),
        ("2 miles", "distance_km", NUM, 3.218688),
        ("90 minutes", "duration", {"type": "number", "description": "Length in hours"}, 1.5),
        ("30 days", "days", INT, 30),
    ],
)
def test_a_unit_is_converted_to_the_one_the_argument_speaks_of(
    value: str, name: str, schema: dict[str, Any], wanted: float
) -> None:
    found = first(value, schema, name)
    assert found is not None
    assert found[0] == pytest.approx(wanted)
    assert found[1] == "evident"


@promise("values-fit-their-schema")
def test_a_unit_of_another_kind_is_not_forced_into_the_argument() -> None:
    assert first("5 kg", NUM, "distance_km") is None


@promise("values-fit-their-schema")
def test_a_negated_value_means_only_a_negated_one() -> None:
    schema = {"type": "string", "enum": ["refundable", "non_refundable", "not_started", "started"]}
    assert first("Non-Refundable", schema) == ("non_refundable", "lossless")
    assert first("not starteed", schema)[0] == "not_started"
    assert first("refundabl", schema)[0] == "refundable"
    assert first("not on sale", schema) is None


@promise("values-fit-their-schema")
def test_units_are_allowed_values_by_meaning() -> None:
    schema = {"type": "string", "enum": ["kilogram", "pound", "ounce"]}
    assert first("kg", schema)[0] == "kilogram"
    assert first("lbs", schema)[0] == "pound"
    assert first("kilometre", schema) is None


@promise("values-fit-their-schema")
def test_a_text_of_several_words_is_not_torn_into_a_list_of_them() -> None:
    """A sentence with a comma is one note, not two: at most its wrapped form or a split, never a sure one."""
    found = coerce("Dear Ada, please bring the long ladder and the red paint tomorrow", Target(STRS, STRS, "notes"))
    assert [option.value for option in found] == [["Dear Ada, please bring the long ladder and the red paint tomorrow"]]


@promise("values-fit-their-schema")
def test_definitions_are_followed() -> None:
    root = {"$defs": {"Seat": {"type": "object", "properties": {"row": INT}, "required": ["row"]}}}
    found = coerce({"row": "14"}, Target({"$ref": "#/$defs/Seat"}, root, "seat"))
    assert [option.value for option in found] == [{"row": 14}]


@promise("sound-values-stay")
@pytest.mark.parametrize(
    ("value", "schema"),
    [("90210", STR), ("true", STR), ("[1]", STR), (4, INT), (4, NUM), (4.5, NUM), ([], STRS), ({}, {"type": "object"}),
     ("low", PRIORITY), ("2031-03-12", DATE), ("anything", {}), (None, {}), ("7", {"anyOf": [STR, INT]})],
    ids=repr,
)  # fmt: skip
def test_a_value_that_fits_is_not_touched(value: Any, schema: dict[str, Any]) -> None:
    assert coerce(value, Target(schema, schema, "value")) == []


@promise("sound-values-stay")
def test_an_integral_float_becomes_an_integer_where_one_is_wanted() -> None:
    (found,) = coerce(7.0, Target(INT, INT, "nights"))
    assert found.value == 7
    assert type(found.value) is int
    assert found.confidence.value == "lossless"


LEAVES = st.sampled_from([INT, NUM, BOOL, STR, DATE, PRIORITY, CABIN, {"type": ["integer", "null"]}, {}])
SCHEMAS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        inner.map(lambda items: {"type": "array", "items": items}),
        st.dictionaries(st.sampled_from(["a", "b", "size"]), inner, min_size=1, max_size=3).flatmap(
            lambda props: st.lists(st.sampled_from(sorted(props)), unique=True).map(
                lambda required: {"type": "object", "properties": props, "required": required}
            )
        ),
        st.lists(inner, min_size=2, max_size=2).map(lambda branches: {"anyOf": branches}),
    ),
    max_leaves=4,
)
WORDS = st.sampled_from(
    ["", "7", "7.0", "1e3", "-2", "null", "true", "no", "LOW", "very high", "window seat", "not window", "12 kg",
     "x,y", "1, 2", "[1, 2]", '{"a": 1}', '{"a": "1"}', "['p']", "2031-03-12", "3 May 2031", "04/05/06", "EC-135",
     " b ", "1/2"]
)  # fmt: skip
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-9, 200), st.floats(-9, 9), WORDS, st.text(max_size=6)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["a", "b", "size", "z"]), inner, max_size=3)
    ),
    max_leaves=5,
)


@promise("values-fit-their-schema")
@given(SCHEMAS, VALUES)
def test_whatever_is_coerced_fits(schema: dict[str, Any], value: Any) -> None:
    for option in coerce(value, Target(schema, schema, "value", required=False)):
        assert option.value is MISSING or fits(schema, option.value)


@promise("sound-values-stay")
@given(SCHEMAS, VALUES)
def test_coercing_again_changes_nothing(schema: dict[str, Any], value: Any) -> None:
    for option in coerce(value, Target(schema, schema, "value", required=False)):
        again = [] if option.value is MISSING else coerce(option.value, Target(schema, schema, "value"))
        assert all(second.rule == "integral_float" for second in again)


@promise("sound-values-stay")
@given(SCHEMAS, VALUES)
def test_a_sound_value_is_its_own_reading(schema: dict[str, Any], value: Any) -> None:
    if fits(schema, value):
        assert all(option.value == value for option in coerce(value, Target(schema, schema, "value")))


def test_a_symbol_that_names_something_is_kept() -> None:
    languages = {"enum": ["C", "Java"]}
    assert coerce("C#", Target(languages, languages, "language")) == []
    assert coerce("java", Target(languages, languages, "language"))[0].value == "Java"
