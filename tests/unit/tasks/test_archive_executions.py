"""ArchiveExecutions: every closed execution once, whatever happens in between."""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
import tracemalloc
from collections import Counter
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from botocore.stub import ANY

from tasks import archive_executions as module
from tasks.archive_executions import archive_executions
from tasks.create_archive_bucket import create_archive_bucket
from tasks.shared import archive, archive_chain, archive_files, archive_head, names, pace
from tasks.shared.archive import START, canonical, manifest_key
from tasks.shared.archive_files import Store
from tasks.shared.pace import CALLS_A_SECOND
from tests.unit.tasks.executions import (
    BEGAN,
    BUCKET,
    ArchiveClients,
    One,
    StepFunctions,
    execution_arn,
    fresh,
    machine_arn,
)
from tests.unit.tasks.fakes import ACCOUNT, Answer, Killed, emptied
from tests.unit.tasks.scenarios import EXECUTION, HOME, Scenario, play, refuse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.unit.tasks.fakes import StubbedClients

TODAY = archive.day(time.time())
OURS: dict[str, Any] = {"Bucket": BUCKET, "ExpectedBucketOwner": ACCOUNT}
VALIDATE = machine_arn("meridian-validate")
CONTEXT = {"execution": {"Id": EXECUTION}, "state": {"Name": "ArchiveExecutions"}}
EVENT: Any = {"bucket": BUCKET, "archived": START, **CONTEXT}
CHECKSUM: dict[str, Any] = {"ChecksumAlgorithm": "SHA256", "ChecksumSHA256": ANY}
ENDED = One("run-1", BEGAN, BEGAN + 10)


def states(method: str, response: Any = None, **params: Any) -> Answer:
    return Answer("stepfunctions", HOME, method, response or {}, params=params or None)


def s3(method: str, response: Any = None, **params: Any) -> Answer:
    return Answer("s3", HOME, method, response or {}, params={**OURS, **params})


def ssm(method: str, response: Any = None, **params: Any) -> Answer:
    return Answer("ssm", HOME, method, response or {}, params=params)


def looks(event: Any = EVENT, **archived: Any) -> Any:
    return {**event, "archived": {**START, "looks": 1, "remaining": [VALIDATE], **archived}}


def described(one: One) -> dict[str, Any]:
    return {**one.item(), "input": one.input}


def put(key: Any = ANY) -> Answer:
    sent = {"Key": key, "Body": ANY, "ContentType": ANY, **CHECKSUM, "IfNoneMatch": "*"}
    return s3("put_object", {"ETag": '"1"'}, **sent)


NO_MANIFEST = s3("list_objects_v2", {}, Prefix="manifests/")
NO_HEAD = refuse("ssm", HOME, "get_parameter", "ParameterNotFound", Name=names.ARCHIVE_HEAD)
ANNOUNCED = ssm("put_parameter", Name=names.ARCHIVE_HEAD, Value=ANY, Type="String", Overwrite=True)
LISTED = states("list_executions", {"executions": [ENDED.item()]}, stateMachineArn=VALIDATE, maxResults=1_000)
HEAD = {"key": manifest_key(TODAY, 1), "sha256": "0" * 64, "before": None, "settled": True}


def manifest(*keys: str, since: float = 0) -> dict[str, Any]:
    files = [{"key": key, "version": "", "definition": ""} for key in keys]
    of_machine = {"meridian-validate": since}
    return {"date": TODAY, "predecessor": None, "files": files, "since": of_machine, "closed": False, "breaks": []}


