"""The control stack's template: what it holds, whom it lets do what, and when it publishes a version."""

from __future__ import annotations

import fnmatch
import json
import re
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from meridian import iam, schedules, template
from meridian.bundle import ROOT
from tasks.shared import names
from tasks.shared.archive_files import EVENTS_A_PAGE
from tasks.shared.task import MEMORY_MB, Task, allow
from workflows import history

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TASKS = template.tasks()
WORKFLOWS = template.definitions()

MIB = 1_048_576
LARGEST_STATE_BYTES = 262_144  # Step Functions, service quotas
OUR_LARGEST_STATE_BYTES = 200_000  # of twenty Regions (test_summarize.py)

# Actions that cannot be bounded by a resource, and the roles that may have them on "*".
NO_RESOURCE = {
    "cloudwatch:GetMetricStatistics",
    "cloudwatch:PutMetricData",
    "dynamodb:DescribeLimits",
    "ec2:DescribeRegions",
    "iam:CreateServiceLinkedRole",
    "kinesis:ListStreams",
    "lambda:ListEventSourceMappings",
    "states:ListStateMachines",
    *iam.LOG_DELIVERY,
}


@cache
def built() -> dict[str, Any]:
    return template.control_template()


def resources(kind: str) -> dict[str, Any]:
    return {name: one for name, one in built()["Resources"].items() if one["Type"] == kind}


def statements(role: str) -> list[dict[str, Any]]:
    (policy,) = built()["Resources"][role]["Properties"]["Policies"]
    found: list[dict[str, Any]] = policy["PolicyDocument"]["Statement"]
    return found


def every_statement() -> Iterator[tuple[str, dict[str, Any]]]:
    for role in resources("AWS::IAM::Role"):
        for statement in statements(role):
            yield role, statement


def walked(value: Any) -> Iterator[Any]:
    yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from walked(inner)


def references(value: Any) -> set[str]:
    """Logical ids and parameters that ``Ref``, ``Fn::GetAtt`` and ``Fn::Sub`` name."""
    found = set()
    for inner in walked(value):
        if isinstance(inner, dict) and len(inner) == 1:
            ((function, argument),) = inner.items()
            if function == "Ref":
                found.add(argument)
            elif function == "Fn::GetAtt":
                found.add(argument[0])
            elif function == "Fn::Sub":
                found |= set(re.findall(r"\$\{(\w+)[.}]", argument))
    return {name for name in found if not name.startswith("AWS::")}


def test_what_is_checked_in_is_what_is_generated() -> None:
    """The template and the table in docs/iam.md follow from the tasks and the definitions."""
    assert template.main(["--check"]) == 0


