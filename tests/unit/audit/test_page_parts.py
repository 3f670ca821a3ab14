"""What the page is made of: its data, its latencies, its changes and facts, and the frame around them."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace

import pytest

from meridian.audit import words
from meridian.audit.histories.reading import read
from meridian.audit.model import KEPT_CHARACTERS, Audit, Outcome, Payload, Redrive, StartedBy, Starter
from meridian.audit.page import rendering as page
from meridian.audit.page import steps
from meridian.audit.page.changed import changes
from meridian.audit.page.facts import console, facts, figures
from meridian.audit.page.graphs import graphs
from meridian.audit.page.heatmap import SHADES, heatmap
from meridian.audit.page.keys import Keys
from meridian.audit.page.pretty import pretty
from tests.unit.audit.recordings import HISTORIES, Recorded
from tests.unit.audit.samples import (
    HOSTILE,
    Builder,
    change,
    failed,
    failed_validation,
    hostile,
    payload,
    provision,
    running,
    validation,
    validation_output,
)

SAMPLES = (provision, failed, running, failed_validation, hostile)


@pytest.mark.parametrize("sample", SAMPLES)
def test_policy_names_the_style_and_the_script(sample: object) -> None:
    """The policy's hashes are those of the one style and the one script that run; there is no style attribute."""
    html = page.render(sample())  # type: ignore[operator]  # typed as object
    [policy] = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)
    [style] = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    [script] = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    for text in (style, script):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode().replace("+", "&#43;")
        assert digest in policy.replace("+", "&#43;")
    assert "unsafe" not in policy
    assert " style=" not in html


@pytest.mark.parametrize("sample", SAMPLES)
def test_nothing_is_loaded(sample: object) -> None:
    """No part of the page names a file or an address to load."""
    html = page.render(sample())  # type: ignore[operator]  # typed as object
    outside = html[: html.index('<script type="application/json"')]
    assert not re.search(r"<(?:link|script|img|iframe|object|embed|use|image)[^>]*(?:src|href)=\"(?!#|data:,)", outside)
    assert not re.search(r"url\((?!#)|@import|@font-face", html)


def test_data_cannot_leave_its_block() -> None:
    """The block of JSON holds no character that could end it, and payloads read back as they were."""
    audit = hostile()
    html = page.render(audit)
    [block] = re.findall(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)
    assert not set("<>&'\u2028\u2029") & set(block)
    data = json.loads(block)
    assert any(step["name"] == words.plain(HOSTILE) for step in data["steps"])
    assert audit.steps[0].input.text in data["texts"]


def test_nothing_that_does_not_show_is_in_the_page() -> None:
    """But for inputs and outputs, the page holds neither escapes, nor their remnants, nor marks that turn lines."""
    html = page.render(hostile())
    outside = re.sub(r"<pre.*?</pre>", "", html[: html.index('<script type="application/json"')], flags=re.DOTALL)
    assert not set("\x1b\x07\x00\u202e") & set(outside)
    assert "[31m" not in outside


@pytest.mark.parametrize("story", sorted({path.name.rsplit("-", 2)[0] for path in HISTORIES.glob("*-0-*.jsonl")}))
def test_recorded_history_is_drawn(story: str) -> None:
    """What two interpreters recorded becomes a page that names each state that was entered."""
    recorded = Recorded(story)
    audit = read(recorded, recorded.first)
    html = page.render(audit)
    assert audit.steps
    assert all(step.name in html for one in audit.tree() for step in one.steps)


def test_half_a_character_is_shown_as_unknown() -> None:
    """JSON can spell half a surrogate pair; the page is UTF-8 all the same."""
    build = Builder("validate", "half", {"table": "orders"})
    build.task("Look", error="\ud800")
    assert page.render(build.end(Outcome.FAILED, error="\ud800", cause="\udfff")).encode()


def test_empty_audit_is_a_page() -> None:
    """An execution of which nothing but the ARN is known can be drawn."""
    assert "could not be read" in page.render(Audit(failed().arn, unread="AccessDeniedException: not yours"))


def test_texts_stand_once_and_fit() -> None:
    """A text that many steps pass on stands once; where there is no room, all are cut alike."""
    build = Builder("validate", "many", {"table": "orders"})
    for number in range(1_000):
        build.task("Look", input=payload("s" * 4_000), output=payload(f"{number}" + "x" * 4_000))
    audit = build.end()
    texts = steps.steps(audit, Keys(audit))["texts"]
    assert texts.count("s" * len(texts[2])) == 1
    assert sum(map(len, texts)) <= steps.ROOM
    assert min(map(len, texts[2:])) > 1_000


