"""Values stay exact, whatever form DynamoDB gives them."""

from __future__ import annotations

import base64
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.shared import values
from processors.shared.checks import check

THIRTY_EIGHT = "12345678901234567890123456789012345678"
FORMS = {
    "1E+2": "100",
    "1e2": "100",
    "10.50": "10.50",
    "-0.1": "-0.1",
    "+5": "5",
    ".5": "0.5",
    "5.": "5",
    "1E-130": "0." + "0" * 129 + "1",
    "9.9E+125": "99" + "0" * 124,
    THIRTY_EIGHT: THIRTY_EIGHT,
    f"0.{THIRTY_EIGHT}": f"0.{THIRTY_EIGHT}",
}

# DynamoDB's numbers: up to 38 digits, between 1E-130 and 1E+126.
numbers = st.builds(
    lambda sign, digits, exponent: str(Decimal((sign, tuple(map(int, digits)), exponent))),
    st.sampled_from([0, 1]),
    st.text("0123456789", min_size=1, max_size=38).filter(lambda digits: digits[0] != "0"),
    st.integers(-130, 80),
)


@pytest.mark.parametrize(("written", "plain"), FORMS.items())
def test_numbers_become_plain_digits(written: str, plain: str) -> None:
    """Any form of a number becomes a JSON literal of its digits, with none lost."""
    check({"N": written})

    assert values.as_json(values.plain({"N": written})) == plain


@given(numbers)
def test_no_digit_of_a_number_is_lost(written: str) -> None:
    """Every number that DynamoDB can hold comes back from its JSON as it was."""
    check({"N": written})

    text = values.as_json(values.plain({"N": written}))

    assert json.loads(text, parse_float=Decimal, parse_int=Decimal) == Decimal(written)
    assert "E" not in text


def test_a_float_is_refused() -> None:
    """Nothing inexact gets into JSON by mistake."""
    with pytest.raises(TypeError, match="not exact"):
        values.as_json({"amount": [1.5]})


def test_every_type_has_a_plain_form() -> None:
    """Sets become sorted lists, a binary base64 text, and NULL null."""
    image = {
        "text": {"S": 'Zoë "quoted" \n'},
        "yes": {"BOOL": True},
        "none": {"NULL": True},
        "binary": {"B": "AAE="},
        "texts": {"SS": ["b", "a"]},
        "numbers": {"NS": ["10", "9", "1E+1", "-1"]},
        "binaries": {"BS": ["AQ==", "AA=="]},
        "list": {"L": [{"N": "1.0"}, {"M": {"inner": {"S": ""}}}]},
    }

    assert json.loads(values.as_json(values.plain({"M": image})), parse_float=str, parse_int=str) == {
        "text": 'Zoë "quoted" \n',
        "yes": True,
        "none": None,
        "binary": "AAE=",
        "texts": ["a", "b"],
        "numbers": ["-1", "9", "10", "10"],
        "binaries": ["AA==", "AQ=="],
        "list": ["1.0", {"inner": ""}],
    }


@pytest.mark.parametrize(("value", "expected"), [({"N": "10.5"}, Decimal("10.5")), ({"S": "10.5"}, None), (None, None)])
def test_only_type_n_is_a_number(value: Any, expected: Decimal | None) -> None:
    """A text of digits, and nothing at all, are no numbers."""
    assert values.number(value) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"N": "1.0"}, {"N": "1"}),
        ({"N": "1E+2"}, {"N": "100"}),
        ({"N": "0"}, {"N": "-0.00"}),
        ({"SS": ["a", "b"]}, {"SS": ["b", "a"]}),
        ({"NS": ["1", "2.0"]}, {"NS": ["2", "1"]}),
        ({"BS": ["AA==", "AQ=="]}, {"BS": ["AQ==", "AA=="]}),
        ({"M": {"a": {"N": "1"}, "b": {"L": [{"N": "2"}]}}}, {"M": {"b": {"L": [{"N": "2.0"}]}, "a": {"N": "1"}}}),
    ],
)
def test_equal_values_have_one_canonical_text(one: Any, other: Any) -> None:
    """However a number is written, and in whatever order a set or map comes, equal is equal."""
    assert values.canonical({"a": one}) == values.canonical({"a": other})
    assert values.equal(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"N": "1"}, {"S": "1"}),
        ({"S": "a"}, {"B": "YQ=="}),
        ({"SS": ["a"]}, {"L": [{"S": "a"}]}),
        ({"L": [{"N": "1"}, {"N": "2"}]}, {"L": [{"N": "2"}, {"N": "1"}]}),
        ({"N": THIRTY_EIGHT}, {"N": THIRTY_EIGHT[:-1] + "9"}),
        ({"NULL": True}, {"BOOL": True}),
    ],
)
def test_different_values_have_different_canonical_texts(one: Any, other: Any) -> None:
    """Type, the order of a list, and the last of 38 digits all count."""
    assert values.canonical({"a": one}) != values.canonical({"a": other})
    assert not values.equal(one, other)