def test_check_names_what_is_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With another content on disk the check fails, names the file and writes nothing."""
    stale = tmp_path / "control.template.json"
    stale.write_text("old")
    monkeypatch.setattr(template, "ROOT", tmp_path)
    monkeypatch.setattr(template, "outputs", lambda: {stale: "new"})
    assert template.main(["--check"]) == 1
    assert "control.template.json" in capsys.readouterr().err
    assert stale.read_text() == "old"


def test_it_keeps_cloudformations_limits() -> None:
    """At most 500 resources, 1 MB and 1,024 bytes of description, and no null anywhere."""
    document = built()
    assert len(document["Resources"]) <= 500
    assert template.TEMPLATE.stat().st_size < 1_000_000
    assert len(document["Description"].encode()) <= 1024
    assert None not in list(walked(document))


def test_every_reference_leads_somewhere() -> None:
    """Nothing refers to a resource or parameter that the template does not have."""
    document = built()
    assert references(document) <= {*document["Resources"], *document["Parameters"]}


def test_nothing_waits_for_itself() -> None:
    """The resources can be made in an order in which each finds what it refers to."""
    waiting = {name: references(one) & set(built()["Resources"]) for name, one in built()["Resources"].items()}
    while waiting:
        ready = {name for name, needs in waiting.items() if not needs & set(waiting)}
        assert ready, f"in a circle: {sorted(waiting)}"
        waiting = {name: needs for name, needs in waiting.items() if name not in ready}


def test_every_task_has_a_function() -> None:
    """One file in tasks/, one function, named after it, that runs it."""
    functions = [one["Properties"] for one in resources("AWS::Lambda::Function").values()]
    assert {one["FunctionName"] for one in functions} == {names.function(name) for name in TASKS}
    assert {one["Handler"] for one in functions} == {f"tasks.{name}.{name}" for name in TASKS}


@pytest.mark.parametrize("name", TASKS)
def test_a_function_fits_lambda(name: str) -> None:
    """Its timeout is the task's, its name and description keep Lambda's limits."""
    function = built()["Resources"][f"{template.camel(name)}Function"]["Properties"]
    assert function["Timeout"] == TASKS[name].timeout_seconds <= 900
    assert len(function["FunctionName"]) <= 64
    assert 0 < len(function["Description"]) <= 256
    assert function["Environment"]["Variables"]["ARTIFACT_BUCKET"] == {"Ref": "ArtifactBucket"}


def test_the_archive_has_room_for_the_longest_history() -> None:
    """A page of the largest events fits into memory three times, and the longest of our histories into /tmp."""
    function = built()["Resources"]["ArchiveExecutionsFunction"]["Properties"]
    assert (function["MemorySize"] - MEMORY_MB) * MIB > 3 * EVENTS_A_PAGE * LARGEST_STATE_BYTES
    longest = max(history.most_events(json.loads(text)) for text in WORKFLOWS.values())
    assert longest * OUR_LARGEST_STATE_BYTES < function["EphemeralStorage"]["Size"] * MIB
    assert function["MemorySize"] <= 3_008  # what Lambda gives a new account


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_a_definition_gets_exactly_what_it_leaves_open(workflow: str) -> None:
    """Each ${...} of a definition is a version of the stack, and there is none besides."""
    machine = built()["Resources"][f"{template.camel(workflow)}StateMachine"]["Properties"]
    wanted = set(re.findall(r"\$\{(\w+)\}", WORKFLOWS[workflow]))
    assert machine["DefinitionString"] == WORKFLOWS[workflow]
    assert machine["DefinitionSubstitutions"] == {one: {"Ref": f"{one}Version"} for one in wanted}
    assert {f"{one}Version" for one in wanted} <= set(built()["Resources"])


def test_every_task_is_called_by_some_definition() -> None:
    """No function is deployed for nothing."""
    called = {one for text in WORKFLOWS.values() for one in template.substitutions(text)}
    assert {f"{template.camel(name)}Function" for name in TASKS} <= called


@pytest.mark.parametrize("name", TASKS)
def test_a_tasks_role_holds_what_it_declares_and_its_log(name: str) -> None:
    """Action by action, resource by resource: no more, no less."""
    granted = {
        (action, json.dumps(resource), json.dumps(one.get("Condition")))
        for one in statements(f"{template.camel(name)}FunctionRole")
        for action in one["Action"]
        for resource in one["Resource"]
    }
    declared = {
        (action, json.dumps({"Fn::Sub": resource} if "${" in resource else resource), json.dumps(one.condition))
        for one in TASKS[name].permissions
        for action in one.actions
        for resource in one.resources
    }
    log = json.dumps({"Fn::GetAtt": ["TasksLogGroup", "Arn"]})
    assert granted == declared | {(f"logs:{action}", log, "null") for action in ("CreateLogStream", "PutLogEvents")}


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_a_state_machines_role_reaches_what_it_calls_only(workflow: str) -> None:
    """It may invoke its functions, run its children, follow those, and deliver its log."""
    called = template.substitutions(WORKFLOWS[workflow])
    functions = {one for one in called if one.endswith("Function")}
    machines = {one for one in called if one.endswith("StateMachine")}
    reached: dict[str, set[str]] = {}
    for statement in statements(f"{template.camel(workflow)}StateMachineRole"):
        for action in statement["Action"]:
            reached.setdefault(action, set()).update(references(statement["Resource"]))
    expected = {"lambda:InvokeFunction": functions, **{action: set() for action in iam.LOG_DELIVERY}}
    if machines:
        expected |= {
            f"states:{action}": machines for action in ("StartExecution", "DescribeExecution", "StopExecution")
        }
        expected |= {f"events:{action}": set() for action in ("DescribeRule", "PutRule", "PutTargets")}
    assert reached == expected


def test_versions_of_functions_and_machines_may_be_called() -> None:
    """IAM takes a version for another resource than its function: both are granted."""
    invoke, start = statements("ProvisionStateMachineRole")[:2]
    assert {"Fn::Sub": "${ValidateRequestFunction.Arn}:*"} in invoke["Resource"]
    assert {"Fn::Sub": "${AddRegionStateMachine}:*"} in start["Resource"]


def test_no_role_may_do_everything() -> None:
    """No action holds a wildcard, and "*" as resource goes only with actions that know none.

    The role of the region stacks makes what it is bounded by: test_region_template.py.
    """
    for role, statement in every_statement():
        if role == "RegionStackRole":
            continue
        assert not [action for action in statement["Action"] if "*" in action], role
        if "*" in statement["Resource"]:
            assert set(statement["Action"]) <= NO_RESOURCE, role
            assert statement["Resource"] == ["*"], role


def test_a_service_linked_role_is_bounded_by_its_service() -> None:
    """Whoever may make one may make one for a named service only."""
    for role, statement in every_statement():
        if "iam:CreateServiceLinkedRole" in statement["Action"]:
            assert statement["Action"] == ["iam:CreateServiceLinkedRole"], role
            assert statement["Condition"]["StringEquals"]["iam:AWSServiceName"].endswith(".amazonaws.com"), role


def test_roles_are_taken_by_one_service_each() -> None:
    """A function's role is Lambda's, a state machine's is Step Functions' on behalf of this account.

    The one that makes the region stacks is CloudFormation's, and the one that schedules start with is Scheduler's.
    """
    others = {"RegionStackRole": "cloudformation", "SchedulerRole": "scheduler"}
    for name, role in resources("AWS::IAM::Role").items():
        (trust,) = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        service = others.get(name, "states" if name.endswith("StateMachineRole") else "lambda")
        assert trust["Principal"] == {"Service": f"{service}.amazonaws.com"}
        assert ("Condition" in trust) == (service in ("states", "scheduler"))


def test_inline_policies_keep_iams_limit() -> None:
    """10,240 characters a role, white space not counted; references count for the ARNs they become."""
    for role in resources("AWS::IAM::Role"):
        assert len(json.dumps(statements(role), separators=(",", ":"))) < 9_000, role


def test_versions_outlive_updates() -> None:
    """An update keeps the versions before it; only one that is rolled back takes its own away again."""
    versions = resources("AWS::Lambda::Version") | resources("AWS::StepFunctions::StateMachineVersion")
    assert len(versions) == len(TASKS) + len(WORKFLOWS)
    for version in versions.values():
        assert version["DeletionPolicy"] == "RetainExceptOnCreate"
        assert version["UpdateReplacePolicy"] == "Retain"


def test_nothing_else_outlives_the_stack() -> None:
    """Only versions are retained, and they go with their function."""
    kept = {one["Type"] for one in built()["Resources"].values() if "DeletionPolicy" in one}
    assert kept == {"AWS::Lambda::Version", "AWS::StepFunctions::StateMachineVersion"}


def version_text(task: Task[Any, Any]) -> str:
    """Description of the version of a function made of this task."""
    text: str = template._function("add_replica", task)["AddReplicaFunctionVersion"]["Properties"]["Description"][
        "Fn::Sub"
    ]
    return text


def test_a_version_follows_every_parameter_its_function_depends_on() -> None:
    """Whatever may make a function another one makes CloudFormation publish it anew."""
    parameters = set(built()["Parameters"])
    for name, function in resources("AWS::Lambda::Function").items():
        version = built()["Resources"][f"{name}Version"]["Properties"]["Description"]
        assert references(function) & parameters == references(version) & parameters
        assert len(version["Fn::Sub"]) + 64 + 63 <= 256 + len("${CodeSha256}${ArtifactBucket}")


def test_a_new_timeout_publishes_a_version() -> None:
    """A change of the function's configuration changes the version's description."""
    task = TASKS["add_replica"]
    slower = Task(task.run, task.permissions, task.timeout_seconds + 1)
    assert version_text(slower) != version_text(task)


def test_a_new_permission_publishes_none() -> None:
    """Lambda refuses a version of an unchanged function, and a role's policy does not change the function."""
    task = TASKS["add_replica"]
    mightier = Task(task.run, (*task.permissions, allow("s3:GetObject", on="*")), task.timeout_seconds)
    assert version_text(mightier) == version_text(task)