class Body:
    """What may be read in every test that plays it."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def read(self) -> bytes:
        return self._content


def kept(document: dict[str, Any], head: dict[str, Any] | None = None) -> list[Answer]:
    """The manifest of today is there, and the head names it, or what is given."""
    body, key = canonical(document), manifest_key(TODAY, 1)
    said = head or {"key": key, "sha256": hashlib.sha256(body).hexdigest(), "before": None, "settled": True}
    parameter = {"Value": json.dumps(said), "Version": 1}
    reads = [
        s3("list_objects_v2", {"Contents": [{"Key": key, "ETag": '"0"'}]}, Prefix="manifests/"),
        ssm("get_parameter", {"Parameter": parameter}, Name=names.ARCHIVE_HEAD),
        s3("get_object", {"Body": Body(body), "ETag": '"0"'}, Key=key),
    ]
    if not head:
        return reads
    history = ssm("get_parameter_history", {"Parameters": [parameter]}, Name=names.ARCHIVE_HEAD)
    return [*reads, history, *reads, history]  # twice, since another execution may be writing


FILE_KEY = archive.file_key("meridian-validate", "run-1", BEGAN + 10, 0)
READ = [
    states("describe_execution", described(ENDED), executionArn=ENDED.arn),
    states(
        "describe_state_machine_for_execution",
        {
            "definition": ENDED.definition,
            "stateMachineArn": VALIDATE,
            "name": "meridian-validate",
            "roleArn": "arn:aws:iam::123456789012:role/one",
            "updateDate": ENDED.item()["startDate"],
        },
        executionArn=ENDED.arn,
    ),
    put(archive.definition_key(hashlib.sha256(ENDED.definition.encode()).hexdigest())),
    states(
        "get_execution_history",
        {"events": list(ENDED.history())},
        executionArn=ENDED.arn,
        maxResults=500,
    ),
]

SCENARIOS = [
    Scenario(
        "The first closed execution begins the archive",
        looks(),
        [NO_MANIFEST, NO_HEAD, LISTED, *READ, put(FILE_KEY), ANNOUNCED, put(manifest_key(TODAY, 1)), ANNOUNCED],
        {"status": "READY", "files": 1, "events": 3, "open": 0, "remaining": [], "wait_seconds": 0},
    ),
    Scenario(
        "An object in the place of a file that nobody listed yields to the file",
        looks(),
        [
            NO_MANIFEST,
            NO_HEAD,
            LISTED,
            *READ,
            replace(put(FILE_KEY), error=("PreconditionFailed", "it is there")),
            s3("head_object", {"ChecksumSHA256": "another"}, Key=FILE_KEY, ChecksumMode="ENABLED"),
            s3("put_object", {}, Key=FILE_KEY, Body=ANY, ContentType=ANY, **CHECKSUM),
            ANNOUNCED,
            put(manifest_key(TODAY, 1)),
            ANNOUNCED,
        ],
        {"status": "READY", "files": 1},
    ),
    Scenario(
        "What is in a manifest is not read again",
        looks(),
        [*kept(manifest(FILE_KEY)), LISTED],
        {"status": "READY", "files": 0, "remaining": []},
    ),
    Scenario(
        "What ended before the cursor is not looked for in the manifests",
        looks(),
        [*kept(manifest(since=BEGAN + 11)), LISTED],
        {"status": "READY", "files": 0},
    ),
    Scenario(
        "An execution that runs is left for later",
        looks(),
        [
            NO_MANIFEST,
            NO_HEAD,
            states(
                "list_executions", {"executions": [One("run-1").item()]}, stateMachineArn=VALIDATE, maxResults=1_000
            ),
        ],
        {"status": "READY", "files": 0, "open": 1},
    ),
    Scenario(
        "An execution that is forgotten between listing and reading is noted",
        looks(),
        [NO_MANIFEST, NO_HEAD, LISTED, refuse("stepfunctions", HOME, "describe_execution", "ExecutionDoesNotExist")],
        {"status": "READY", "files": 0, "forgotten": [ENDED.arn]},
    ),
    Scenario(
        "A state machine that is gone has nothing to archive",
        looks(),
        [NO_MANIFEST, NO_HEAD, refuse("stepfunctions", HOME, "list_executions", "StateMachineDoesNotExist")],
        {"status": "READY", "files": 0, "remaining": []},
    ),
    Scenario(
        "The first look finds our state machines, by their tag",
        EVENT,
        [
            states(
                "list_state_machines",
                {
                    "stateMachines": [
                        {"name": name, "stateMachineArn": machine_arn(name), "type": "STANDARD", "creationDate": 0}
                        for name in ("meridian-validate", "meridian-of-others", "other")
                    ]
                },
                maxResults=1_000,
            ),
            states(
                "list_tags_for_resource",
                {"tags": [{"key": "meridian:stack", "value": "control"}]},
                resourceArn=VALIDATE,
            ),
            states("list_tags_for_resource", {"tags": []}, resourceArn=machine_arn("meridian-of-others")),
            *kept(manifest(FILE_KEY)),
            LISTED,
        ],
        {"status": "READY", "files": 0, "remaining": []},
    ),
    Scenario(
        "A manifest that is not what the head says is noted in it",
        looks(),
        [
            *kept(manifest("executions/one"), HEAD),
            s3("get_object", {"Body": Body(b"{}"), "ETag": '"0"'}, Key=HEAD["key"]),
            s3("list_object_versions", {"Versions": []}, Prefix=HEAD["key"]),
            LISTED,
            *READ,
            put(FILE_KEY),
            ANNOUNCED,
            s3(
                "put_object",
                {"ETag": '"2"'},
                Key=manifest_key(TODAY, 1),
                Body=ANY,
                ContentType=ANY,
                **CHECKSUM,
                IfMatch='"0"',
            ),
            ANNOUNCED,
        ],
        {"status": "READY", "files": 1},
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_archive_executions(scenario: Scenario, aws: StubbedClients) -> None:
    """Each situation has its one answer, and no call is missing or left over."""
    play(archive_executions, scenario, aws)


# ------------------------------------------------------------------------------------------- beside moto's S3 and SSM


def run(found: StepFunctions, aws: ArchiveClients | None = None) -> dict[str, Any]:
    """Run the workflow as the state machine does, and give the last reply."""
    clients = aws or ArchiveClients(found)
    event: Any = {**dict(create_archive_bucket.run({}, clients)), **CONTEXT}
    while True:
        reply = archive_executions.run(event, clients)
        if reply["status"] == "READY":
            return dict(reply)
        event = {**event, "archived": json.loads(json.dumps(reply))}


def objects(prefix: str = "") -> dict[str, bytes]:
    client: Any = ArchiveClients(StepFunctions()).s3(HOME)
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
    keys = [one["Key"] for page in pages for one in page.get("Contents", [])]
    return {key: client.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in keys}


def versions(prefix: str = "") -> Counter[str]:
    client: Any = ArchiveClients(StepFunctions()).s3(HOME)
    return Counter(one["Key"] for one in client.list_object_versions(Bucket=BUCKET, Prefix=prefix)["Versions"])


def manifests() -> list[dict[str, Any]]:
    """In their order, each of which must name the one before it."""
    found = sorted(objects("manifests/").items(), key=lambda item: archive.place(item[0]))
    before = None
    for key, body in found:
        assert json.loads(body)["predecessor"] == before
        before = {"key": key, "sha256": hashlib.sha256(body).hexdigest()}
    head = archive_head.read_heads(ArchiveClients(StepFunctions()).ssm(HOME))
    assert archive.fits(before, head)  # type: ignore[arg-type]  # JSON
    return [json.loads(body) for _, body in found]


def listed() -> list[dict[str, Any]]:
    """Every line of every manifest; each names an object with its hash."""
    lines = [line for manifest in manifests() for line in manifest["files"]]
    found = objects("executions/")
    for line in lines:
        assert hashlib.sha256(found[line["key"]]).hexdigest() == line["sha256"]
        assert len(found[line["key"]]) == line["bytes"]
    assert set(found) == {line["key"] for line in lines}
    return lines


def several() -> StepFunctions:
    """Two machines with what may happen: ended, failed, redriven, running, and without a version."""
    found = StepFunctions(["meridian-validate", "meridian-archive"], ["meridian-of-others"], page=3)
    version = f"{VALIDATE}:1"
    found.add(
        One("run-1", BEGAN, BEGAN + 10, version=version),
        One("run-2", BEGAN + 100, BEGAN + 130, status="FAILED", version=version),
        One("run-3", BEGAN + 200, BEGAN + 300, status="FAILED", redrives=1, version=version),
        One("run-4", BEGAN + 400, None, version=version),
        One("run-5", BEGAN + 500, BEGAN + 501),
        One("day-1", BEGAN + 50, BEGAN + 60, machine="meridian-archive", definition="{}", input="{}"),
        One("theirs", BEGAN, BEGAN + 1, machine="meridian-of-others"),
    )
    return found


def closed(found: StepFunctions) -> list[tuple[str, int]]:
    ours = (one for one in found.all if one.machine in found.ours and one.stopped is not None)
    return sorted((one.arn, one.redrives) for one in ours)


def archived() -> list[tuple[str, int]]:
    return sorted((line["execution"], line["redrive_count"]) for line in listed())


@pytest.fixture
def s3_and_ssm() -> Iterator[None]:
    with emptied():
        yield


@pytest.mark.usefixtures("s3_and_ssm")
def test_every_closed_execution_is_archived_once() -> None:
    """Of ours, whatever became of them; one that runs and one of others are not."""
    found = several()
    reply = run(found)
    assert archived() == closed(found)
    assert (reply["files"], reply["open"], reply["forgotten"], reply["remaining"]) == (5, 1, [], [])


@pytest.mark.usefixtures("s3_and_ssm")
def test_a_second_run_writes_nothing() -> None:
    """What is archived is not even read again."""
    found = several()
    run(found)
    before, found.calls = versions(), []
    assert run(found)["files"] == 0
    assert versions() == before
    assert "describe_execution" not in found.calls


@pytest.mark.usefixtures("s3_and_ssm")
def test_a_file_is_lines_of_json() -> None:
    """The first line is the execution with its definition's hash, then every event, in bytes that never differ."""
    found = several()
    run(found)
    (line,) = [line for line in listed() if line["execution"] == execution_arn("run-3")]
    assert line["key"] == "executions/date=2026-09-21/machine=meridian-validate/run-3.redrive-1.jsonl"
    execution, *events = map(json.loads, objects()[line["key"]].splitlines())
    assert execution["record"] == "execution"
    assert execution["description"]["startDate"] == BEGAN + 200
    assert "redriveStatus" not in execution["description"]
    assert objects()[f"definitions/{execution['definition']}.json"] == b'{"StartAt": "A"}'
    assert [event["id"] for event in events] == [1, 2, 3, 4]
    assert events[0]["timestamp"] == BEGAN + 200.001
    assert (line["table"], line["status"], line["events"]) == ("orders", "FAILED", 4)


