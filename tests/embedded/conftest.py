"""One embedded AWS for the whole run, and what most tests make in it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

import pytest

from meridian import control
from meridian.embedded import Delays, EmbeddedAws, start
from meridian.session import Session
from tests.embedded.aws_calls import (
    HANDLERS,
    Client,
    Function,
    Machine,
    Run,
    add_replica,
    client_of,
    finished,
    made_ahead,
    make_function,
    make_role,
    make_table,
    make_tables,
    status,
    until,
    zipped,
)
from tests.embedded.product import Product, new_table, request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Long enough for a look at the state in between, on a machine that is busy with the other workers.
QUICK = Delays(
    table=0.9,
    replica=1.0,
    replica_delete=1.0,
    stream=1.0,
    destination=0.9,
    update=0.7,
    replication_lag=0.3,
    event_source=0.7,
    stack=0.3,
    minute=1.5,
)


@pytest.fixture(scope="session")
def embedded() -> Iterator[EmbeddedAws]:
    with start(QUICK) as running:
        yield running


@pytest.fixture(scope="session")
def client(embedded: EmbeddedAws) -> Client:
    """Give ``client(service, region)``: clients of the embedded AWS that never try twice."""
    return client_of(embedded)


@pytest.fixture(scope="session")
def function(client: Client) -> Function:
    """Give ``function(name)``: version ARN of the function in handlers.py of that name."""
    made: dict[str, str] = {}

    def get(name: str) -> str:
        if name not in made:
            made[name] = make_function(client, f"handlers.{name}", zipped(handlers=HANDLERS))
        return made[name]

    return get


@pytest.fixture(scope="session")
def machine(client: Client) -> Machine:
    """Give ``machine(definition)``: ARN of a new state machine that may call functions and machines."""
    role = make_role(client, "states", "lambda:InvokeFunction", "states:*")

    def make(definition: dict[str, Any]) -> str:
        made = client("stepfunctions").create_state_machine(
            name=f"machine-{uuid4().hex[:8]}", roleArn=role, definition=json.dumps(definition)
        )
        return cast("str", made["stateMachineArn"])

    return make


@pytest.fixture(scope="session")
def run(client: Client, machine: Machine) -> Run:
    """Give ``run(definition or ARN, **input)``: the description of the execution once it has ended."""

    def run(definition: dict[str, Any] | str, **given: Any) -> dict[str, Any]:
        arn = definition if isinstance(definition, str) else machine(definition)
        states = client("stepfunctions")
        execution = states.start_execution(stateMachineArn=arn, input=json.dumps(given))["executionArn"]
        return finished(client, execution)

    return run


@pytest.fixture(scope="session")
def tables(client: Client) -> Iterator[str]:
    """Names of new tables in us-east-1, many made at once since each takes its time."""
    return made_ahead(lambda: make_tables(client, 20))


@pytest.fixture(scope="session")
def global_tables(client: Client) -> Iterator[str]:
    """Names of new tables in us-east-1 and eu-west-1."""
    return made_ahead(lambda: make_tables(client, 10, "eu-west-1"))


@pytest.fixture
def table(tables: Iterator[str]) -> str:
    """Name of a new table with the key ``id`` in us-east-1, once it is ACTIVE."""
    return next(tables)


@pytest.fixture
def global_table(global_tables: Iterator[str]) -> str:
    """Name of a new table in us-east-1 and eu-west-1."""
    return next(global_tables)


@pytest.fixture(scope="session")
def product_in(embedded: EmbeddedAws) -> Iterator[Callable[[str], Product]]:
    """Give ``product_in(home)``: Meridian installed in that home Region."""
    installed: dict[str, Product] = {}

    def get(home: str) -> Product:
        if home not in installed:
            session = Session(endpoint_url=embedded.endpoint_url, region=home)
            assert control.up(session, plan_only=False) == 0
            installed[home] = Product(embedded, session)
        return installed[home]

    with pytest.MonkeyPatch.context() as environment:
        for name, value in embedded.environment.items():
            environment.setenv(name, value)
        yield get


@pytest.fixture(scope="session")
def product(product_in: Callable[[str], Product]) -> Product:
    return product_in("us-east-1")


@pytest.fixture(scope="module")
def deployed(product: Product) -> Iterator[dict[str, Any]]:
    """Request of a table that is provisioned in two Regions, and cleaned up after the module."""
    document = request(new_table(), "us-east-1", "eu-west-1")
    product.succeed("provision", document)
    yield document
    product.cleanup(document["table"])


@pytest.fixture(scope="session")
def settled(client: Client) -> str:
    """Name of a table in us-east-1 and eu-west-1 that no test changes; items are free to use."""
    make_table(client, "settled")
    until(lambda: status(client, "settled"), "ACTIVE")
    add_replica(client, "settled", "eu-west-1")
    return "settled"
