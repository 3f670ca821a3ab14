"""What the tests of analytics share: a CloudWatch that keeps what it takes, rules, and a process that starts cold."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from threading import Lock
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, ParamValidationError
from botocore.session import get_session
from botocore.validate import ParamValidator

from .records import condition, configuration

if TYPE_CHECKING:
    from collections.abc import Callable

    from processors.shared.config import Config

COUNTED = "meridian-shop-counted"
DYNAMODB = get_session().get_service_model("dynamodb")
SERVICE = get_session().get_service_model("cloudwatch")
SHAPE: Any = SERVICE.operation_model("PutMetricData").input_shape


class Killed(BaseException):
    """Not an Exception: no processor can catch it, as none can catch SIGKILL."""


def refusal(code: str, status: int = 400) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": "not now"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "PutMetricData")


class FakeCloudWatch:
    """Takes what CloudWatch would take. ``answers`` are for the next calls: an error, ``Killed``, or None."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self.tries = 0
        self.before: list[BaseException | None] = []
        self.after: list[BaseException | None] = []

    def put_metric_data(self, **parameters: Any) -> None:
        self.tries += 1
        _raise_next(self.before)
        report = ParamValidator().validate(parameters, SHAPE)
        if report.has_errors():
            raise ParamValidationError(report=report.generate_report())
        self.calls.append(parameters)
        _raise_next(self.after)

    @property
    def data(self) -> list[dict[str, Any]]:
        return [datum for call in self.calls for datum in call["MetricData"]]

    def sums(self) -> dict[str, Fraction]:
        """Sum of each metric over all dimensions and times."""
        found: Counter[str] = Counter()
        for datum in self.data:
            pairs = zip(datum["Values"], datum["Counts"], strict=True)
            found[datum["MetricName"]] += sum(Fraction(value) * Fraction(count) for value, count in pairs)  # type: ignore[assignment]
        return dict(found)  # type: ignore[arg-type]


def _raise_next(errors: list[BaseException | None]) -> None:
    error = errors.pop(0) if errors else None
    if error:
        raise error


class Context:
    """Lambda's context with so much time left."""

    def __init__(self, seconds: float = 60.0) -> None:
        self.seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds * 1_000)


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self, start: float, context: Context) -> None:
        self.now, self.slept, self._context = start, 0.0, context

    def time(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept += seconds
        self._context.seconds -= seconds


def rule(metric: str = "NewOrders", begins_with: str = "ORDER#", *on: str, **members: Any) -> dict[str, Any]:
    """A completed metric rule that counts inserts, but for ``members``."""
    return {
        **condition(begins_with, *(on or ("INSERT",))),
        "metric": metric,
        "value": "COUNT",
        "attribute": None,
        "unit": "Count",
        "dimensions": {"EntityType": "Order"},
        **members,
    }


def counting(*rules: dict[str, Any], namespace: str = "ECommerce/Global") -> Config:
    """The configuration of a table whose analytics has these rules."""
    analytics = {"namespace": namespace, "rules": list(rules)}
    return configuration(processors={"changes": None, "analytics": analytics, "replicator": None})


class FakeDynamoDB:
    """The deduplication table, in memory: moto copies all tables at every transaction, and lets one in at a time.

    The tests of ``counted`` hold it against moto. ``operations`` are those called; ``refuses`` names one that fails.
    """

    class exceptions:  # noqa: N801  # as boto3 names it
        class ConditionalCheckFailedException(ClientError):
            """What boto3 makes of that code."""

    def __init__(self) -> None:
        self.items: dict[str, dict[str, Any]] = {}
        self.operations: list[str] = []
        self.refuses = ""
        self._lock = Lock()

    def batch_get_item(self, RequestItems: Any) -> dict[str, Any]:  # noqa: N803
        self._called("BatchGetItem", RequestItems=RequestItems)
        keys = [key["id"]["S"] for key in RequestItems[COUNTED]["Keys"]]
        assert len(set(keys)) == len(keys) <= 100
        return {"Responses": {COUNTED: [self.items[key] for key in keys if key in self.items]}, "UnprocessedKeys": {}}

    def put_item(self, **put: Any) -> None:
        self._called("PutItem", **put)
        with self._lock:
            if not self._holds(put):
                raise self.exceptions.ConditionalCheckFailedException({"Error": {}}, "PutItem")
            self._put(put)

    def transact_write_items(self, TransactItems: Any) -> None:  # noqa: N803
        self._called("TransactWriteItems", TransactItems=TransactItems)
        puts = [action["Put"] for action in TransactItems]
        assert len(puts) <= 100
        with self._lock:
            reasons = [{"Code": "None" if self._holds(put) else "ConditionalCheckFailed"} for put in puts]
            if any(reason["Code"] != "None" for reason in reasons):
                answer: Any = {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": reasons}
                raise ClientError(answer, "TransactWriteItems")
            for put in puts:
                self._put(put)

    def _called(self, operation: str, **parameters: Any) -> None:
        self.operations.append(operation)
        shape: Any = DYNAMODB.operation_model(operation).input_shape
        report = ParamValidator().validate(parameters, shape)
        assert not report.has_errors(), report.generate_report()
        if operation == self.refuses:
            raise refusal("ThrottlingException")

    def _put(self, put: dict[str, Any]) -> None:
        self.items[put["Item"]["id"]["S"]] = put["Item"]

    def _holds(self, put: dict[str, Any]) -> bool:
        names, values = put["ExpressionAttributeNames"], put.get("ExpressionAttributeValues", {})
        before = self.items.get(put["Item"]["id"]["S"], {})
        return any(
            all(_term(term, before, names, values) for term in terms.split(" AND "))
            for terms in put["ConditionExpression"].split(" OR ")
        )


def _term(term: str, before: dict[str, Any], names: dict[str, str], values: dict[str, Any]) -> bool:
    """One comparison of a condition, of those that are used here."""
    if term.startswith("attribute_not_exists"):
        return names[term[len("attribute_not_exists(") : -1]] not in before
    name, operator, wanted = term.split(" ", 2)
    equal = before.get(names[name]) in [values[one] for one in wanted.strip("()").split(", ")]
    return not equal if operator == "<>" else equal


def table(dynamodb: Any) -> None:
    """Make the deduplication table."""
    dynamodb.create_table(
        TableName=COUNTED,
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )


def dying(method: Callable[..., Any], calls: int) -> Callable[..., Any]:
    """The method, at whose call number ``calls`` the process dies instead."""
    made = iter(range(1, calls + 1))

    def call(*arguments: Any, **named: Any) -> Any:
        if next(made, 0) == calls:
            raise Killed
        return method(*arguments, **named)

    return call
