"""Whether a function's role may read a stream; Lambda asks when a mapping is made."""

from __future__ import annotations

from meridian.embedded.internals import find, require
from meridian.embedded.services import RefusedByAws, region
from meridian.embedded.settings import ACCOUNT

EVALUATOR = "ministack.core.iam_evaluator:"
FUNCTIONS = "ministack.services.lambda_svc:_functions"
ROLES = "ministack.services.iam:_roles"
READING = {
    "dynamodb": ("GetRecords", "GetShardIterator", "DescribeStream", "ListStreams"),
    "kinesis": ("GetRecords", "GetShardIterator", "DescribeStream", "ListShards", "ListStreams"),
}


def install() -> None:
    require(EVALUATOR, "EvalContext", "_gather_role_policies", "_permissions_boundary", "evaluate")
    require("", FUNCTIONS, ROLES)


def check_reader(function: str, stream: str) -> None:
    """Refuse a mapping whose function's role lacks a permission on the stream; a no-op without authorization."""
    if not find("ministack.app:AUTH"):
        return
    role = find(FUNCTIONS)[function]["config"]["Role"].rpartition("/")[2]
    service = stream.split(":")[2]
    if not all(_may(role, f"{service}:{action}", stream) for action in READING[service]):
        named = f"{', '.join(READING[service][:-1])}, and {READING[service][-1]}"
        message = f"Cannot access stream {stream}. Please ensure the role can perform the {named} Actions on your "
        raise RefusedByAws("InvalidParameterValueException", f"{message}stream in IAM.")


def _may(role: str, action: str, stream: str) -> bool:
    # Lists are allowed on "*" or, by their pattern, on the stream.
    return any(_allowed(role, action, resource) for resource in (stream, "*"))


def _allowed(role: str, action: str, resource: str) -> bool:
    context = find(f"{EVALUATOR}EvalContext")(
        principal_arn=f"arn:aws:iam::{ACCOUNT}:role/{role}",
        principal_type="AssumedRole",
        principal_account=ACCOUNT,
        action=action,
        resource_arn=resource,
        region=region(),
    )
    policies = find(f"{EVALUATOR}_gather_role_policies")(role, ACCOUNT)
    limits = find(f"{EVALUATOR}_permissions_boundary")(find(ROLES), role, ACCOUNT)
    return bool(find(f"{EVALUATOR}evaluate")(context, policies, *limits).decision == "Allow")
