"""What each workflow does, in which order, and how it fails."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tasks.shared.task import STARTED_BY
from tests.workflow.fakes import ANSWERS, REGIONS, REQUEST, WAIT_SECONDS, WITHOUT_KINESIS, error, functions
from tests.workflow.test_coverage import CHILDREN, INPUTS, broken_in, children

if TYPE_CHECKING:
    from tests.workflow.conftest import Account
    from tests.workflow.interpreter import Interpreter

DEPLOY_STATES = ["LoadDeployment", "StageCode", "CreateFailureBucket", "DeployProcessors", "DescribeStack"]
RESCUED = ["WriteProbes (rescue)", "Summarize (broken off)", "PublishValidation"]
PROCESSORS_OFF = ["DeleteProcessors", "DescribeStack", "UnstageCode", "DeleteFailureBucket"]
STREAMING_OFF = ["DisableStreaming", "DescribeDestination", "DeleteStream", "DescribeStream"]
STREAM_STATES = ["CreateStream", "DescribeStream", "ConfigureStream", "EnableStreaming", "DescribeDestination"]


def first_calls(interpreter: Interpreter) -> list[str]:
    """States in the order in which their functions were called first."""
    return list(dict.fromkeys(interpreter.called()))


def regions_of(interpreter: Interpreter, state: str) -> list[str]:
    return [str(call.event["region"]) for call in interpreter.calls if call.state == state]


class TestProvision:
    def test_makes_the_table_before_anything_is_added(self, account: Account) -> None:
        """The request is checked, compared and recorded before the table is made, protected, and Regions are added."""
        interpreter = account(busy=0, children=CHILDREN)
        execution = interpreter.run("provision", REQUEST)
        assert interpreter.called() == [
            "ValidateRequest",
            "CompareDeployment",
            "RecordDeployment",
            "CreateTable",
            "DescribeTable",
            "ProtectTable",
            "CreateDestinationTable",
            "PublishDashboard",
            "CreateSchedule",
        ]
        assert [one.workflow for one in interpreter.executions.values()][-2:] == ["validate", "provision"]
        assert execution.status == "SUCCEEDED"

    def test_adds_every_region_and_reports_them(self, account: Account) -> None:
        """The home Region is added too, and the output holds each Region's stage and the validation."""
        execution = account(children=CHILDREN).run("provision", REQUEST)
        assert execution.output == {
            "table": "orders",
            "home": REGIONS[0],
            "regions": [{"region": region, "stage": "ACTIVE"} for region in REGIONS],
            "validation": {"table": "orders", "passed": 18},
        }

    def test_runs_its_real_children(self, account: Account) -> None:
        """With its children run from their own definitions, the whole ends with the validation's checks."""
        execution = account().run("provision", REQUEST)
        assert (execution.status, execution.output["validation"]["passed"]) == ("SUCCEEDED", 3 * 6 + 3)

    def test_touches_nothing_when_the_request_is_refused(self, account: Account) -> None:
        """A refused request ends the execution in the state that refused it, before anything is called that makes."""
        interpreter = account(broken_in("CompareDeployment", "ChangeRefused", functions()))
        execution = interpreter.run("provision", REQUEST)
        assert (execution.status, execution.error) == ("FAILED", "ChangeRefused")
        assert interpreter.called() == ["ValidateRequest", "CompareDeployment"]

    def test_a_child_that_fails_is_the_cause(self, account: Account) -> None:
        """A Region that cannot be added fails the parent with States.TaskFailed and the child's error inside."""
        interpreter = account(broken_in("DescribeTable (replica)", "ReplicaFailed", functions()))
        execution = interpreter.run("provision", REQUEST)
        assert (execution.status, execution.error) == ("FAILED", "States.TaskFailed")
        child = json.loads(execution.cause)
        assert (child["Status"], child["Error"]) == ("FAILED", "ReplicaFailed")
        assert json.loads(child["Cause"])["errorMessage"] == "ReplicaFailed"
        assert "validate" not in {one.workflow for one in interpreter.executions.values()}

    def test_one_region_that_fails_is_enough(self, account: Account) -> None:
        """EachRegion fails with the failing Region's error, whatever the others do."""

        def add_region(given: dict[str, Any]) -> dict[str, Any]:
            if given["region"] == "eu-west-1":
                raise error("QuotaExceeded", "eu-west-1 cannot hold a replica")
            return dict(CHILDREN["add-region"](given))

        execution = account(children={**CHILDREN, "add-region": add_region}).run("provision", REQUEST)
        assert (execution.status, execution.error) == ("FAILED", "States.TaskFailed")
        assert json.loads(execution.cause)["Cause"] == "eu-west-1 cannot hold a replica"


