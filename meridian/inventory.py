"""Everything that stands in an account, by asking every service in every Region.

Taken before and after a run, and compared, it says what the run left behind. It knows nothing of what Meridian thinks
it made. A service that could not be asked leaves the answer unknown, which is not the same as nothing.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import jmespath  # type: ignore[import-untyped]  # it has none
from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from meridian.session import Session

THREADS = 16


class Listing(NamedTuple):
    """How to list one kind of resource: the operation, and where in its answer the names are."""

    service: str
    kind: str
    operation: str
    found: str  # JMESPath to a list of text
    arguments: dict[str, Any] = {}  # noqa: RUF012  # never written to


ALARM_TYPES = {"AlarmTypes": ["MetricAlarm", "CompositeAlarm"]}  # otherwise only the first are listed

REGIONAL = (
    Listing("backup", "plan", "list_backup_plans", "BackupPlansList[].BackupPlanId"),
    Listing("backup", "vault", "list_backup_vaults", "BackupVaultList[].BackupVaultName"),
    Listing("cloudformation", "stack", "describe_stacks", "Stacks[].StackName"),
    Listing("cloudwatch", "alarm", "describe_alarms", "[MetricAlarms, CompositeAlarms][][].AlarmName", ALARM_TYPES),
    Listing("cloudwatch", "dashboard", "list_dashboards", "DashboardEntries[].DashboardName"),
    Listing("dynamodb", "table", "list_tables", "TableNames"),
    Listing("dynamodb", "backup", "list_backups", "BackupSummaries[].BackupArn"),
    Listing("events", "rule", "list_rules", "Rules[].Name"),
    Listing("events", "bus", "list_event_buses", "EventBuses[].Name"),
    Listing("events", "archive", "list_archives", "Archives[].ArchiveName"),
    Listing("firehose", "delivery stream", "list_delivery_streams", "DeliveryStreamNames", {"Limit": 10_000}),
    Listing("kinesis", "stream", "list_streams", "StreamNames"),
    Listing("kms", "key", "list_keys", "Keys[].KeyId"),
    Listing("kms", "alias", "list_aliases", "Aliases[].AliasName"),
    Listing("lambda", "function", "list_functions", "Functions[].FunctionName"),
    Listing("lambda", "layer", "list_layers", "Layers[].LayerName"),
    Listing("lambda", "event source mapping", "list_event_source_mappings", "EventSourceMappings[].UUID"),
    Listing("logs", "log group", "describe_log_groups", "logGroups[].logGroupName"),
    Listing("logs", "resource policy", "describe_resource_policies", "resourcePolicies[].policyName"),
    Listing("logs", "query", "describe_query_definitions", "queryDefinitions[].name"),
    Listing("pipes", "pipe", "list_pipes", "Pipes[].Name"),
    Listing("scheduler", "schedule", "list_schedules", "Schedules[].Arn"),
    Listing("scheduler", "schedule group", "list_schedule_groups", "ScheduleGroups[].Name"),
    Listing("secretsmanager", "secret", "list_secrets", "SecretList[].Name"),
    Listing("sns", "topic", "list_topics", "Topics[].TopicArn"),
    Listing("sns", "subscription", "list_subscriptions", "Subscriptions[].SubscriptionArn"),
    Listing("sqs", "queue", "list_queues", "QueueUrls"),
    Listing("ssm", "parameter", "describe_parameters", "Parameters[].Name"),
    Listing("stepfunctions", "state machine", "list_state_machines", "stateMachines[].name"),
)
# These answer the same in every Region.
GLOBAL = (
    Listing("iam", "role", "list_roles", "Roles[].RoleName"),
    Listing("iam", "policy", "list_policies", "Policies[].PolicyName", {"Scope": "Local"}),
    Listing("iam", "user", "list_users", "Users[].UserName"),
    Listing("s3", "bucket", "list_buckets", "Buckets[].Name"),
)


class Resource(NamedTuple):
    region: str  # "global" for what belongs to no Region
    service: str
    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.service} {self.kind} {self.name} in {self.region}"


@dataclass(frozen=True)
class Inventory:
    """``unknown`` are sentences, one for each listing that failed."""

    resources: frozenset[Resource]
    unknown: tuple[str, ...]
    asked: int  # listings
    regions: int


@dataclass(frozen=True)
class Difference:
    """What came, what went, and what nobody can say."""

    left: tuple[Resource, ...]
    missing: tuple[Resource, ...]
    unknown: tuple[str, ...]

    @property
    def none(self) -> bool:
        return not (self.left or self.missing or self.unknown)


def take(session: Session, regions: Iterable[str] | None = None) -> Inventory:
    """List everything in ``regions``; in all the account can use where none are given."""
    places = sorted(regions) if regions is not None else session.regions()
    questions = [(listing, region) for region in places for listing in REGIONAL]
    questions += [(listing, session.home) for listing in GLOBAL]
    with ThreadPoolExecutor(THREADS) as pool:
        answers = list(pool.map(lambda question: _ask(session, *question), questions))
    return Inventory(
        frozenset(resource for found, _ in answers for resource in found),
        tuple(problem for _, problem in answers if problem),
        len(questions),
        len(places),
    )


def difference(before: Inventory, after: Inventory) -> Difference:
    """Compare two inventories of the same Regions."""
    unknown = dict.fromkeys([*before.unknown, *after.unknown])
    left, missing = after.resources - before.resources, before.resources - after.resources
    return Difference(tuple(sorted(left)), tuple(sorted(missing)), tuple(unknown))


def _ask(session: Session, listing: Listing, region: str) -> tuple[list[Resource], str]:
    place = "global" if listing in GLOBAL else region
    try:
        client = session.client(listing.service, region)
        names = {name for page in _pages(client, listing) for name in jmespath.search(listing.found, page) or ()}
    except (BotoCoreError, ClientError) as error:
        return [], f"{listing.service} did not answer for its {listing.kind} list in {place}: {error}"
    return [Resource(place, listing.service, listing.kind, str(name)) for name in sorted(names)], ""


def _pages(client: Any, listing: Listing) -> Iterator[Any]:
    if client.can_paginate(listing.operation):
        yield from client.get_paginator(listing.operation).paginate(**listing.arguments)
        return
    query = dict(listing.arguments)
    while True:
        page = getattr(client, listing.operation)(**query)
        yield page
        token = next((name for name in ("NextToken", "nextToken") if page.get(name)), None)
        if token is None:
            return
        query[token] = page[token]