def test_step_tells_what_a_person_asks() -> None:
    """A step's row names state, Region, times and retries; what is empty is left out."""
    audit = failed()
    rows = steps.steps(audit, Keys(audit))["steps"]
    lost = next(row for row in rows if row["name"] == "CreateStream" and row["outcome"] == "FAILED")
    assert (lost["region"], lost["retries"], lost["place"], lost["tried"]) == ("eu-west-1", 5, "ReplicaAndStream 1", 6)
    assert [attempt[3] for attempt in lost["attempts"]] == ["LimitExceededException"] * 6
    assert "output" not in lost


def test_stays_of_a_loop_have_one_key() -> None:
    """Every stay of a wait loop points at the loop's one line."""
    audit = provision()
    keys = Keys(audit)
    stays = [step for step in audit.steps if step.task == "CreateTable"]
    assert len(stays) > 3
    assert len({keys.of(audit, step) for step in stays}) == 1


@pytest.mark.parametrize(
    ("text", "laid_out"),
    [
        (
            '{"a":1.50,"b":[],"c":[1,{"d":"x{"}]}',
            '{\n  "a": 1.50,\n  "b": [],\n  "c": [\n    1,\n    {\n      "d": "x{"\n    }\n  ]\n}',
        ),
        ('[123456789012345678901234567890,"cut o', '[\n  123456789012345678901234567890,\n  "cut o'),
        ("plain words, not JSON", "plain words, not JSON"),
        ("", ""),
    ],
)
def test_json_is_laid_out_as_written(text: str, laid_out: str) -> None:
    """Numbers keep their digits, a text that is cut off is laid out too, and other texts stay as they are."""
    assert pretty(text) == laid_out


def test_deep_json_does_not_grow_without_bound() -> None:
    """A thousand brackets in each other make a thousand lines, not a million spaces."""
    assert len(pretty("[" * KEPT_CHARACTERS)) < 60 * KEPT_CHARACTERS


def test_latencies_have_shades_by_their_ratio() -> None:
    """The fastest pair has the first shade, the slowest the last, and a Region's own is empty."""
    found = heatmap(provision())
    assert found is not None
    cells = {cell.milliseconds: cell for matrix in found.matrices for row in matrix.rows.values() for cell in row}
    assert (found.fastest, found.slowest, found.passed, found.failed) == (550, 850, 18, [])
    assert cells[550].shade == 0
    assert cells[850].shade > cells[550].shade  # type: ignore[operator]  # typed as object
    assert cells[None].own


def test_equal_latencies_have_one_shade() -> None:
    """Where all Regions are as fast, noise of some milliseconds is not painted as a difference."""
    output = validation_output()
    for number, check in enumerate(output["checks"]):
        check["latency_ms"] = 310 + number
    found = heatmap(Audit(failed().arn, output=payload(output)))
    assert found is not None
    assert {cell.shade for matrix in found.matrices for row in matrix.rows.values() for cell in row} == {None, 0}


def test_slowest_of_far_apart_has_the_last_shade() -> None:
    """The scale ends where the slowest is."""
    output = validation_output()
    output["checks"][0]["latency_ms"] = 90_000
    found = heatmap(Audit(failed().arn, output=payload(output)))
    assert found is not None
    assert max(cell.shade or 0 for cell in found.matrices[0].rows["us-east-1"]) == SHADES - 1


def test_validation_that_failed_is_drawn_from_its_verdict() -> None:
    """Where the execution has no output, Summarize's tells which pair was not seen."""
    output = validation_output()
    output["checks"][0] |= {"passed": False, "latency_ms": None}
    audit = failed_validation()
    audit.steps[-1].output = payload(output)
    found = heatmap(audit)
    assert found is not None
    assert [check["origin"] for check in found.failed] == ["us-east-1"]
    assert found.matrices[0].rows["us-east-1"][1].milliseconds is None


def test_verdict_that_was_cut_off_shows_what_is_left() -> None:
    """An output that ends in the middle still gives the checks before its end."""
    whole = json.dumps(validation_output())
    found = heatmap(Audit(failed().arn, output=Payload(whole[:1_000], len(whole))))
    assert found is not None
    assert 0 < found.passed < 18


@pytest.mark.parametrize(
    "output",
    [
        *("", "{", '{"check": 1}', '{"check":"put","origin":[],"reader":null}', '{"checks":"no"}'),
        *(
            f'{{"check":"put","origin":"a","reader":"b","latency_ms":{latency},"passed":true}}'
            for latency in ("NaN", "Infinity", "1e400", "9" * 400, "-5")
        ),
    ],
)
def test_other_outputs_have_no_latencies(output: str) -> None:
    """What is no validation has no heat map, whatever it looks like."""
    assert heatmap(Audit(failed().arn, output=payload(output))) is None