class TestAddRegion:
    def test_streams_after_both_halves_are_ready(self, account: Account) -> None:
        """Replica and stream are made side by side; streaming begins when both are there; the record comes last."""
        interpreter = account(busy=0, children=children("add-region"))
        execution = interpreter.run("add-region", INPUTS["add-region"])
        calls = interpreter.called()
        halves = [["AddReplica", "DescribeTable (replica)", "ProtectTable (replica)"], STREAM_STATES[:3]]
        assert calls[:3] == ["LoadDeployment", "CheckAddition", "RecordRegion (planned)"]
        assert [[state for state in calls[3:9] if state in half] for half in halves] == halves
        assert calls[9:] == [*STREAM_STATES[3:], "RecordRegion"]
        assert execution.output == {"table": "orders", "region": "eu-west-1", "stage": "ACTIVE"}

    def test_goes_through_the_same_states_at_home(self, account: Account) -> None:
        """The home Region passes the replica's states too, whose tasks answer READY there."""
        interpreter = account(busy=0)
        execution = interpreter.run("add-region", {"table": "orders", "region": REGIONS[0]})
        assert execution.status == "SUCCEEDED"
        assert regions_of(interpreter, "AddReplica") == [REGIONS[0]]

    def test_skips_the_stream_without_kinesis(self, account: Account) -> None:
        """A request without ``kinesis`` makes no stream and no destination."""
        interpreter = account(busy=0, request=WITHOUT_KINESIS)
        execution = interpreter.run("add-region", INPUTS["add-region"])
        assert execution.status == "SUCCEEDED"
        assert set(interpreter.called()) & set(STREAM_STATES) == set()
        assert "RecordRegion" in interpreter.called()

    def test_deploys_the_stack_before_the_region_counts_as_complete(self, account: Account) -> None:
        """Code and failure bucket are there before the stack, and the stack is complete before the Region is."""
        interpreter = account(busy=0)
        interpreter.run("add-region", {**INPUTS["add-region"], STARTED_BY: "parent"})
        calls = interpreter.called()
        assert calls[-len(DEPLOY_STATES) - 1 :] == [*DEPLOY_STATES, "RecordRegion"]

    def test_home_learns_of_a_region_before_it_is_made(self, account: Account) -> None:
        """Home no longer stands in for the new Region's writes by the time there can be any."""
        interpreter = account(busy=0)
        interpreter.run("add-region", INPUTS["add-region"])
        made = [(call.state, call.event["region"]) for call in interpreter.calls if "region" in call.event]
        assert made.index(("DeployProcessors", REGIONS[0])) < made.index(("AddReplica", "eu-west-1"))

    def test_tells_the_other_regions_unless_its_parent_does(self, account: Account) -> None:
        """Started by itself it brings every Region's alarms up to date; started by provision it does not."""
        for started, refreshed in (({}, True), ({STARTED_BY: "parent"}, False)):
            interpreter = account(children=children("add-region"))
            interpreter.run("add-region", {**INPUTS["add-region"], **started})
            assert ("refresh-regions" in {one.workflow for one in interpreter.executions.values()}) == refreshed

    @pytest.mark.parametrize("busy", [0, 3])
    def test_a_busy_answer_is_asked_for_again(self, account: Account, busy: int) -> None:
        """A task that answers BUSY is called again after the seconds it asked for, until it is READY."""
        interpreter = account(busy=busy, children=children("add-region"))
        interpreter.run("add-region", INPUTS["add-region"])
        assert interpreter.called().count("AddReplica") == busy + 1
        assert interpreter.waits == [WAIT_SECONDS] * busy * 8

    def test_a_loop_keeps_its_beginning(self, account: Account) -> None:
        """Each look is given the moment the loop began, so that its deadline counts from there."""
        moments = iter(["first", "second", "third"])
        given = functions(busy=2)
        add_replica = given["add_replica"]
        given["add_replica"] = lambda event: {**add_replica(event), "began": next(moments)}
        interpreter = account(given)
        interpreter.run("add-region", INPUTS["add-region"])
        began = [call.event["began"] for call in interpreter.calls if call.state == "AddReplica"]
        after = next(call.event["began"] for call in interpreter.calls if call.state == "DescribeTable (replica)")
        assert (len(set(began)), after) == (1, "third")

    def test_an_error_of_a_branch_ends_the_execution(self, account: Account) -> None:
        """What fails beside the replica fails under its own name."""
        execution = account(broken_in("CreateStream", "NotOurs", functions())).run("add-region", INPUTS["add-region"])
        assert (execution.status, execution.error) == ("FAILED", "NotOurs")