def test_absence_equals_only_absence() -> None:
    """An attribute that is not there differs from one that is NULL."""
    assert values.equal(None, None)
    assert not values.equal(None, {"NULL": True})
    assert values.canonical(None) != values.canonical({})


@pytest.mark.parametrize(
    "value",
    [
        {"N": "NaN"},
        {"N": "Infinity"},
        {"N": "1_000"},
        {"N": " 1"},
        {"N": "\u0661"},
        {"N": ""},
        {"N": "1E+126"},
        {"N": "1E-131"},
        {"N": 1},
        {"S": 1},
        {"S": "\ud800"},
        {"B": "no base64"},
        {"B": 1},
        {"BOOL": "true"},
        {"L": {"S": "a"}},
        {"L": [{"X": "a"}]},
        {"M": [{"S": "a"}]},
        {"M": {"secret": {"N": "secret"}}},
        {"NS": ["1", "secret"]},
        {"SS": "abc"},
        {},
        {"S": "a", "N": "1"},
        "S",
        None,
    ],
)
def test_what_dynamodb_cannot_hold_is_refused_without_quoting_it(value: Any) -> None:
    """A wrong value is a ValueError of our own words, before anything stumbles over it."""
    with pytest.raises(ValueError, match=r"^(a|an) [a-z]") as caught:
        check(value)

    assert type(caught.value) is ValueError
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_binaries_of_kinesis_are_decoded_once() -> None:
    """At any depth; everything else stays as it is."""
    once = base64.b64encode(b"\x00\xff").decode()
    twice = base64.b64encode(once.encode()).decode()

    decoded = values.once_decoded({"M": {"a": {"L": [{"B": twice}, {"BS": [twice]}]}, "B": {"S": twice}}})

    assert decoded == {"M": {"a": {"L": [{"B": once}, {"BS": [once]}]}, "B": {"S": twice}}}


def test_a_binary_that_was_encoded_once_only_is_refused() -> None:
    """What is left after decoding must be base64 again."""
    with pytest.raises(ValueError, match="base64"):
        values.once_decoded({"B": base64.b64encode(b"plain").decode()})


def test_boto3_gets_bytes_and_everything_else_untouched() -> None:
    """Types pass through: no number is read, no set is sorted."""
    image = {
        "n": {"N": "1E+2"},
        "b": {"B": "AAE="},
        "s": {"BS": ["AA=="]},
        "l": {"L": [{"B": "AQ=="}, {"SS": ["b", "a"]}]},
    }

    assert values.for_boto3({"M": image}) == {
        "M": {
            "n": {"N": "1E+2"},
            "b": {"B": b"\x00\x01"},
            "s": {"BS": [b"\x00"]},
            "l": {"L": [{"B": b"\x01"}, {"SS": ["b", "a"]}]},
        }
    }


@settings(max_examples=50)
@given(st.lists(numbers, min_size=2, max_size=2))
def test_differences_are_exact(pair: list[str]) -> None:
    """The context for arithmetic holds the difference of any two numbers."""
    one, other = (Decimal(text) for text in pair)

    difference = values.EXACT.subtract(one, other)

    assert values.EXACT.add(difference, other) == one
