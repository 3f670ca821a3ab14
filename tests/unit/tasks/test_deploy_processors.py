"""DeployProcessors: CloudFormation is asked for what is missing, and for nothing else."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tasks.deploy_processors import deploy_processors
from tasks.shared import region_parameters, region_stack
from tasks.shared.request import complete
from tasks.shared.waiting import now
from tests.unit.tasks.scenarios import (
    AWAY,
    ENVIRONMENT,
    OWNED,
    REQUEST,
    Scenario,
    busy,
    looped,
    no_stream,
    play,
    ready,
    stream,
    stream_arn,
    table,
    table_arn,
)
from tests.unit.tasks.stacks import (
    NAME,
    ROLE,
    cloudformation,
    events,
    no_stack,
    refused,
    stack,
    stack_deleted,
)

if TYPE_CHECKING:
    from tests.unit.tasks.fakes import Answer, StubbedClients

ASKED = complete({**REQUEST, "processors": {"changes": {"rules": []}, "analytics": {"namespace": "Shop"}}})
TABLE_STREAM = f"{table_arn(AWAY)}/stream/1"
STAGED = {
    "code_key": "orders/code/c0de.zip",
    "config_key": "orders/config/c0f1.json",
    "template_url": "https://s3.eu-west-1.amazonaws.com/code/template.json",
}
EVENT = looped(request=ASKED, **STAGED)


def wanted(request: Any = ASKED, **changed: str) -> dict[str, str]:
    """The parameters that the stack shall have."""
    staged = region_parameters.Staged(STAGED["code_key"], STAGED["config_key"], TABLE_STREAM, stream_arn(AWAY))
    with pytest.MonkeyPatch.context() as environment:
        for name, value in ENVIRONMENT.items():
            environment.setenv(name, value)
        parameters = {**region_parameters.of(request, AWAY, staged), **changed}
    return {**parameters, "Revision": region_stack.revision(parameters)}


PARAMETERS = wanted()
REVISION = PARAMETERS["Revision"]
STREAMS = [table(AWAY, LatestStreamArn=TABLE_STREAM), stream()]


def asked(method: str, parameters: dict[str, str] = PARAMETERS, **more: Any) -> Answer:
    """CreateStack or UpdateStack, with everything."""
    return cloudformation(
        method,
        {"StackId": "1"},
        StackName=NAME,
        TemplateURL=STAGED["template_url"],
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        Capabilities=["CAPABILITY_NAMED_IAM"],
        RoleARN=ROLE,
        Tags=[{"Key": key, "Value": value} for key, value in OWNED.items()],
        **more,
    )


PAST = wanted(ChangesStartingPosition="LATEST")
NOW = now()

SCENARIOS = [
    Scenario(
        "Where there is no stack, it is made, with its tag and by its role",
        EVENT,
        [no_stack(), *STREAMS, asked("create_stack", OnFailure="ROLLBACK")],
        {**ready("CREATE_IN_PROGRESS"), "revision": REVISION},
    ),
    Scenario(
        "A stack that is as wanted is left alone",
        EVENT,
        [stack("UPDATE_COMPLETE", REVISION), *STREAMS],
        {**ready("UPDATE_COMPLETE"), "revision": REVISION},
    ),
    Scenario(
        "A stack that is not gets its update",
        EVENT,
        [stack("CREATE_COMPLETE", "older"), *STREAMS, asked("update_stack")],
        {**ready("UPDATE_IN_PROGRESS"), "revision": REVISION},
    ),
    Scenario(
        "So does one whose last update was rolled back",
        EVENT,
        [stack("UPDATE_ROLLBACK_COMPLETE", "older"), *STREAMS, asked("update_stack")],
        ready("UPDATE_IN_PROGRESS"),
    ),
    Scenario(
        "A mapping that reads already keeps the position it began at, which Lambda cannot change",
        EVENT,
        [
            stack(
                "CREATE_COMPLETE",
                "older",
                {
                    "ChangesSource": "DYNAMODB_STREAM",
                    "ChangesStartingPosition": "LATEST",
                    "AnalyticsSource": "OFF",
                    "AnalyticsStartingPosition": "LATEST",
                },
            ),
            *STREAMS,
            asked("update_stack", PAST),
        ],
        {"revision": PAST["Revision"]},
    ),
    Scenario(
        "Without streaming there is no Kinesis stream to look for",
        looped(request={**REQUEST, "kinesis": None}, **STAGED),
        [no_stack(), STREAMS[0], cloudformation("create_stack", {"StackId": "1"})],
        ready("CREATE_IN_PROGRESS"),
    ),
    Scenario(
        "A Kinesis stream that is gone is left to CloudFormation's reason",
        EVENT,
        [no_stack(), STREAMS[0], no_stream(), cloudformation("create_stack", {"StackId": "1"})],
        ready("CREATE_IN_PROGRESS"),
    ),
    Scenario(
        "Nothing to update is success",
        EVENT,
        [
            stack("UPDATE_COMPLETE", "older"),
            *STREAMS,
            refused("update_stack", "ValidationError", "No updates are to be performed."),
        ],
        ready("UPDATE_COMPLETE"),
    ),
    *(
        Scenario(
            f"While the stack is {status} its turn is waited for",
            EVENT,
            [stack(status, "older"), *STREAMS],
            {**busy(f"stack of orders ({status})"), "revision": REVISION},
        )
        for status in ("CREATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "DELETE_IN_PROGRESS")
    ),
    *(
        Scenario(
            f"A stack that is {status} is deleted, to be made anew",
            EVENT,
            [stack(status), *STREAMS, stack_deleted()],
            busy(f"stack of orders ({status}, is being deleted)"),
        )
        for status in ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "REVIEW_IN_PROGRESS")
    ),
    Scenario(
        "A deletion that failed before the loop began is tried again",
        EVENT,
        [stack("DELETE_FAILED", DeletionTime=NOW - timedelta(days=1)), *STREAMS, stack_deleted()],
        busy("stack of orders (DELETE_FAILED, is being deleted)"),
    ),
    Scenario(
        "One that failed since is told with AWS's reason",
        EVENT,
        [
            stack("DELETE_FAILED", DeletionTime=NOW + timedelta(days=1)),
            *STREAMS,
            events((NAME, "DELETE_IN_PROGRESS", ""), ("Events::EventBus", "DELETE_FAILED", "The bus still has rules")),
        ],
        raises="StackFailed",
        says=[f"The stack {NAME} of an earlier try cannot be deleted in eu-west-1", "The bus still has rules"],
    ),
    Scenario(
        "A roll-back that failed is left to a person, who is told the command",
        EVENT,
        [
            stack("UPDATE_ROLLBACK_FAILED", "older"),
            *STREAMS,
            events((NAME, "UPDATE_IN_PROGRESS", ""), ("Lambda::Function", "UPDATE_FAILED", "The zip is gone")),
        ],
        raises="StackFailed",
        says=["The zip is gone", f"continue-update-rollback --region eu-west-1 --stack-name {NAME}`"],
    ),
    Scenario(
        "A stack that another execution made since the look is waited for",
        EVENT,
        [no_stack(), *STREAMS, refused("create_stack", "AlreadyExistsException")],
        busy("stack of orders (changed by another execution)"),
    ),
    Scenario(
        "So is one that it is changing",
        EVENT,
        [
            stack("UPDATE_COMPLETE", "older"),
            *STREAMS,
            refused(
                "update_stack",
                "ValidationError",
                f"Stack:{NAME} is in UPDATE_IN_PROGRESS state and can not be updated.",
            ),
        ],
        busy("stack of orders (changed by another execution)"),
    ),
    Scenario(
        "A template that CloudFormation finds wrong is told as it says it",
        EVENT,
        [no_stack(), *STREAMS, refused("create_stack", "ValidationError", "Template error")],
        raises="ValidationError",
        says=["Template error"],
    ),
    Scenario(
        "A table without a stream cannot have processors",
        EVENT,
        [no_stack(), table(AWAY)],
        raises="StreamingFailed",
        says=["The table orders has no DynamoDB stream in eu-west-1"],
    ),
    Scenario(
        "A stack without our tag is left as it is",
        EVENT,
        [stack("CREATE_COMPLETE", tags={"team": "MARKED"})],
        raises="NotOurs",
        says=[f"A CloudFormation stack named {NAME} exists in eu-west-1"],
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_deploy_processors(scenario: Scenario, aws: StubbedClients) -> None:
    """Each situation has its one answer, and no call is missing or left over."""
    play(deploy_processors, scenario, aws)


def test_another_template_is_another_revision(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new version of the template reaches a Region even where no parameter changed."""
    before = region_stack.revision(PARAMETERS)
    monkeypatch.setattr(region_stack, "template", lambda: b"{}")
    assert region_stack.revision(PARAMETERS) != before
