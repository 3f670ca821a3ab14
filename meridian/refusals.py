"""One clear sentence for every error that a person at the command line can bring about.

What is not known here is a mistake of ours, and its traceback is wanted.
"""

from __future__ import annotations

import re

from botocore import exceptions as aws

from meridian.commandline import COMMAND
from meridian.embedded import EmbeddedFailed
from tasks.shared.errors import MeridianError

BAD_CREDENTIALS = (
    "AuthFailure",
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
)
DENIED = ("AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation")

NO_CREDENTIALS = (
    "No AWS credentials were found. Configure them (`aws configure`, AWS_PROFILE or --profile), "
    f"or try Meridian without AWS: `{COMMAND} demo`."
)


def sentence(error: BaseException) -> str | None:
    """What to tell a person about ``error``, or None where it is unknown."""
    if isinstance(error, aws.ClientError):
        return _refused_by_aws(error)
    if isinstance(error, aws.BotoCoreError):
        return _before_aws(error)
    if isinstance(error, MeridianError | EmbeddedFailed):
        return str(error)
    if isinstance(error, ValueError) and str(error).startswith("Invalid endpoint"):
        return f"{error} is no URL. Write --endpoint-url like http://127.0.0.1:4566."
    return None


def _refused_by_aws(error: aws.ClientError) -> str:
    found = error.response.get("Error", {})
    code, message = found.get("Code", "?"), (found.get("Message") or "no reason given").rstrip(".")
    if code in BAD_CREDENTIALS:
        return f"AWS does not accept these credentials ({code}: {message}). Renew them, or choose a --profile."
    if code in DENIED:
        return f"AWS does not allow {error.operation_name}: {message}. Ask for that permission, or choose a --profile."
    if code == "StateMachineDoesNotExist":
        region = re.search(r"arn:[\w-]+:states:([\w-]+):", message)
        where = f" --region {region[1]}" if region else ""
        return f"The control stack is not installed there ({message}). Run `{COMMAND} up{where}` first."
    if code == "ExecutionDoesNotExist":
        return f"There is no such execution ({message}). Copy its ARN from `run --detach` or from the console."
    return f"AWS refused {error.operation_name}: {message} ({code})."


def _before_aws(error: aws.BotoCoreError) -> str:
    said = str(error).rstrip(".")
    if isinstance(error, aws.NoCredentialsError | aws.PartialCredentialsError):
        return NO_CREDENTIALS
    if isinstance(error, aws.ProfileNotFound):
        return f"{error}. `aws configure list-profiles` lists those there are."
    if isinstance(
        error, aws.HTTPClientError | aws.ConnectionError
    ):  # among them: no connection, time-outs, an unreadable certificate
        return f"AWS does not answer: {said}. Check the network, the Region's name and --endpoint-url."
    return f"{said}."