@pytest.mark.usefixtures("s3_and_ssm")
def test_a_redrive_is_archived_beside_what_it_went_on_from() -> None:
    """An execution that failed, was archived, and was redriven is archived again when it has ended again."""
    found = StepFunctions()
    one = One("run-1", BEGAN, BEGAN + 10, status="FAILED")
    found.add(one)
    run(found)
    one.redrives, one.stopped = 1, None
    assert run(found)["open"] == 1
    one.stopped, one.status = time.time() - 60, "SUCCEEDED"
    run(found)
    assert archived() == [(one.arn, 0), (one.arn, 1)]


@pytest.mark.usefixtures("s3_and_ssm")
def test_a_redrive_while_it_is_read_is_left_for_later() -> None:
    """A history that has been redriven since it was described is not archived under the older count."""
    found = StepFunctions()
    one = One("run-1", BEGAN, BEGAN + 10, status="FAILED")
    found.add(one)

    def redrive(operation: str) -> None:
        if operation == "get_execution_history":
            one.redrives = 1

    found.meanwhile = redrive
    reply = run(found)
    assert (reply["files"], reply["open"]) == (0, 1)
    assert manifests() == []


@pytest.mark.usefixtures("s3_and_ssm")
def test_one_call_tells_the_definition_of_a_version() -> None:
    """Step Functions is asked once a version, and once for all executions without one between two updates."""
    found = StepFunctions()
    found.add(*(One(f"v-{number}", BEGAN + number, BEGAN + 50, version=f"{VALIDATE}:1") for number in range(5)))
    found.add(*(One(f"u-{number}", BEGAN + number, BEGAN + 99 - number) for number in range(5)))
    run(found)
    assert found.calls.count("describe_state_machine_for_execution") <= 1 + 5