def test_thousands_of_regions_make_no_page_of_millions_of_cells() -> None:
    """Whoever fills an output with Regions and checks that do not exist gets a table of bounded size."""
    checks = [
        {"check": name, "origin": f"r{number}", "reader": f"s{number}", "latency_ms": 5, "passed": True}
        for number in range(2_000)
        for name in ("put", f"check{number}")
    ]
    found = heatmap(Audit(failed().arn, output=payload({"checks": checks})))
    assert found is not None
    assert sum(len(row) for matrix in found.matrices for row in matrix.rows.values()) <= 2_500
    assert len(found.own) <= 12


@pytest.mark.parametrize(
    ("operation", "known"),
    [
        ("CreateTable", "created"),
        ("UpdateTable", "changed"),
        ("DeleteStream", "deleted"),
        ("PutItem", "item put into"),
        ("DeleteItem", "item deleted from"),
        ("DeleteObjects", "objects deleted from"),
    ],
)
def test_operations_create_change_or_delete(operation: str, known: str) -> None:
    """AWS's own verbs tell what a call did, and whether to the resource or to what is in it."""
    assert words.verb(operation) == known


def test_changes_of_children_count() -> None:
    """What children did belongs to what the execution did."""
    audit = provision()
    found = changes(audit, Keys(audit))
    assert {"CreateTable", "UpdateTable", "CreateStream", "CreateStack"} <= {row.operation for row in found.rows}
    assert found.sentence.startswith(f"{len(found.rows)} calls: ")


def test_changes_of_items_are_counted_apart() -> None:
    """Who reads that something was deleted shall not fear for the table."""
    build = Builder("validate", "run", {"table": "orders"})
    operations = ("CreateStack", "PutItem", "PutItem", "DeleteItem", "DeleteStream", "UpdateItem")
    build.task("WriteProbes", changes=[change(operation, "us-east-1") for operation in operations])
    audit = build.end()
    found = changes(audit, Keys(audit))
    assert found.sentence == "6 calls: 1 created, 1 deleted; items: 2 put, 1 updated, 1 deleted."
    assert '<span class="verb ">item deleted from</span>' in page.render(audit)


def test_facts_name_what_identifies_the_execution() -> None:
    """Workflow, table, who, when, version, alias and redrives; and events that this version does not know."""
    audit = replace(
        running(),
        alias_arn="arn:aws:states:us-east-1:123456789012:stateMachine:meridian-validate:scheduled",
        starter=Starter(StartedBy.SCHEDULE, "arn:x", principal="arn:aws:iam::1:user/ann", agent="aws-cli"),
        redrives=[Redrive(1_795_262_405.0, 1)],
        unknown={"SomethingNew": 2},
    )
    told = {fact.name: fact.value for fact in facts(audit)}
    assert told["Table"] == "orders"
    assert told["Started by"] == "schedule, arn:aws:iam::1:user/ann with aws-cli"
    assert told["Alias"] == "scheduled"
    assert told["Redrive 1"] == "2026-11-21 12:00:05Z"
    assert told["Unknown to this version"] == "2 events of type SomethingNew"


def test_figures_are_of_the_whole_tree() -> None:
    """Executions, transitions and changes are counted with those of children."""
    told = {figure.name: figure.value for figure in figures(provision())}
    assert told["Executions"] == "8"
    assert int(told["Changes"]) == 18
    assert figures(validation()) != figures(provision())


@pytest.mark.parametrize(
    ("arn", "host"),
    [
        ("arn:aws:states:eu-west-1:1:execution:m:n", "https://eu-west-1.console.aws.amazon.com/"),
        ("arn:aws-cn:states:cn-north-1:1:execution:m:n", "https://cn-north-1.console.amazonaws.cn/"),
    ],
)
def test_console_is_that_of_the_partition(arn: str, host: str) -> None:
    """The link leads to the console of the execution's own partition and Region."""
    assert console(Audit(arn)).startswith(host)


@pytest.mark.parametrize(
    "arn", ["arn:aws:states:evil.example/#:1:execution:m:n", "arn:moon:states:us-east-1:1:execution:m:n"]
)
def test_no_link_to_an_address_that_a_name_made_up(arn: str) -> None:
    """An ARN that is none gives no link."""
    assert console(Audit(arn)) == ""


def test_graphs_show_the_failed_child() -> None:
    """Of the executions of one workflow the one that failed is drawn, not the first or one stopped by it."""
    drawn = graphs(failed(), "step-")
    assert [(one.label, one.alike) for one in drawn][:2] == [("provision", 1), ("add-region eu-west-1", 3)]
