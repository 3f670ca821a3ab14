"""The archive: read from it what Step Functions has forgotten, and prove that it is what was archived."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from meridian.audit.archives.archive import Archive, ArchiveAltered, Verified, verify
from meridian.audit.model import Outcome
from meridian.audit.source import ExecutionUnknown
from tasks.archive_executions import archive_executions
from tasks.create_archive_bucket import create_archive_bucket
from tasks.shared import names
from tasks.shared.archive import break_id, definition_key, place
from tests.unit.tasks.executions import BUCKET, ArchiveClients, One, StepFunctions, execution_arn, machine_arn
from tests.unit.tasks.fakes import ACCOUNT, emptied
from tests.unit.tasks.scenarios import ENVIRONMENT, HOME
from tests.unit.tasks.test_archive_executions import run

if TYPE_CHECKING:
    from collections.abc import Iterator

DAY = 86_400
NOW = time.time()
# Each is archived on a day of its own, and the last two on the last of these.
ONES = (
    One("run-1", NOW - 3 * DAY - 300, NOW - 3 * DAY - 200, events=4),
    One("run-2", NOW - 2 * DAY - 300, NOW - 2 * DAY - 200, status="FAILED"),
    One("run-3", NOW - 300, NOW - 200),
    One("run-4", NOW - 100, NOW - 50, machine="meridian-archive", input="{}"),
)
ARCHIVED = (3 * DAY, 2 * DAY, 0, 0)


class S3:
    """The bucket in whoever's hands."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def listed(self, prefix: str = "") -> list[str]:
        found = self.client.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
        return [one["Key"] for one in found]

    def manifests(self) -> list[str]:
        return sorted(self.listed("manifests/"), key=place)

    def file(self, name: str) -> str:
        (key,) = [key for key in self.listed("executions/") if f"/{name}" in key]
        return key

    def read(self, key: str, version: str = "") -> bytes:
        of_version = {"VersionId": version} if version else {}
        content: bytes = self.client.get_object(Bucket=BUCKET, Key=key, **of_version)["Body"].read()
        return content

    def put(self, key: str, content: bytes) -> None:
        self.client.put_object(Bucket=BUCKET, Key=key, Body=content)

    def remove(self, key: str) -> None:
        self.client.delete_object(Bucket=BUCKET, Key=key)

    def erase(self, key: str) -> None:
        """Every version of it."""
        for one in self.client.list_object_versions(Bucket=BUCKET, Prefix=key).get("Versions", []):
            self.client.delete_object(Bucket=BUCKET, Key=key, VersionId=one["VersionId"])


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3]:
    """An archive of four executions in three manifests, the last of which was written twice."""
    for name, value in {**ENVIRONMENT, "AWS_REGION": HOME}.items():
        monkeypatch.setenv(name, value)
    with emptied():
        found = StepFunctions(["meridian-validate", "meridian-archive"])
        clients = ArchiveClients(found)
        event: Any = create_archive_bucket.run({}, clients)
        event["archived"] = {**event["archived"], "looks": 1, "remaining": [machine_arn(one) for one in found.ours]}
        for one, ago in zip(ONES, ARCHIVED, strict=True):
            found.add(one)
            with monkeypatch.context() as then:
                then.setattr(time, "time", lambda ago=ago: NOW - ago)
                archive_executions.run(event, clients)
        yield S3(clients.s3(HOME))


def session() -> Any:
    clients = ArchiveClients(StepFunctions())
    return SimpleNamespace(account=ACCOUNT, home=HOME, s3=clients.s3, ssm=clients.ssm)


def verified() -> Verified:
    return verify(session(), sleep=lambda _: None)


# ------------------------------------------------------------------------------------------------------------- reading


@pytest.mark.usefixtures("s3")
def test_an_execution_is_described_as_it_was() -> None:
    """What DescribeExecution said comes back, with times as seconds."""
    described = Archive(session()).describe(execution_arn("run-2"))
    assert (described["status"], described["input"]) == ("FAILED", '{"table": "orders"}')
    assert described["stopDate"] == round(NOW - 2 * DAY - 200, 3)