@pytest.mark.usefixtures("s3_and_ssm")
def test_a_version_of_a_machine_that_was_made_anew_has_its_own_definition() -> None:
    """After the control stack was removed and installed again, versions count from 1 again."""
    before, after = StepFunctions(), StepFunctions()
    before.add(One("old", BEGAN, BEGAN + 10, version=f"{VALIDATE}:1"))
    run(before)
    after.add(One("new", time.time() - 60, time.time() - 30, version=f"{VALIDATE}:1", definition='{"new": 1}'))
    run(after)
    wanted = {one.arn: hashlib.sha256(one.definition.encode()).hexdigest() for one in (*before.all, *after.all)}
    assert {line["execution"]: line["definition"] for line in listed()} == wanted


@pytest.mark.usefixtures("s3_and_ssm")
def test_what_two_pages_show_is_listed_once() -> None:
    """What ends while a list is read moves the rest of it down, onto the next page."""
    found = StepFunctions(page=2)
    found.add(*(One(f"run-{number}", BEGAN, BEGAN + number) for number in range(4)))
    once = iter([One("late", BEGAN, BEGAN + 9)])

    def meanwhile(operation: str) -> None:
        if operation == "describe_execution":
            found.add(*islice(once, 1))

    found.meanwhile = meanwhile
    run(found)
    assert len({line["key"] for line in listed()}) == len(listed())