def test_a_new_tag_publishes_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tags belong to the function, not to its versions."""
    before = version_text(TASKS["add_replica"])
    monkeypatch.setattr(template, "TAGS", [{"Key": "team", "Value": "orders"}])
    assert version_text(TASKS["add_replica"]) == before


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_a_state_machine_logs_every_event_without_data(workflow: str) -> None:
    """Level ALL to a vended log group, and what executions carry stays out of the log."""
    logging = built()["Resources"][f"{template.camel(workflow)}StateMachine"]["Properties"]["LoggingConfiguration"]
    assert logging["Level"] == "ALL"
    assert logging["IncludeExecutionData"] == {"Fn::If": ["ExecutionDataIsLogged", True, False]}
    assert references(logging["Destinations"]) == {"StatesLogGroup"}
    group = built()["Resources"]["StatesLogGroup"]["Properties"]["LogGroupName"]
    assert group.startswith("/aws/vendedlogs/states/")


def test_each_role_is_passed_to_one_service_by_those_that_need_to() -> None:
    """Two tasks hand the region stacks' role to CloudFormation, one its role to Scheduler, and nobody another."""
    passing = {role: one for role, one in every_statement() if "iam:PassRole" in one["Action"]}
    expected = {
        "CreateScheduleFunctionRole": ("SchedulerRole", "scheduler"),
        "DeleteProcessorsFunctionRole": ("RegionStackRole", "cloudformation"),
        "DeployProcessorsFunctionRole": ("RegionStackRole", "cloudformation"),
        "RegionStackRole": ("", "lambda"),
    }
    assert set(passing) == set(expected)
    for role, (passed, service) in expected.items():
        assert passing[role]["Condition"] == {"StringEquals": {"iam:PassedToService": f"{service}.amazonaws.com"}}
        assert references(passing[role]) == ({passed} if passed else set())


