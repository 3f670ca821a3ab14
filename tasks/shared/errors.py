"""Every error a task raises, as one tree.

    MeridianError
      Refused                  a person must change something; nothing was touched
        RequestInvalid           the request breaks a rule of the schema or of AWS
        ChangeRefused            AWS cannot make this change on a live table
        NotOurs                  a resource of that name lacks our ownership tag
        ConfirmationMissing      data would go, and nobody confirmed it
        DeletionProtected        DynamoDB deletion protection is on
        DeploymentNotFound       nothing is recorded under that table's name
      Failed                   the service gave up on a resource; start again
        ReplicaFailed            CREATION_FAILED, archived, or no replica any more
        ReplicaVanished          UpdateTable said yes and left no replica: an accepted Create is not durable
        ReplicaUnhealthy         the replica is cut off: its key, its policy or its Region
        StreamingFailed          the Kinesis destination turned ENABLE_FAILED
        StackFailed              CloudFormation rolled back, or cannot go on
      DeadlineExceeded         a wait was longer than the request allows
      QuotaExceeded            an account quota that never clears by itself
      SourceRegionLocked       DynamoDB keeps a Region that seeded a replica for 24 hours
      ValidationFailed         a Region did not see what another wrote
      AwsError                 any other error of AWS, under AWS's own code

The class name is the contract: Step Functions matches ``Retry`` and ``Catch`` on it, exactly.
A resource that is busy is no error: the task answers BUSY and the state machine waits.
"""

from __future__ import annotations

import re
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

START_AGAIN = "Start the workflow again with the same input: everything already made is kept and used."


class MeridianError(Exception):
    """Base of all errors raised on purpose."""

    def __init__(self, what: str, *, where: str = "", why: str = "", remedy: str = START_AGAIN) -> None:
        """Join the four parts of a message: what, where, why in the service's own words, what to do."""
        self.remedy = remedy
        place = f" in {where}" if where else ""
        reason = f": {why.rstrip('.')}" if why else ""
        said = f"{what}{place}{reason}"
        end = "" if said.endswith("?") else "."
        gap = "" if remedy.startswith("\n") else " "
        super().__init__(f"{said}{end}{gap}{remedy}".strip())


class Refused(MeridianError):
    """A person must change something; nothing was touched."""


class RequestInvalid(Refused):
    """The request breaks a rule of the schema or of AWS."""


class ChangeRefused(Refused):
    """AWS cannot make this change on a live table."""


class NotOurs(Refused):
    """A resource of that name exists and lacks our ownership tag."""


class ConfirmationMissing(Refused):
    """Data would go, and nobody confirmed it."""


class DeletionProtected(Refused):
    """DynamoDB deletion protection is on."""


class DeploymentNotFound(Refused):
    """Nothing is recorded under that table's name."""


class Failed(MeridianError):
    """The service gave up on a resource. Starting again makes it anew; redrive would only look again."""


class ReplicaFailed(Failed):
    """The replica is CREATION_FAILED or archived, or left the global table."""


class ReplicaVanished(Failed):
    """UpdateTable accepted the Create and no replica followed."""


class ReplicaUnhealthy(Failed):
    """The replica is cut off from its key, its permissions or its Region."""


class StreamingFailed(Failed):
    """The Kinesis destination turned ENABLE_FAILED."""


class StackFailed(Failed):
    """CloudFormation rolled the Region's stack back, or cannot go on with it."""


class DeadlineExceeded(MeridianError):
    """A wait was longer than the request allows."""


class QuotaExceeded(MeridianError):
    """An account quota that never clears by itself."""


class SourceRegionLocked(MeridianError):
    """DynamoDB keeps a Region that seeded a replica for 24 hours."""


class ValidationFailed(MeridianError):
    """A Region did not see what another wrote."""


class AwsError(MeridianError):
    """An error of AWS. Each is raised as a subclass named after AWS's own code."""


# Codes that pass by themselves. The state machine's Retry names exactly these (workflows/blocks.py).
PASSING_CODES = (
    "ConnectTimeoutError",
    "ConnectionClosedError",
    "EndpointConnectionError",
    "InternalError",
    "InternalFailure",
    "InternalServerError",
    "LimitExceededException",
    "NoSuchBucket",  # S3 may say so for a while after CreateBucket
    "OperationAborted",
    "ProvisionedThroughputExceededException",
    "ReadTimeoutError",
    "RequestLimitExceeded",
    "ResourceInUseException",
    "ServiceUnavailable",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "TooManyUpdates",
)


def under_its_own_name(error: ClientError | BotoCoreError, where: str) -> AwsError:
    """Give an AWS error the class Step Functions shall see.

    Many codes have no modelled class and would arrive as a bare ``ClientError``, which no ``Retry``
    can tell apart. Errors of the connection keep botocore's class name. ``where`` is named if the
    answer itself does not know its Region (tasks/shared/clients.py notes it).
    """
    if isinstance(error, ClientError):
        answer: Any = error.response
        code = _bare(str(answer.get("Error", {}).get("Code", ""))) or "ClientError"
        what = f"AWS refused {error.operation_name}"
        why = answer.get("Error", {}).get("Message", "") or str(error)
        where = answer.get("ResponseMetadata", {}).get("Region") or where
    else:
        code, what, why = type(error).__name__, "AWS could not be reached", str(error)
    remedy = START_AGAIN if code in PASSING_CODES else f"Mend that first. {START_AGAIN}"
    kind = type(code, (AwsError,), {"__module__": __name__})
    raised: AwsError = kind(what, where=where, why=why, remedy=remedy)
    return raised


def _bare(code: str) -> str:
    """Some front ends put the code into its name space: ``com.amazon.coral#Code``, ``Client.Code``, ``Code:http://``."""
    return re.split(r"[.#]", code.partition(":")[0])[-1]
