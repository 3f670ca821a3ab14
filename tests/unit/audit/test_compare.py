"""What differs between two executions."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from meridian.audit.aligned import stays
from meridian.audit.compare import Difference, Pair, compare
from meridian.audit.model import Audit, Outcome
from meridian.audit.terminal import differences
from tests.unit.audit import samples
from tests.unit.audit.samples import START, Builder, payload


def printed(found: Difference, width: int = 160) -> str:
    file = io.StringIO()
    differences.show_difference(Console(file=file, width=width), found)
    return file.getvalue()


def one_task(seconds: float, **more: object) -> Audit:
    build = Builder("validate", "run", {"table": "orders"})
    build.task("Look", seconds, **more)  # type: ignore[arg-type]  # of several types
    return build.end()


class TestPlaces:
    def test_map_by_region(self) -> None:
        """An item is told by its Region, whatever its number, and a child's steps lie inside its step."""
        found = stays(samples.provision())
        assert ("EachRegion", "eu-west-1", "AddRegion", "ReplicaAndStream", "AddReplica") in found

    def test_map_without_regions(self) -> None:
        """Items that have no Region of their own are told by their number."""
        build = Builder("x", "run", {})
        container = build.enter("Map", "Each")
        for index in range(2):
            build.inside(container, index, "eu-west-1").task("Do")
        assert [path for path in stays(build.end()) if len(path) > 1] == [
            ("Each", "item 0", "Do"),
            ("Each", "item 1", "Do"),
        ]

    def test_loop(self) -> None:
        """The turns of a wait loop are one step from the first to the last."""
        stay = stays(samples.validation(turns=5))["ReadProbes",]
        assert stay.seconds is not None
        assert round(stay.seconds, 1) == 5 * (0.4 + 2) + 0.4


class TestCompare:
    def test_same(self) -> None:
        """Two runs of the same do not differ."""
        found = compare(samples.provision(), samples.provision("other"))
        assert found.none
        assert "Nothing differs." in printed(found)

    def test_noise(self) -> None:
        """Durations that differ by less than a second, or by less than a fifth, are taken as the same."""
        assert compare(one_task(0.4), one_task(1.3)).none
        assert compare(one_task(100.0), one_task(119.0)).none
        assert not compare(one_task(100.0), one_task(130.0)).none

    def test_noise_is_stated(self) -> None:
        """Whoever reads the differences is told what is taken as none."""
        assert "Times that differ by less than 1 s or 20% are taken as the same." in printed(
            compare(one_task(1), one_task(9))
        )

    def test_durations(self) -> None:
        """A slower loop is told where it is, in both times."""
        found = compare(samples.provision(), samples.provision(turns=12))
        (slow,) = (
            one for one in found.steps if one.path[1:2] == ("eu-west-1",) and one.path[-1].startswith("Describe")
        )
        assert slow.differing == [Pair("duration", "42 s", "2 min 5 s")]
        assert Pair("duration", "1 min 36 s", "2 min 59 s") in found.whole

    def test_retries_and_outcomes(self) -> None:
        """A step that failed, and how often it was tried again, is told against what it did before."""
        found = compare(samples.provision(), samples.failed())
        stream = next(one for one in found.steps if one.path[-1] == "CreateStream")
        assert Pair("outcome", "SUCCEEDED", "FAILED LimitExceededException") in stream.differing
        assert Pair("retries", "0", "5") in stream.differing
        assert Pair("outcome", "SUCCEEDED", "FAILED LimitExceededException") in found.whole

    def test_steps_of_one_alone(self) -> None:
        """Steps that only one has are told once, at the outermost."""
        found = compare(samples.provision(), samples.failed())
        assert ("Validate",) in found.only_before
        assert ("Validate", "ReadProbes") not in found.only_before
        assert ("EachRegion", "ap-southeast-1", "AddRegion", "AddReplica") in found.only_after

    def test_inputs(self) -> None:
        """Inputs are compared member by member, down to the leaves."""
        before, after = samples.validation(), samples.validation()
        before.input = payload({"table": "orders", "kinesis": {"shard_count": 1}, "regions": ["a", "b"]})
        after.input = payload({"table": "orders", "kinesis": {"shard_count": 2}, "regions": ["a"], "tags": {}})
        assert compare(before, after).inputs == [
            Pair("kinesis.shard_count", "1", "2"),
            Pair("regions[1]", "b", None),
            Pair("tags", None, "{}"),
        ]

    def test_versions(self) -> None:
        """Another version of the state machine is a difference."""
        after = samples.validation()
        after.version_arn = after.version_arn.replace(":4", ":5")
        assert compare(samples.validation(), after).whole == [Pair("version", "4", "5")]

    def test_latencies(self) -> None:
        """Of two validations the latencies are compared, pair of Regions by pair."""
        found = compare(samples.validation(), samples.validation(slower=700))
        assert len(found.latencies) == 6
        assert found.latencies[0] == Pair("us-east-1 > eu-west-1", "550 ms", "1,250 ms")
        assert compare(samples.validation(), samples.validation(slower=150)).none

    def test_latency_that_was_not_seen(self) -> None:
        """A write that was not seen any more is told as that."""
        after = samples.validation()
        output = samples.validation_output()
        for check in output["checks"]:
            if (check["origin"], check["reader"]) == ("us-east-1", "eu-west-1"):
                check |= {"passed": False, "latency_ms": None}
        after.output = payload(output)
        assert compare(samples.validation(), after).latencies == [Pair("us-east-1 > eu-west-1", "550 ms", "not seen")]

    def test_running(self) -> None:
        """What still runs has no duration yet, and that is a difference."""
        build = Builder("validate", "run", {"table": "orders"}, start=START)
        build.enter("Task", "Look")
        found = compare(one_task(5.0), build.end(Outcome.RUNNING))
        assert Pair("duration", "5 s", "-") in found.steps[0].differing


class TestShown:
    def test_printed(self) -> None:
        """Both verdicts come first, then what differs, before and after."""
        text = printed(compare(samples.provision(), samples.failed()))
        lines = text.splitlines()
        assert lines[0].startswith("before: provision of orders succeeded")
        assert lines[2].startswith("after: provision of orders failed after 1 min 23 s in add-region eu-west-1")
        assert "EachRegion > eu-west-1 > AddRegion > ReplicaAndStream > CreateStream" in text
        assert "steps of the first alone" in text

    @pytest.mark.parametrize("width", [60, 80, 120, 160])
    def test_nothing_is_lost(self, width: int) -> None:
        """However narrow the terminal, each step that differs has its whole place and both its sides."""
        text = printed(compare(samples.provision(), samples.failed()), width)
        assert "…" not in text
        assert "EachRegion > eu-west-1 > AddRegion > ReplicaAndStream > CreateStream" in text
        assert text.count("FAILED LimitExceededException") == 2

    def test_json(self) -> None:
        """As JSON, with the paths as lists."""
        found = json.loads(json.dumps(differences.difference_as_json(compare(samples.provision(), samples.failed()))))
        assert found["differs"] is True
        assert ["Validate"] in found["only_before"]
        assert found["steps"][0]["differing"][0].keys() == {"name", "before", "after"}

    def test_hostile(self) -> None:
        """No text of an execution acts on the terminal."""
        text = printed(compare(samples.hostile(), samples.validation()))
        assert not set(text) & set("\x1b\x07\x00\u202e")