@pytest.mark.usefixtures("s3_and_ssm")
def test_the_cursor_never_goes_back() -> None:
    """An execution of the archive that began earlier and ends later does not take back what another has done."""
    aws = ArchiveClients(several())
    run(several(), aws)
    (before,) = manifests()
    chain = archive_chain.Chain(aws.s3(HOME), aws.ssm(HOME), BUCKET, ACCOUNT)
    chain.refresh(["meridian-validate"])
    line: Any = {**before["files"][0], "key": "executions/another"}
    chain.add([line], {"meridian-validate": BEGAN}, ["meridian-validate"])
    (after,) = manifests()
    assert after["since"] == before["since"]


@pytest.mark.usefixtures("s3_and_ssm")
def test_a_definition_that_was_replaced_meanwhile_is_not_taken_for_another() -> None:
    """Executions without a version on both sides of an update have the definitions that they ran."""
    found = StepFunctions()
    found.add(
        One("new", BEGAN + 500, BEGAN + 600, definition='{"new": 1}', updated=BEGAN + 400),
        One("old", BEGAN, BEGAN + 10, definition='{"old": 1}'),
    )
    run(found)
    wanted = {one.arn: hashlib.sha256(one.definition.encode()).hexdigest() for one in found.all}
    assert {line["execution"]: line["definition"] for line in listed()} == wanted


@pytest.mark.usefixtures("s3_and_ssm")
def test_forgotten_ones_are_named_and_the_rest_is_archived() -> None:
    """An execution that is listed and not to be had any more does not stop the others."""
    found = several()
    found.all[0].gone = True
    reply = run(found)
    assert reply["forgotten"] == [found.all[0].arn]
    assert len(archived()) == len(closed(found)) - 1


@pytest.mark.usefixtures("s3_and_ssm")
@pytest.mark.parametrize("operation", ["list_executions", "get_execution_history", "describe_execution"])
def test_what_is_written_before_a_failure_is_listed(operation: str) -> None:
    """A look that fails leaves what it wrote in the manifest, and the next one goes on from there."""
    found = several()
    refused = iter([False, False])

    def refuse_later(called: str) -> None:
        found.refuse = {operation: "ThrottlingException"} if called == operation and next(refused, True) else {}

    found.meanwhile = refuse_later
    with pytest.raises(ClientError):
        run(found)
    first = archived()
    assert first
    found.meanwhile, found.refuse = (lambda _: None), {}
    run(found)
    assert archived() == closed(found)