@pytest.mark.usefixtures("s3")
def test_its_events_come_as_awss_json() -> None:
    """Every event, the oldest first, with its timestamp in seconds."""
    events = list(Archive(session()).events(execution_arn("run-1")))
    assert [event["id"] for event in events] == [1, 2, 3, 4]
    assert events[0]["timestamp"] == pytest.approx(ONES[0].started + 0.001, abs=0.001)


@pytest.mark.usefixtures("s3")
def test_its_definition_comes_back() -> None:
    """The definition that it ran, also where its machine is gone."""
    assert Archive(session()).definition(execution_arn("run-1")) == {"StartAt": "A"}


@pytest.mark.usefixtures("s3")
def test_executions_of_a_workflow_are_listed_the_newest_first() -> None:
    """Those of one workflow since a moment, with their table and where they lie."""
    archive = Archive(session())
    assert [one.arn for one in archive.executions("validate", NOW - 2.5 * DAY)] == [
        execution_arn("run-3"),
        execution_arn("run-2"),
    ]
    (oldest,) = list(archive.executions("validate", 0))[2:]
    assert (oldest.status, oldest.table) == (Outcome.SUCCEEDED, "orders")
    assert oldest.source.startswith(f"s3://{BUCKET}/executions/date=")


def test_a_redriven_execution_is_what_it_became(s3: S3) -> None:
    """Of an execution that was archived twice, the later end is read."""
    found = StepFunctions()
    found.add(One("run-2", NOW - 2 * DAY - 300, NOW - 10, redrives=1))
    run(found)
    archive = Archive(session())
    assert archive.describe(execution_arn("run-2"))["redriveCount"] == 1
    assert [one.redrive_count for one in archive.executions("validate", 0) if one.arn.endswith("run-2")] == [1]
    assert len([key for key in s3.listed() if "run-2" in key]) == 2


@pytest.mark.usefixtures("s3")
def test_what_is_not_archived_is_not_known() -> None:
    """Another source may know it."""
    with pytest.raises(ExecutionUnknown):
        Archive(session()).describe(execution_arn("never"))


def test_without_an_archive_nothing_is_known() -> None:
    """No bucket is no error."""
    with emptied():
        archive = Archive(session())
        with pytest.raises(ExecutionUnknown):
            archive.describe(execution_arn("run-1"))
        with pytest.raises(ExecutionUnknown):
            list(archive.executions("validate", 0))


def test_an_altered_file_is_not_believed(s3: S3) -> None:
    """Reading says so with the version that is right, before anybody takes the events for true."""
    key = s3.file("run-1")
    right = s3.client.head_object(Bucket=BUCKET, Key=key)["VersionId"]
    s3.put(key, s3.read(key).replace(b"PassStateEntered", b"PassStateEnterex"))
    with pytest.raises(ArchiveAltered) as raised:
        list(Archive(session()).events(execution_arn("run-1")))
    assert f"Its version {right} is what was archived: restore that." in str(raised.value)
    assert s3.read(key, right).count(b"PassStateEntered") == 4


@pytest.mark.parametrize("content", [b"", b"[]\n", b'{"record": "execution"'], ids=["empty", "list", "torn"])
def test_a_file_that_is_none_is_said(content: bytes, s3: S3) -> None:
    """Whatever somebody put in the place of a file, reading ends with one sentence."""
    s3.put(s3.file("run-1"), content)
    with pytest.raises(ArchiveAltered):
        Archive(session()).describe(execution_arn("run-1"))


def test_a_removed_file_is_said(s3: S3) -> None:
    """A file that is listed and gone is no execution that never was."""
    s3.remove(s3.file("run-1"))
    with pytest.raises(ArchiveAltered, match="is what was archived: restore that"):
        Archive(session()).describe(execution_arn("run-1"))


