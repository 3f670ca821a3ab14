"""Errors: AWS's own names reach Step Functions, and every message has its four parts."""

from __future__ import annotations

from typing import Any

import boto3
import botocore.exceptions
import pytest
from botocore.exceptions import BotoCoreError, ClientError

from tasks.shared import errors
from tasks.shared.errors import PASSING_CODES, START_AGAIN, AwsError, MeridianError, under_its_own_name

CONNECTION_ERRORS: tuple[BotoCoreError, ...] = (
    botocore.exceptions.ConnectTimeoutError(endpoint_url="https://dynamodb.eu-west-1.amazonaws.com/"),
    botocore.exceptions.ConnectionClosedError(endpoint_url="https://dynamodb.eu-west-1.amazonaws.com/"),
    botocore.exceptions.EndpointConnectionError(endpoint_url="https://dynamodb.eu-west-1.amazonaws.com/"),
    botocore.exceptions.ReadTimeoutError(endpoint_url="https://dynamodb.eu-west-1.amazonaws.com/"),
)
NAMES_OF_BOTOCORE = [type(error).__name__ for error in CONNECTION_ERRORS]
UNMODELLED = ("ValidationException", "AccessDeniedException", "UnrecognizedClientException", "NoSuchKey", "404")


def refused(code: str, message: str = "not now", region: str = "") -> ClientError:
    response: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"Region": region}}
    return ClientError(response, "UpdateTable")


class TestUnderItsOwnName:
    @pytest.mark.parametrize("code", [code for code in (*PASSING_CODES, *UNMODELLED) if code not in NAMES_OF_BOTOCORE])
    def test_names_the_class_after_the_code(self, code: str) -> None:
        """Retry and Catch match AWS's code exactly, also where boto3 has no class for it."""
        raised = under_its_own_name(refused(code), "eu-west-1")
        assert type(raised).__name__ == code
        assert isinstance(raised, AwsError)

    @pytest.mark.parametrize("error", CONNECTION_ERRORS, ids=NAMES_OF_BOTOCORE)
    def test_keeps_the_class_of_a_broken_connection(self, error: BotoCoreError) -> None:
        """A connection that failed keeps botocore's name, which Retry lists, and names the endpoint."""
        raised = under_its_own_name(error, "eu-west-1")
        assert type(raised).__name__ == type(error).__name__
        assert type(raised).__name__ in PASSING_CODES
        assert "AWS could not be reached in eu-west-1: " in str(raised)
        assert "dynamodb.eu-west-1.amazonaws.com" in str(raised)

    @pytest.mark.parametrize(
        "code",
        [
            "com.amazonaws.dynamodb.v20120810#ThrottlingException",
            "com.amazon.coral.availability#ThrottlingException",
            "com.amazon.coral.availability.ThrottlingException",
            "ThrottlingException:http://internal.amazon.com/coral/com.amazon.coral.availability/",
        ],
    )
    def test_drops_the_name_space_of_a_code(self, code: str) -> None:
        """Some front ends answer with the code inside its name space or before an address."""
        assert type(under_its_own_name(refused(code), "")).__name__ == "ThrottlingException"

    @pytest.mark.parametrize("code", ["", "#", "..."])
    def test_has_a_name_where_aws_gives_none(self, code: str) -> None:
        """An answer without a code is still an error with a name and a remedy."""
        raised = under_its_own_name(refused(code, message=""), "")
        assert type(raised).__name__ == "ClientError"
        assert START_AGAIN in str(raised)

    def test_says_what_where_why_and_what_to_do(self) -> None:
        """A code that passes by itself is answered by starting again."""
        error = under_its_own_name(refused("ThrottlingException", "Rate exceeded.", "eu-west-1"), "us-east-1")
        assert str(error) == f"AWS refused UpdateTable in eu-west-1: Rate exceeded. {START_AGAIN}"

    def test_names_the_region_of_the_call_itself(self) -> None:
        """The Region is the one that was asked, also where the state works on another."""
        assert " in us-east-1: " in str(under_its_own_name(refused("AccessDeniedException", region="us-east-1"), "x"))
        assert " in eu-west-1: " in str(under_its_own_name(refused("AccessDeniedException"), "eu-west-1"))

    def test_asks_a_person_to_mend_what_does_not_pass(self) -> None:
        """Starting again alone would only repeat a refusal that never passes by itself."""
        assert str(under_its_own_name(refused("AccessDeniedException"), "")).endswith(f"Mend that first. {START_AGAIN}")

    def test_is_caught_under_the_name_that_boto3_models(self) -> None:
        """The names that boto3 does model are the same as ours."""
        modelled = boto3.client("dynamodb", region_name="us-east-1").exceptions.ResourceInUseException
        assert modelled.__name__ == type(under_its_own_name(refused("ResourceInUseException"), "")).__name__


class TestMessage:
    def test_joins_its_four_parts(self) -> None:
        """What, where, why and what to do next stand in this order."""
        error = MeridianError("It broke", where="eu-west-1", why="it fell.", remedy="Glue it.")
        assert str(error) == "It broke in eu-west-1: it fell. Glue it."
        assert error.remedy == "Glue it."

    def test_leaves_out_what_is_not_given(self) -> None:
        """A refusal that concerns no Region and needs no reason stays one sentence and its remedy."""
        assert str(MeridianError("It broke", remedy="Glue it.")) == "It broke. Glue it."

    def test_says_start_again_by_default(self) -> None:
        """The remedy that always works is the default."""
        assert str(MeridianError("It broke")) == f"It broke. {START_AGAIN}"

    def test_a_question_ends_as_one(self) -> None:
        """No full stop follows a question mark, and no space stands at a line's end."""
        assert str(MeridianError("Did you mean it?", remedy="\nSay so.")) == "Did you mean it?\nSay so."


OWN = {
    name
    for name, found in vars(errors).items()
    if isinstance(found, type) and issubclass(found, MeridianError) and found is not AwsError
}


def test_the_tree_is_drawn_whole() -> None:
    """The drawing in the module's docstring holds every class, and no more."""
    lines = (errors.__doc__ or "").splitlines()
    drawn = [line.split()[0] for line in lines if line.startswith("    ")]
    assert sorted(drawn) == sorted({*OWN, "AwsError"})


def test_no_name_of_ours_is_one_of_aws() -> None:
    """A Retry on AWS's codes never matches an error that a person must solve."""
    assert not OWN & set(PASSING_CODES)