def few() -> StepFunctions:
    """What takes few calls: two executions on two pages."""
    found = StepFunctions(page=1)
    found.add(One("run-1", BEGAN, BEGAN + 10, events=1), One("run-2", BEGAN + 1, BEGAN + 20, events=1))
    return found


def call_count(found: StepFunctions) -> int:
    with emptied():
        aws = ArchiveClients(found)
        run(found, aws)
        return aws.count


def test_killed_anywhere_and_run_again_nothing_is_lost_or_twice() -> None:
    """Whatever call an execution dies at, another one archives each closed execution exactly once, file and line."""
    calls = call_count(several())
    assert calls > 30
    for number in range(1, calls + 1):
        with emptied():
            found = several()
            doomed = ArchiveClients(found)
            doomed.kill("after", number)
            with pytest.raises(Killed):
                run(found, doomed)
            run(found)
            assert archived() == closed(found), f"killed after call {number} of {calls}"
            assert not any(manifest["breaks"] for manifest in manifests())
            assert max(versions("executions/").values()) == 1, "the same bytes are written once"


class Interrupted(ArchiveClients):
    """Clients that let another execution do all its work just before their n-th call. They come from no pool."""

    def __init__(self, states: StepFunctions, number: int) -> None:
        super().__init__(states)
        self._at = number

    def make(self, service: str, region: str) -> Any:
        client = fresh(service, region)
        self.take(client)
        return client

    def _strike(self, when: str, number: int) -> None:
        if (when, number) == ("before", self._at):
            run(self._states)


def test_two_executions_at_once_lose_nothing() -> None:
    """Whenever another execution archives in between, each closed execution is in the manifests exactly once."""
    calls = call_count(few())
    assert calls > 20
    for number in range(1, calls + 1):
        with emptied():
            found = few()
            run(found, Interrupted(found, number))
            assert archived() == closed(found), f"another execution before call {number} of {calls}"
            assert not any(manifest["breaks"] for manifest in manifests()), number


@pytest.mark.usefixtures("s3_and_ssm")
def test_a_new_day_begins_a_manifest_and_closes_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """The manifest of a day names that of the day before, which does not change any more; so does a full one."""
    found, now = StepFunctions(), time.time()
    yesterday = now - 86_400
    found.add(One("run-1", BEGAN, BEGAN + 10))
    with monkeypatch.context() as then:
        then.setattr(time, "time", lambda: yesterday)
        run(found)
    found.add(One("run-2", now - 60, now - 30))
    run(found)
    monkeypatch.setattr(archive_chain, "MOST_FILES", 1)
    found.add(One("run-3", now - 20, now - 10))
    run(found)
    assert archived() == closed(found)
    assert [manifest["closed"] for manifest in manifests()] == [True, True, False]
    keys = sorted(objects("manifests/"), key=archive.place)
    assert keys == [manifest_key(archive.day(yesterday), 1), manifest_key(TODAY, 1), manifest_key(TODAY, 2)]


@pytest.mark.usefixtures("s3_and_ssm")
def test_a_clock_that_is_behind_begins_no_older_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where another execution's clock was ahead at midnight, its closed manifest is followed by a newer one."""
    found = StepFunctions()
    found.add(One("run-1", BEGAN, BEGAN + 10))
    run(found)
    monkeypatch.setattr(archive_chain, "MOST_FILES", 1)
    now = time.time()
    found.add(One("run-2", now - 60, now - 30))
    monkeypatch.setattr(time, "time", lambda: now - 86_400)
    run(found)
    assert archived() == closed(found)
    assert sorted(objects("manifests/"), key=archive.place)[-1] == manifest_key(TODAY, 2)


