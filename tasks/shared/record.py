"""The deployment record: which request was accepted, and which Regions are members.

SSM ``/meridian/<table>`` in the home Region points at the accepted request in S3, which is larger than
a parameter may be. Membership is one parameter a Region beside it, ``/meridian/<table>/<region>``,
because SSM cannot change a value conditionally and Regions come and go side by side.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Literal, TypedDict

from tasks.shared import names
from tasks.shared import request as requests
from tasks.shared.errors import DeploymentNotFound

if TYPE_CHECKING:
    from mypy_boto3_ssm.type_defs import TagTypeDef

    from tasks.shared.clients import Clients
    from tasks.shared.request import Request

Stage = Literal["PLANNED", "ACTIVE"]


class Record(TypedDict):
    """``request`` as accepted; ``stages`` gives each member Region's stage, home first."""

    request: Request
    stages: dict[str, Stage]


def save(aws: Clients, bucket: str, request: Request) -> str:
    """Put the accepted request under its hash and point the record at it; gives the hash."""
    table, home = request["table"], requests.home(request)
    digest = requests.digest(request)
    key = f"{names.request_prefix(table)}{digest}.json"
    s3 = aws.s3(home)
    if not s3.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1).get("Contents"):
        s3.put_object(Bucket=bucket, Key=key, Body=requests.canonical(request), ContentType="application/json")
    value = {"table": table, "home": home, "request": f"s3://{bucket}/{key}", "sha256": digest}
    put(aws, home, table, names.deployment_parameter(table), json.dumps(value, sort_keys=True))
    return digest


def save_stage(aws: Clients, home: str, table: str, region: str, stage: Stage) -> None:
    """Make ``region`` a member, or say that it is complete. A complete Region does not become planned again."""
    name, value = names.region_parameter(table, region), json.dumps({"region": region, "stage": stage}, sort_keys=True)
    if stage == "ACTIVE":
        put(aws, home, table, name, value)
    elif not _value(aws, home, name):
        _create(aws, home, table, name, value)


def put(aws: Clients, home: str, table: str, name: str, value: str) -> None:
    """Write a parameter if it differs."""
    present = _value(aws, home, name)
    if present == value or (not present and _create(aws, home, table, name, value)):
        return
    aws.ssm(home).put_parameter(Name=name, Value=value, Type="String", Overwrite=True)


def load(aws: Clients, home: str, table: str) -> Record:
    """Read the record; ``DeploymentNotFound`` where nothing is recorded under that name."""
    value = _value(aws, home, names.deployment_parameter(table))
    if not value:
        raise DeploymentNotFound(
            f"No deployment of a table {table!r} is recorded",
            where=home,
            remedy="Start provision with its request first, or check the name and the home Region.",
        )
    request = _request(aws, home, table, json.loads(value)["request"])
    found = stages(aws, home, table)
    known = [region for region in request["regions"] if region in found]
    order = [*known, *sorted(set(found) - set(known))]
    request["regions"] = [home, *(region for region in order if region != home)]
    return {"request": request, "stages": {region: found[region] for region in order}}


def _request(aws: Clients, home: str, table: str, url: str) -> Request:
    s3 = aws.s3(home)
    bucket, _, key = url.removeprefix("s3://").partition("/")
    try:
        return requests.complete(json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read()))
    except s3.exceptions.NoSuchKey:
        raise DeploymentNotFound(
            f"The accepted request of {table} is gone from {url}",
            where=home,
            remedy="Start provision with its request: that records it again and leaves alone what stands.",
        ) from None


def forget_region(aws: Clients, home: str, table: str, region: str) -> None:
    _delete(aws, home, [names.region_parameter(table, region)])


def forget(aws: Clients, bucket: str, home: str, table: str) -> None:
    """Remove the Regions, the accepted requests, and the record itself last, so that cleanup can start again."""
    _delete(aws, home, [names.region_parameter(table, region) for region in stages(aws, home, table)])
    s3 = aws.s3(home)
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=names.request_prefix(table)):
        for found in page.get("Contents", []):
            s3.delete_object(Bucket=bucket, Key=str(found.get("Key")))
    _delete(aws, home, [names.deployment_parameter(table)])


def _value(aws: Clients, home: str, name: str) -> str:
    ssm = aws.ssm(home)
    try:
        return str(ssm.get_parameter(Name=name)["Parameter"].get("Value", ""))
    except ssm.exceptions.ParameterNotFound:
        return ""


def _create(aws: Clients, home: str, table: str, name: str, value: str) -> bool:
    """Make a parameter together with its tag, or give ``False`` where another execution was faster."""
    ssm = aws.ssm(home)
    tag: TagTypeDef = {"Key": names.OWNERSHIP_TAG, "Value": table}
    try:
        ssm.put_parameter(Name=name, Value=value, Type="String", Tags=[tag])
    except ssm.exceptions.ParameterAlreadyExists:
        return False
    return True


def stages(aws: Clients, home: str, table: str) -> dict[str, Stage]:
    """Stage of each Region that is recorded, in no order."""
    pages = aws.ssm(home).get_paginator("get_parameters_by_path").paginate(Path=names.deployment_parameter(table))
    values = [json.loads(found.get("Value", "{}")) for page in pages for found in page["Parameters"]]
    return {value["region"]: value["stage"] for value in values}


def _delete(aws: Clients, home: str, parameters: list[str]) -> None:
    for start in range(0, len(parameters), 10):  # DeleteParameters takes ten; unknown names are answered, not refused
        aws.ssm(home).delete_parameters(Names=parameters[start : start + 10])