# ----------------------------------------------------------------------------------------------------------- verifying


@pytest.mark.usefixtures("s3")
def test_an_archive_as_it_was_written_is_verified() -> None:
    """All is counted, nothing is wrong, and days without anything archived are noted."""
    found = verified()
    assert found.problems == []
    assert (found.manifests, found.files, found.definitions) == (3, 4, 1)
    assert found.bytes > 0
    assert len(found.notes) == 1


def problems_after(change: Any) -> list[str]:
    change()
    return verified().problems


def test_one_altered_byte_is_found(s3: S3) -> None:
    """The file is named, and the version to restore."""
    key = s3.file("run-1")
    right = s3.client.head_object(Bucket=BUCKET, Key=key)["VersionId"]
    (problem,) = problems_after(lambda: s3.put(key, s3.read(key)[:-2] + b" \n"))
    assert problem == f"{key} was altered. Its version {right} is what was archived: restore that."


def test_an_altered_definition_is_found(s3: S3) -> None:
    """A definition's key is its hash."""
    (key,) = s3.listed("definitions/")
    (problem,) = problems_after(lambda: s3.put(key, b"{}"))
    assert problem.startswith(f"{key} was altered.")


def test_a_removed_file_is_found(s3: S3) -> None:
    """With all its versions gone, nothing can be restored, and that is said."""
    key = s3.file("run-2")
    (problem,) = problems_after(lambda: s3.erase(key))
    assert problem == f"{key} was removed. No version of it that is still in the bucket is what was archived."


def test_a_foreign_file_is_found(s3: S3) -> None:
    """An execution that never was is in no manifest."""
    (problem,) = problems_after(lambda: s3.put("executions/date=2026-01-01/machine=meridian-cleanup/x.jsonl", b"{}"))
    assert problem.startswith("executions/date=2026-01-01/machine=meridian-cleanup/x.jsonl is in no manifest")


@pytest.mark.parametrize("number", [0, 1, 2], ids=["first", "middle", "newest"])
def test_a_removed_manifest_is_found(number: int, s3: S3) -> None:
    """Also the newest, which no other names; what lies before it is checked from the version that is left."""
    key = s3.manifests()[number]
    (problem,) = problems_after(lambda: s3.remove(key))
    assert problem.startswith(f"{key} was removed. Its version ")
    assert verified().files == 4


def test_a_manifest_of_which_nothing_is_left_is_found(s3: S3) -> None:
    """What lies before it is checked as it is, and what it listed is in no manifest any more."""
    key = s3.manifests()[1]
    problems = problems_after(lambda: s3.erase(key))
    assert problems[0] == f"{key} was removed. No version of it that is still in the bucket is what was archived."
    assert problems[1].startswith(f"Nothing proves {s3.manifests()[0]} and the manifests before it")
    assert [problem.split()[0] for problem in problems[2:]] == [s3.file("run-2")]


def test_an_erased_newest_manifest_is_found(s3: S3) -> None:
    """The parameter still names it."""
    key = s3.manifests()[-1]
    problems = problems_after(lambda: s3.erase(key))
    assert problems[0].startswith(f"The SSM parameter {names.ARCHIVE_HEAD} names {key} as the newest manifest, and no ")


def test_a_manifest_that_was_rolled_back_is_found(s3: S3) -> None:
    """An older version of the newest manifest, put in its place, hides what was archived since."""
    key = s3.manifests()[-1]
    found = s3.client.list_object_versions(Bucket=BUCKET, Prefix=key)["Versions"]
    older = sorted(found, key=lambda one: len(s3.read(key, one["VersionId"])))[0]["VersionId"]
    (problem,) = problems_after(lambda: s3.put(key, s3.read(key, older)))
    assert problem.startswith(f"{key} was altered. Its version ")