@pytest.mark.usefixtures("s3_and_ssm")
def test_a_manifest_that_was_removed_is_noted_and_its_files_are_listed_again() -> None:
    """Archiving goes on after the newest manifest was removed, and the next one tells of it for good."""
    found = several()
    run(found)
    client: Any = ArchiveClients(found).s3(HOME)
    client.delete_object(Bucket=BUCKET, Key=manifest_key(TODAY, 1))
    run(found)
    (manifest,) = [json.loads(body) for body in objects("manifests/").values()]
    assert sorted((line["execution"], line["redrive_count"]) for line in manifest["files"]) == closed(found)
    assert [one["found"] for one in manifest["breaks"]] == [None]


def bucket() -> Any:
    return ArchiveClients(StepFunctions()).s3(HOME)


def alter(key: str, **changed: Any) -> None:
    """Put another manifest in the place of one."""
    bucket().put_object(Bucket=BUCKET, Key=key, Body=canonical({**json.loads(objects(key)[key]), **changed}))


@pytest.mark.usefixtures("s3_and_ssm")
def test_an_altered_manifest_is_not_believed() -> None:
    """Archiving goes on from the version that the head names, notes the break once, and tells of it."""
    found = several()
    run(found)
    key, (before,) = manifest_key(TODAY, 1), manifests()
    wrong = [{**line, "status": "WRONG"} for line in before["files"]]
    alter(key, files=wrong, since={"meridian-validate": time.time() + 1_000})
    found.add(One("run-late", time.time() - 60, time.time() - 30))
    reply, again = run(found), run(found)
    (after,) = manifests()
    assert archived() == closed(found)
    assert "WRONG" not in {line["status"] for line in listed()}
    assert [one["kept"]["key"] for one in after["breaks"]] == [key]
    assert (reply["breaks"], again["breaks"]) == (after["breaks"], [])


@pytest.mark.usefixtures("s3_and_ssm")
def test_a_break_is_noted_also_where_nothing_is_new() -> None:
    """An altered manifest is put right by the next run, whatever there is to archive."""
    found = few()
    run(found)
    alter(manifest_key(TODAY, 1), files=[])
    assert len(run(found)["breaks"]) == 1
    assert archived() == closed(found)


def test_killed_after_an_alteration_the_break_is_noted_all_the_same() -> None:
    """Whatever call the run dies at that meets the break, the good lines come back, and the break is told of."""
    for number in range(1, call_count(few()) + 10):
        with emptied():
            found = few()
            run(found)
            alter(manifest_key(TODAY, 1), files=[])
            doomed = ArchiveClients(found)
            doomed.kill("after", number)
            with contextlib.suppress(Killed):
                run(found, doomed)
            run(found)
            assert archived() == closed(found), number
            assert len(manifests()[-1]["breaks"]) == 1, number


@pytest.mark.usefixtures("s3_and_ssm")
def test_what_is_no_manifest_does_not_stop_the_archive() -> None:
    """Anything may lie in the newest manifest's place."""
    found = few()
    run(found)
    bucket().put_object(Bucket=BUCKET, Key=manifest_key(TODAY, 1), Body=b"no JSON")
    assert len(run(found)["breaks"]) == 1
    assert archived() == closed(found)


@pytest.mark.usefixtures("s3_and_ssm")
def test_a_manifest_that_somebody_added_is_not_believed() -> None:
    """One behind the newest claims in vain that all is archived, and stays where it is."""
    found = few()
    run(found)
    ahead = manifest_key("2999-01-01", 1)
    claims = {"date": "2999-01-01", "since": {"meridian-validate": time.time() + 1_000}}
    bucket().put_object(
        Bucket=BUCKET, Key=ahead, Body=canonical({**manifests()[0], **claims}), ContentType="application/json"
    )
    found.add(One("run-late", time.time() - 60, time.time() - 30))
    run(found)
    assert "run-late" in str(objects(manifest_key(TODAY, 1)))
    assert json.loads(objects(ahead)[ahead])["date"] == "2999-01-01"