SCHEDULED = sorted(set(WORKFLOWS) & set(schedules.SCHEDULED))


@pytest.mark.parametrize("workflow", SCHEDULED)
def test_schedules_start_the_newest_version(workflow: str) -> None:
    """The alias `scheduled` leads to the stack's own version, so that each update moves it along."""
    machine = f"{template.camel(workflow)}StateMachine"
    alias = built()["Resources"][f"{machine}Alias"]
    assert alias["Type"] == "AWS::StepFunctions::StateMachineAlias"
    assert alias["Properties"]["Name"] == "scheduled"
    route = {"StateMachineVersionArn": {"Ref": f"{machine}Version"}, "Weight": 100}
    assert alias["Properties"]["RoutingConfiguration"] == [route]


def test_no_other_workflow_has_an_alias() -> None:
    """What no schedule starts needs none."""
    assert set(resources("AWS::StepFunctions::StateMachineAlias")) == {
        f"{template.camel(workflow)}StateMachineAlias" for workflow in SCHEDULED
    }


def test_schedules_start_these_aliases_and_leave_dead_letters_only() -> None:
    """The role that EventBridge Scheduler takes may start no machine but by its alias, and write to no other queue."""
    start, send = statements("SchedulerRole")
    of_machines = "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:stateMachine:meridian-"
    machines = [{"Fn::Sub": f"{of_machines}{workflow}"} for workflow in SCHEDULED]
    assert (start["Action"], start["Resource"]) == (["states:StartExecution"], machines)
    # AWS authorizes by the ARN of the state machine, never by that of the alias.
    assert start["Condition"] == {"ForAnyValue:StringEquals": {"states:StateMachineQualifier": ["scheduled"]}}
    queues = "arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:meridian-*-schedule"
    assert (send["Action"], send["Resource"]) == (["sqs:SendMessage"], [{"Fn::Sub": queues}])


def test_schedules_of_others_cannot_take_the_role() -> None:
    """Only a schedule of a group of ours, in this account and Region, may act as the role."""
    role = built()["Resources"]["SchedulerRole"]["Properties"]
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    groups = "arn:${AWS::Partition}:scheduler:${AWS::Region}:${AWS::AccountId}:schedule-group/meridian*"
    assert trust["Condition"] == {
        "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}},
        "ArnLike": {"aws:SourceArn": {"Fn::Sub": groups}},
    }