def test_swapped_manifests_are_found(s3: S3) -> None:
    """Each is what it should be, in another's place."""
    first, second, _ = s3.manifests()
    contents = s3.read(first), s3.read(second)
    s3.put(first, contents[1])
    problems = problems_after(lambda: s3.put(second, contents[0]))
    assert [problem.split()[0] for problem in problems] == [second, first]


def test_a_line_that_was_taken_out_is_found(s3: S3) -> None:
    """A manifest without one of its files, and the file gone with it, is not what the next one names."""
    key = s3.manifests()[0]
    manifest = json.loads(s3.read(key))
    s3.erase(s3.file("run-1"))
    problems = problems_after(lambda: s3.put(key, json.dumps({**manifest, "files": []}).encode()))
    assert problems[0].startswith(f"{key} was altered. Its version ")
    assert "run-1.jsonl was removed" in problems[1]


def test_a_foreign_manifest_is_found(s3: S3) -> None:
    """One that is not in the chain, before it or after it."""
    (before,) = problems_after(lambda: s3.put("manifests/2026-01-01.json", b"{}"))
    assert before.startswith("manifests/2026-01-01.json is a manifest that no other names: it was added, or put back.")
    s3.erase("manifests/2026-01-01.json")
    after = problems_after(lambda: s3.put("manifests/2999-01-01.json", b"{}"))
    assert any(problem.startswith("manifests/2999-01-01.json is ") for problem in after)
    assert verified().files == 4


def test_a_missing_head_is_found(s3: S3) -> None:
    """Without the parameter the newest manifest could have been removed unseen."""
    session().ssm(HOME).delete_parameter(Name=names.ARCHIVE_HEAD)
    (problem,) = verified().problems
    assert problem.startswith(f"The SSM parameter {names.ARCHIVE_HEAD} is gone")
    assert s3.manifests()


@pytest.mark.parametrize("value", ["nonsense", "{}", "[1]"])
def test_a_spoiled_head_is_found(value: str, s3: S3) -> None:
    """Whatever the parameter says instead, it is one sentence, and all else is checked."""
    session().ssm(HOME).put_parameter(Name=names.ARCHIVE_HEAD, Value=value, Overwrite=True)
    (problem,) = verified().problems
    assert problem.startswith(f"The SSM parameter {names.ARCHIVE_HEAD} names nothing as the newest manifest")
    assert verified().manifests == len(s3.manifests())


def test_a_removed_newest_manifest_is_told_of_for_good(s3: S3) -> None:
    """The archive goes on, and its next manifest says what it found; so the gap does not close over it."""
    newest = s3.manifests()[-1]
    s3.erase(newest)
    found = StepFunctions(["meridian-validate"])
    found.add(One("run-5", NOW - 40, NOW - 30))
    run(found)
    problems = verified().problems
    assert any("which nothing proves" in problem for problem in problems)


def alter_and_archive(s3: S3) -> tuple[str, str]:
    """Alter the newest manifest and archive again; the manifest's key, and the version that was good."""
    newest = s3.manifests()[-1]
    good = s3.client.head_object(Bucket=BUCKET, Key=newest)["VersionId"]
    s3.put(newest, s3.read(newest).replace(b"SUCCEEDED", b"WRONG"))
    run(StepFunctions(["meridian-validate"]))
    return newest, good


def test_a_break_names_what_was_good(s3: S3) -> None:
    """Both contents by their SHA-256, the good version, and what to do."""
    newest, good = alter_and_archive(s3)
    (problem,) = verified().problems
    (broken,) = json.loads(s3.read(newest))["breaks"]
    assert problem.startswith(f"{newest} tells of the break {break_id(broken)}: ")
    assert broken["head"]["sha256"] in problem
    assert broken["found"]["sha256"] in problem
    assert f"went on from its version {good}." in problem
    assert f"put-parameter --name {names.ARCHIVE_ACKNOWLEDGED}" in problem