@pytest.mark.usefixtures("s3_and_ssm")
def test_a_manifest_in_the_place_of_the_next_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where somebody put something at the key that comes next, the one after it is taken."""
    found = few()
    run(found)
    monkeypatch.setattr(archive_chain, "MOST_FILES", 1)
    bucket().put_object(Bucket=BUCKET, Key=manifest_key(TODAY, 2), Body=b"{}")
    found.add(One("run-late", time.time() - 60, time.time() - 30))
    run(found)
    assert "run-late" in str(objects(manifest_key(TODAY, 3)))


# ---------------------------------------------------------------------------------------------------------------- pace


def test_calls_stay_below_half_the_refill(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over all looks, each operation is called at less than half the rate that AWS refills."""
    monkeypatch.setattr(pace, "LOOK_SECONDS", 4)
    found = StepFunctions(page=40)
    found.add(*(One(f"run-{number}", BEGAN, BEGAN + number, version=f"{VALIDATE}:1") for number in range(90)))
    with emptied():
        aws = ArchiveClients(found)
        event: Any = {**dict(create_archive_bucket.run({}, aws)), **CONTEXT}
        waited, busy = 0, 0
        while True:
            reply = archive_executions.run(event, aws)
            if reply["status"] == "READY":
                break
            waited, busy = waited + reply["wait_seconds"], busy + 1
            event = {**event, "archived": reply}
        assert archived() == closed(found)
    assert busy >= 3
    for operation, count in Counter(found.calls).items():
        assert count - 2 * CALLS_A_SECOND[operation] * 4 <= CALLS_A_SECOND[operation] * waited, operation


@pytest.mark.usefixtures("s3_and_ssm")
def test_the_last_look_says_what_remains_and_the_next_execution_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """An execution ends with its last look, so that its history stays bounded; nothing is lost by that."""
    monkeypatch.setattr(module, "MOST_LOOKS", 3)
    monkeypatch.setattr(pace, "LOOK_SECONDS", 4)
    found = StepFunctions(page=30)
    found.add(*(One(f"run-{number}", BEGAN, BEGAN + number, version=f"{VALIDATE}:1") for number in range(60)))
    reply = run(found)
    assert (reply["looks"], reply["remaining"]) == (3, [VALIDATE])
    assert 0 < reply["files"] < 60
    assert run(found)["remaining"] == []
    assert archived() == closed(found)


@pytest.mark.usefixtures("s3_and_ssm")
def test_a_page_that_is_not_known_any_more_is_asked_for_from_the_start() -> None:
    """A redrive may come when the token of its page has expired: the list is begun again."""
    found = several()
    aws = ArchiveClients(found)
    event: Any = {**dict(create_archive_bucket.run({}, aws)), **CONTEXT}
    event["archived"] = {**START, "looks": 3, "remaining": [VALIDATE], "token": "expired"}
    assert archive_executions.run(event, aws)["files"] == 4


@pytest.mark.usefixtures("s3_and_ssm")
def test_memory_stays_flat() -> None:
    """A history of 50 MB is read and written in a tenth of that."""
    found = StepFunctions()
    one = One("long", BEGAN, BEGAN + 10, events=10_000)
    found.add(one)
    padding = "x" * 5_000
    history = one.history
    one.history = lambda: ({**event, "details": padding} for event in history())  # type: ignore[method-assign]  # this one only
    sizes = []

    class Sink(Store):
        def put(self, key: str, body: Any, sha256: bytes, content_type: str) -> None:  # noqa: ARG002  # Store's
            if not isinstance(body, bytes):
                sizes.append(body.seek(0, 2))

    clients = ArchiveClients(found)
    run(StepFunctions(), clients)
    paced = pace.Paced(clients.step_functions(HOME))
    store = Sink(clients.s3(HOME), BUCKET, ACCOUNT)
    tracemalloc.start()
    line = archive_files.archive(paced, store, archive_files.Definitions(store, paced), one.arn)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert line
    assert line["events"] == 10_000
    assert sizes[0] > 50_000_000
    assert peak < 8_000_000