def test_a_function_is_told_what_its_task_reads() -> None:
    """Every variable of the environment that a task asks for is there."""
    read = {
        name for path in (ROOT / "tasks").rglob("*.py") for name in re.findall(r'environ\["(\w+)"\]', path.read_text())
    }
    of_lambda = {"AWS_REGION"}
    assert read - of_lambda <= set(template.ENVIRONMENT)
    for function in resources("AWS::Lambda::Function").values():
        assert function["Properties"]["Environment"]["Variables"] == template.ENVIRONMENT


def test_every_output_is_there_for_a_state_machine() -> None:
    """Each state machine's ARN and the topic's are what the stack gives out."""
    machines = {f"{template.camel(name)}StateMachineArn" for name in WORKFLOWS}
    assert set(built()["Outputs"]) == machines | {"FailureTopicArn"}


def test_only_eventbridge_and_the_archives_alarm_may_publish_failures() -> None:
    """EventBridge's statement has no condition, under which nothing would arrive; CloudWatch's names our alarm."""
    rule, alarm = built()["Resources"]["FailureTopicPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    publish = {"Effect": "Allow", "Action": "sns:Publish", "Resource": {"Ref": "FailureTopic"}}
    assert rule == {**publish, "Principal": {"Service": "events.amazonaws.com"}}
    source = alarm["Condition"]["ArnLike"]["aws:SourceArn"]["Fn::Sub"]
    assert {**alarm, "Condition": None} == {
        **publish,
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Condition": None,
    }
    name = built()["Resources"]["ArchiveNotStartedAlarm"]["Properties"]["AlarmName"]
    assert fnmatch.fnmatch(name, source.rpartition(":")[2])


def test_the_message_holds_nothing_that_could_break_it() -> None:
    """EventBridge does not escape values: only names, statuses and ARNs go into the message, never a cause or input."""
    (target,) = built()["Resources"]["FailureRule"]["Properties"]["Targets"]
    transformer = target["InputTransformer"]
    assert set(re.findall("<(.*?)>", transformer["InputTemplate"])) == set(transformer["InputPathsMap"])
    assert not {"$.detail.cause", "$.detail.input", "$.detail.output"} & set(transformer["InputPathsMap"].values())


def test_the_page_lists_every_action_of_every_task() -> None:
    """Whoever grants reads in docs/iam.md what the roles hold."""
    page = template.IAM_PAGE.read_text()
    for task in TASKS.values():
        for permission in task.permissions:
            assert all(f"`{action}`" in page for action in permission.actions)


def test_the_archive_is_started_every_day() -> None:
    """A schedule that cannot pile up starts archive through its alias; a start that fails is kept to be seen."""
    resources = built()["Resources"]
    schedule = resources["ArchiveEveryDay"]["Properties"]
    target = schedule["Target"]
    assert target["Input"] == "{}"
    assert target["Arn"]["Fn::Sub"].endswith(":stateMachine:meridian-archive:scheduled")
    assert target["RetryPolicy"]["MaximumEventAgeInSeconds"] <= 3_600
    queue = resources[target["DeadLetterConfig"]["Arn"]["Fn::GetAtt"][0]]["Properties"]["QueueName"]
    (may_send,) = [
        statement["Resource"]
        for statement in resources["SchedulerRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
        if "sqs:SendMessage" in statement["Action"]
    ]
    assert fnmatch.fnmatch(queue, may_send[0]["Fn::Sub"].rpartition(":")[2])
    assert built()["Parameters"]["ArchiveSchedule"]["Default"] == "cron(15 0 * * ? *)"


def test_an_archive_that_cannot_be_started_is_told() -> None:
    """Whoever hears of failed executions hears of a start that was given up, which no execution tells of."""
    alarm = built()["Resources"]["ArchiveNotStartedAlarm"]["Properties"]
    target = built()["Resources"]["ArchiveEveryDay"]["Properties"]["Target"]
    (queue,) = alarm["Dimensions"]
    assert queue["Value"]["Fn::GetAtt"][0] == target["DeadLetterConfig"]["Arn"]["Fn::GetAtt"][0]
    assert alarm["AlarmActions"] == [{"Ref": "FailureTopic"}]
    assert len(alarm["AlarmDescription"]) <= 1_024