class TestValidate:
    def test_puts_updates_and_deletes(self, account: Account) -> None:
        """Each step is written, then looked for, before the next one is written."""
        interpreter = account()
        execution = interpreter.run("validate", INPUTS["validate"])
        steps = [call.event["step"] for call in interpreter.calls if call.function == "write_probes"]
        assert steps == ["put", "update", "delete"]
        assert first_calls(interpreter) == [
            "LoadDeployment",
            "WriteProbes",
            "ReadProbes",
            "WriteProbes (update)",
            "ReadProbes (update)",
            "WriteProbes (delete)",
            "ReadProbes (delete)",
            "ReadRecords",
            "ReadMetrics",
            "ReadEvents",
            "Summarize",
            "PublishValidation",
        ]
        assert (execution.output["passed"], execution.output["failed"]) == (21, 0)

    @pytest.mark.parametrize("state", ["ReadRecords", "ReadMetrics", "ReadEvents"])
    def test_streaming_that_breaks_off_does_not_hide_replication(self, account: Account, state: str) -> None:
        """The verdict names the error of the streaming part, and what replication had shown by then."""
        interpreter = account(broken_in(state, "AccessDeniedException", functions()))
        execution = interpreter.run("validate", INPUTS["validate"])
        assert interpreter.called()[-2:] == ["Summarize (streaming broken off)", "PublishValidation"]
        message = json.loads(execution.cause)["errorMessage"]
        assert "after 18 of 18 checks of replication had passed" in message
        assert "AccessDeniedException" in message

    @pytest.mark.parametrize("state", ["WriteProbes", "ReadProbes", "WriteProbes (update)", "ReadProbes (update)"])
    def test_what_breaks_off_is_cleared_up(self, account: Account, state: str) -> None:
        """An error before the delete leads to the delete and to a verdict that names the error."""
        interpreter = account(broken_in(state, "AccessDeniedException", functions()))
        execution = interpreter.run("validate", INPUTS["validate"])
        assert interpreter.called()[-3:] == RESCUED
        assert interpreter.calls[-3].event["step"] == "delete"
        assert (execution.status, execution.error) == ("FAILED", "ValidationFailed")
        assert "AccessDeniedException: AccessDeniedException" in json.loads(execution.cause)["errorMessage"]

    def test_what_cannot_be_cleared_up_does_not_hide_what_broke(self, account: Account) -> None:
        """Where the probes cannot be deleted either, the verdict is still on the error that came first."""

        def write_probes(event: dict[str, Any]) -> dict[str, Any]:
            raise type("Late" if event["step"] == "delete" else "First", (Exception,), {})(event["step"])

        interpreter = account({**functions(), "write_probes": write_probes})
        execution = interpreter.run("validate", INPUTS["validate"])
        assert interpreter.called()[-3:] == RESCUED
        assert (execution.status, execution.error) == ("FAILED", "ValidationFailed")
        assert "First: put" in json.loads(execution.cause)["errorMessage"]

    def test_a_pair_that_did_not_see_fails(self, account: Account) -> None:
        """A check that fails ends the execution FAILED and names the pair."""

        def write_probes(event: dict[str, Any]) -> dict[str, Any]:
            written = ANSWERS["write_probes"](event, REQUEST)
            if event["step"] == "update":
                del written["seen"]["us-east-1"]["eu-west-1"]
            return written

        execution = account({"write_probes": write_probes}).run("validate", INPUTS["validate"])
        assert (execution.status, execution.error) == ("FAILED", "ValidationFailed")
        message = json.loads(execution.cause)["errorMessage"]
        assert "1 of 21 checks of orders failed" in message
        assert "eu-west-1 did not see the update from us-east-1" in message

    def test_a_failure_is_published_before_it_ends_the_execution(self, account: Account) -> None:
        """An alarm on failure hears of every failure: the metrics come before the error."""
        interpreter = account(broken_in("ReadEvents", "AccessDeniedException", functions()))
        execution = interpreter.run("validate", INPUTS["validate"])
        published = interpreter.calls[-1].event["verdict"]
        assert (published["passed"], published["failed"]) == (18, 0)
        assert published["failure"] in json.loads(execution.cause)["errorMessage"]


class TestRemoveRegion:
    def test_removes_leaf_first(self, account: Account) -> None:
        """Streaming goes before the stream, the stream before the replica, and the record last."""
        interpreter = account(children=children("remove-region"))
        execution = interpreter.run("remove-region", INPUTS["remove-region"])
        assert first_calls(interpreter) == [
            "LoadDeployment",
            "CheckRemoval",
            *PROCESSORS_OFF,
            *STREAMING_OFF,
            "RemoveReplica",
            "DescribeTable",
            "ForgetRegion",
        ]
        bucket = {"bucket": "failures", "kept": 0, "more": False}
        assert execution.output == {"table": "orders", "removed": "eu-west-1", "failure_bucket": bucket}

    def test_waits_for_what_goes(self, account: Account) -> None:
        """Each look waits for the thing to be gone, not for it to be ACTIVE."""
        interpreter = account(children=children("remove-region"))
        interpreter.run("remove-region", INPUTS["remove-region"])
        wanted = {call.state: call.event["wanted"] for call in interpreter.calls if "wanted" in call.event}
        gone = dict.fromkeys(("DescribeStack", "DescribeStream", "DescribeTable"), "GONE")
        assert wanted == {**gone, "DescribeDestination": "DISABLED"}