def test_a_break_that_was_acknowledged_is_a_note(s3: S3) -> None:
    """It is told of, and nothing is wrong any more; another break is."""
    newest, _ = alter_and_archive(s3)
    (broken,) = json.loads(s3.read(newest))["breaks"]
    session().ssm(HOME).put_parameter(
        Name=names.ARCHIVE_ACKNOWLEDGED, Type="String", Value=f"0123456789ab {break_id(broken)}"
    )
    found = verified()
    assert found.problems == []
    assert any("It was acknowledged" in note for note in found.notes)
    alter_and_archive(s3)
    assert len(verified().problems) == 1


def test_a_bucket_that_is_gone_is_found(s3: S3) -> None:
    """The parameter tells that there was one."""
    for key in s3.listed():
        s3.erase(key)
    s3.client.delete_bucket(Bucket=BUCKET)
    assert verified().problems == [f"The bucket {BUCKET} is gone, and everything that was archived with it."]


def test_where_nothing_is_archived_nothing_is_proven() -> None:
    """Whoever asks in the wrong Region must not be told that all is well."""
    with emptied():
        found = verified()
    (problem,) = found.problems
    assert problem.startswith(f"Nothing is archived in {HOME}: there is no bucket {BUCKET}.")


@pytest.mark.usefixtures("s3")
def test_a_manifest_that_is_just_being_written_is_no_problem() -> None:
    """Where the head and the newest manifest do not fit, it is looked again before anything is said."""
    clients = session()
    ssm = clients.ssm(HOME)
    said = ssm.get_parameter(Name=names.ARCHIVE_HEAD)["Parameter"]["Value"]
    ssm.put_parameter(
        Name=names.ARCHIVE_HEAD, Value=json.dumps({**json.loads(said), "sha256": "0" * 64}), Overwrite=True
    )

    def meanwhile(_: float) -> None:
        ssm.put_parameter(Name=names.ARCHIVE_HEAD, Value=said, Overwrite=True)

    assert verify(clients, sleep=meanwhile).problems == []


def test_definitions_are_where_they_are_looked_for(s3: S3) -> None:
    """The key of a definition is its SHA-256."""
    (key,) = s3.listed("definitions/")
    assert key == definition_key(key.removeprefix("definitions/").removesuffix(".json"))


# ------------------------------------------------------------------------------------------------------------- by hand

PAGE = Path(__file__).parents[3] / "docs" / "archive.md"
BY_HAND = re.findall(r"^    (line=.*|.*sha256sum -c.*|comm .*)$", PAGE.read_text(), re.MULTILINE)
FROM_SSM = "aws ssm get-parameter --name /meridian-archive/head --query Parameter.Value --output text"


def by_hand(place: Path) -> subprocess.CompletedProcess[str]:
    """Run what the handbook says, with the parameter's value in a file."""
    script = "\n".join(["set -eo pipefail", *BY_HAND]).replace(FROM_SSM, "cat head.json")
    return subprocess.run(["bash", "-c", script], cwd=place, capture_output=True, text=True, check=False)  # noqa: S603, S607  # our own page


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed")
def test_the_handbook_verifies_by_hand(s3: S3, tmp_path: Path) -> None:
    """The commands in docs/archive.md agree with an archive as it is, and find what does not belong to it."""
    assert len(BY_HAND) == 6
    for key in s3.listed():
        (tmp_path / key).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / key).write_bytes(s3.read(key))
    said = session().ssm(HOME).get_parameter(Name=names.ARCHIVE_HEAD)["Parameter"]["Value"]
    (tmp_path / "head.json").write_text(said)
    right = by_hand(tmp_path)
    assert (right.returncode, "FAILED" in right.stdout) == (0, False), right.stderr
    assert "executions" not in right.stdout.splitlines()[-1]
    (tmp_path / s3.file("run-1")).write_bytes(b"{}")
    assert "run-1.jsonl: FAILED" in by_hand(tmp_path).stdout
