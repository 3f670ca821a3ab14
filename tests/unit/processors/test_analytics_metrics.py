"""The calls that analytics fills: within every limit of PutMetricData, and nothing lost or rounded."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest
from botocore.awsrequest import create_request_object, prepare_request_dict
from botocore.serialize import create_serializer
from hypothesis import given
from hypothesis import strategies as st

from processors.shared import metrics
from processors.shared.metrics import Counting, Point, Series, calls

from .counting import SERVICE

if TYPE_CHECKING:
    from collections.abc import Sequence

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
PUT = SERVICE.operation_model("PutMetricData")


def counting(
    place: int, *points: tuple[str, Any], minute: int = 0, namespace: str = "Shop", **dimensions: str
) -> Counting:
    at, named = NOON + timedelta(minutes=minute), tuple(dimensions.items())
    made = tuple(Point(Series(metric, named, "Count", at), Decimal(value)) for metric, value in points)
    return Counting(place, f"change-{place}", namespace, made)


def size(parameters: dict[str, Any], protocol: str) -> int:
    """Bytes of a call's body, as botocore would send it uncompressed."""
    request = create_serializer(protocol, include_validation=True).serialize_to_request(parameters, PUT)
    prepare_request_dict(request, "https://monitoring")
    return len(create_request_object(request).prepare().body)


def test_equal_values_are_one() -> None:
    """10,000 changes of one value in one minute are one datum with one value and its count."""
    (call,) = calls([counting(place, ("NewOrders", "1.0" if place % 2 else "1")) for place in range(10_000)])
    (datum,) = call.parameters()["MetricData"]
    assert (datum["Values"], datum["Counts"]) == ([1.0], [10_000.0])


def test_values_of_a_datum() -> None:
    """The 151st value of a metric in a minute begins another datum of it."""
    (call,) = calls([counting(place, ("OrderValue", place)) for place in range(151)])
    assert [len(datum["Values"]) for datum in call.parameters()["MetricData"]] == [150, 1]


def test_namespaces() -> None:
    """A call has one namespace."""
    made = calls([counting(0, ("A", 1)), counting(1, ("A", 1), namespace="Other"), counting(2, ("A", 1))])
    assert [(call.namespace, len(call.countings)) for call in made] == [("Shop", 2), ("Other", 1)]


@pytest.mark.parametrize("protocol", ["query", "json", "smithy-rpc-v2-cbor"])
@pytest.mark.parametrize("dimension", ["x" * 1_024, "ü" * 255])
def test_bytes_of_a_call(protocol: str, dimension: str) -> None:
    """However long names and values are, no call is larger than 1 MB, in whichever protocol it is sent."""
    countings = [
        counting(place, ("M" * 255, "-0.12345678901234567" + str(place)), minute=place % 400, **{"ä" * 85: dimension})
        for place in range(1_500)
    ]
    countings += [counting(place, ("M", "-0.12345678901234567" + str(place))) for place in range(9_000)]
    made = calls(countings)
    assert len(made) > 1
    assert max(size(call.parameters(), protocol) for call in made) <= 1_048_576


@given(
    st.lists(
        st.tuples(
            st.lists(st.tuples(st.sampled_from("ABCDE"), st.integers(0, 400)), min_size=1, max_size=5),
            st.integers(0, 500),
            st.sampled_from(["Shop", "Other"]),
        ),
        max_size=60,
    ),
    st.integers(5, 20),
)
def test_nothing_is_lost(changes: list[Any], most: int) -> None:
    """Each change is in one call, and all calls together hold each value as often as it is to be counted."""
    countings = [
        counting(place, *points, minute=minute, namespace=namespace)
        for place, (points, minute, namespace) in enumerate(changes)
    ]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(metrics, "MOST_DATA", most)
        patched.setattr(metrics, "MOST_VALUES", 3)
        made = calls(countings)
        data = [call.parameters()["MetricData"] for call in made]
    assert sorted(one.place for call in made for one in call.countings) == list(range(len(changes)))
    assert all(len(call) <= most for call in data)
    assert all(len(datum["Values"]) <= 3 for call in data for datum in call)
    assert _held(data) == _wanted(countings)


def _held(data: Sequence[Sequence[dict[str, Any]]]) -> Counter[Any]:
    found: Counter[Any] = Counter()
    for datum in (datum for call in data for datum in call):
        for value, count in zip(datum["Values"], datum["Counts"], strict=True):
            found[datum["MetricName"], datum["Timestamp"], Fraction(value)] += int(count)
    return found


def _wanted(countings: Sequence[Counting]) -> Counter[Any]:
    points = [point for one in countings for point in one.points]
    return Counter((point.series.metric, point.series.minute, Fraction(point.value)) for point in points)


@pytest.mark.parametrize(
    ("time", "taken"),
    [
        (NOON, True),
        (NOON - timedelta(days=13, hours=23), True),
        (NOON - timedelta(days=14), False),
        (NOON + timedelta(minutes=110), True),
        (NOON + timedelta(hours=2), False),
    ],
)
def test_times(time: datetime, taken: bool) -> None:
    """CloudWatch takes two weeks of the past and two hours of the future."""
    assert metrics.takes_time(time, NOON) == taken


def test_values() -> None:
    """CloudWatch takes values up to 2 to the 360th."""
    assert metrics.takes_value(Decimal(2) ** 360)
    assert not metrics.takes_value(Decimal("-1E+110"))