class TestCleanup:
    def test_removes_replicas_before_the_home_region(self, account: Account) -> None:
        """Every replica is gone before the home Region's streaming, stream and table go, and the record goes last."""
        interpreter = account(children=CHILDREN, busy=0)
        execution = interpreter.run("cleanup", INPUTS["cleanup"])
        assert interpreter.called() == [
            "LoadDeployment",
            "ConfirmCleanup",
            "DeleteSchedule",
            *PROCESSORS_OFF,
            *STREAMING_OFF,
            "DeleteDestinationTable",
            "DeleteTable",
            "DescribeTable",
            "DeleteDashboard",
            "ForgetDeployment",
        ]
        assert set(regions_of(interpreter, "DeleteStream")) == {REGIONS[0]}
        assert execution.output["removed"] == [*REGIONS[1:], REGIONS[0]]

    @pytest.mark.parametrize("failures", ["", "delete"])
    def test_says_what_becomes_of_the_failure_buckets(self, account: Account, failures: str) -> None:
        """Whether records that were given up on may go is said to every Region, the home Region too."""
        interpreter = account(busy=0)
        interpreter.run("cleanup", {**INPUTS["cleanup"], "failures": failures})
        told = {call.event["failures"] for call in interpreter.calls if call.state == "DeleteFailureBucket"}
        assert (told, set(regions_of(interpreter, "DeleteFailureBucket"))) == ({failures}, set(REGIONS))

    def test_stops_when_a_replica_stays(self, account: Account) -> None:
        """A replica that cannot go yet ends cleanup before anything of the home Region is touched."""
        interpreter = account(broken_in("RemoveReplica", "SourceRegionLocked", functions()))
        execution = interpreter.run("cleanup", INPUTS["cleanup"])
        assert (execution.status, execution.error) == ("FAILED", "States.TaskFailed")
        assert json.loads(execution.cause)["Error"] == "SourceRegionLocked"
        assert "DeleteTable" not in interpreter.called()

    def test_gives_each_child_its_confirmation(self, account: Account) -> None:
        """remove-region is started for each replica with that Region as its confirmation."""
        given: list[dict[str, Any]] = []

        def remove_region(child: dict[str, Any]) -> dict[str, Any]:
            given.append(child)
            return dict(CHILDREN["remove-region"](child))

        account(children={"remove-region": remove_region}).run("cleanup", INPUTS["cleanup"])
        assert {(child["region"], child["confirm"]) for child in given} == {(region, region) for region in REGIONS[1:]}

    def test_goes_on_when_there_are_no_replicas(self, account: Account) -> None:
        """A table in one Region only is removed without a child."""
        one = {**REQUEST, "regions": REGIONS[:1]}
        interpreter = account(request=one, busy=0)
        execution = interpreter.run("cleanup", INPUTS["cleanup"])
        assert execution.output["removed"] == REGIONS[:1]


class TestRefreshRegions:
    def test_deploys_every_region_and_publishes_once(self, account: Account) -> None:
        """Each Region's stack is brought up to date, then the dashboard."""
        interpreter = account(busy=0)
        interpreter.run("refresh-regions", INPUTS["refresh-regions"])
        assert sorted(regions_of(interpreter, "DeployProcessors")) == sorted(REGIONS)
        assert interpreter.called()[-1] == "PublishDashboard"


@pytest.mark.parametrize("workflow", INPUTS)
def test_a_child_is_given_its_time(account: Account, workflow: str) -> None:
    """Each child is waited for as long as its own deadlines allow, which its loops never reach first."""
    interpreter = account(busy=0)
    execution = interpreter.run(workflow, INPUTS[workflow])
    scheduled = [event["taskScheduledEventDetails"] for event in execution.events if event["type"] == "TaskScheduled"]
    assert all(details["timeoutInSeconds"] > 100 for details in scheduled)


@pytest.mark.parametrize("workflow", INPUTS)
def test_an_error_of_a_task_keeps_its_name(account: Account, workflow: str) -> None:
    """What the first function raises is the execution's error, with its message as the cause."""

    def refuse(_: dict[str, Any]) -> Any:
        raise error("RequestInvalid", "The input is wrong.")

    given = {**functions(), "load_deployment": refuse, "validate_request": refuse, "create_archive_bucket": refuse}
    execution = account(given).run(workflow, INPUTS[workflow])
    assert (execution.status, execution.error) == ("FAILED", "RequestInvalid")
    assert json.loads(execution.cause)["errorMessage"] == "The input is wrong."
