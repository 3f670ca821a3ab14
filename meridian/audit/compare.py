"""What differs between two executions: steps, durations, retries, inputs, outcomes, versions, latencies.

Steps are aligned by their places (meridian/audit/aligned.py), down into children.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from meridian.audit import cost, words
from meridian.audit.aligned import stays
from meridian.audit.model import Outcome
from meridian.audit.page.heatmap import heatmap
from meridian.audit.verdict import verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from meridian.audit.aligned import Path, Stay
    from meridian.audit.model import Audit

# What two runs of the same differ by without any meaning.
NOISE_SECONDS, NOISE_SHARE = 1.0, 0.2
NOISE_MILLISECONDS = 200
NOISE = f"Times that differ by less than {NOISE_SECONDS:g} s or {NOISE_SHARE:.0%} are taken as the same"


@dataclass(frozen=True)
class Pair:
    """A member that differs, in words; None where one side lacks it."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class StepDifference:
    path: Path
    differing: list[Pair]


@dataclass
class Difference:
    """``only_before`` and ``only_after`` are the outermost steps that one execution alone has."""

    before: Audit
    after: Audit
    whole: list[Pair] = field(default_factory=list)
    inputs: list[Pair] = field(default_factory=list)
    latencies: list[Pair] = field(default_factory=list)
    only_before: list[Path] = field(default_factory=list)
    only_after: list[Path] = field(default_factory=list)
    steps: list[StepDifference] = field(default_factory=list)

    @property
    def none(self) -> bool:
        return not (self.whole or self.inputs or self.latencies or self.only_before or self.only_after or self.steps)


def compare(before: Audit, after: Audit) -> Difference:
    """Compare two executions, of the same workflow or not."""
    then, now = stays(before), stays(after)
    common = sorted((path for path in now if path in then), key=lambda path: now[path].entered)
    differing = [StepDifference(path, list(_step(then[path], now[path]))) for path in common]
    return Difference(
        before,
        after,
        whole=list(_whole(before, after)),
        inputs=list(_differing(_flat(words.members(before.input)), _flat(words.members(after.input)))),
        latencies=list(_latencies(before, after)),
        only_before=_outermost(path for path in then if path not in now),
        only_after=_outermost(path for path in now if path not in then),
        steps=[one for one in differing if one.differing],
    )


def _step(before: Stay, after: Stay) -> Iterator[Pair]:
    yield from _differing(
        {"outcome": _outcome(before), "retries": str(before.retries)},
        {"outcome": _outcome(after), "retries": str(after.retries)},
    )
    yield from _times("duration", before.seconds, after.seconds)


def _outcome(stay: Stay) -> str:
    return f"{stay.outcome.value} {stay.error}".rstrip() if stay.outcome is not Outcome.SUCCEEDED else "SUCCEEDED"


def _times(name: str, before: float | None, after: float | None) -> Iterator[Pair]:
    """A duration, where it differs by more than what two runs of the same differ by."""
    if before is None or after is None:
        if before is not after:
            yield Pair(name, words.duration(before), words.duration(after))
    elif abs(after - before) >= max(NOISE_SECONDS, NOISE_SHARE * max(before, after)):
        yield Pair(name, words.duration(before), words.duration(after))


def _whole(before: Audit, after: Audit) -> Iterator[Pair]:
    yield from _differing(_facts(before), _facts(after))
    yield from _times("duration", before.seconds, after.seconds)
    paid = cost.transitions(before), cost.transitions(after)
    if abs(paid[1] - paid[0]) > NOISE_SHARE * max(paid):
        yield Pair("state transitions", *(f"{count:,}" for count in paid))


def _facts(audit: Audit) -> dict[str, str]:
    failure = verdict(audit).failure
    return {
        "workflow": words.label(audit),
        "table": words.table(audit),
        "outcome": f"{audit.status.value} {failure.error if failure else ''}".rstrip(),
        "version": words.plain(audit.version_arn.rpartition(":")[2]),
        "alias": words.plain(audit.alias_arn.rpartition(":")[2]),
        "started by": audit.starter.by.value,
        "redrives": str(len(audit.redrives)),
        "executions": str(sum(1 for _ in audit.tree())),
    }


def _flat(document: Any, path: str = "") -> dict[str, str]:
    """Every leaf of an input under its path: ``kinesis.shard_count``, ``regions[1]``."""
    if isinstance(document, dict) and document:
        inner = {f"{path}.{key}" if path else str(key): value for key, value in document.items()}
    elif isinstance(document, list) and document:
        inner = {f"{path}[{place}]": value for place, value in enumerate(document)}
    else:
        return {words.plain(path): words.plain(document)} if path else {}
    return {name: leaf for key, value in inner.items() for name, leaf in _flat(value, key).items()}


def _differing(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Pair]:
    for name in dict.fromkeys((*before, *after)):
        if before.get(name) != after.get(name):
            yield Pair(name, before.get(name), after.get(name))


def _latencies(before: Audit, after: Audit) -> Iterator[Pair]:
    """Of two validations: the latency of a put of each ordered pair of Regions."""
    then, now = _matrix(before), _matrix(after)
    for name in dict.fromkeys((*then, *now)) if then and now else ():
        earlier, later = then.get(name), now.get(name)
        if not _alike(earlier, later):
            yield Pair(name, _milliseconds(earlier), _milliseconds(later))


def _alike(before: int | None, after: int | None) -> bool:
    if before is None or after is None:
        return before is after
    return abs(after - before) < max(NOISE_MILLISECONDS, NOISE_SHARE * max(before, after))


def _matrix(audit: Audit) -> dict[str, int | None]:
    found = heatmap(audit)
    puts = next((matrix.rows for matrix in found.matrices if matrix.write == "put"), {}) if found else {}
    return {
        words.plain(f"{origin} > {reader}"): cell.milliseconds
        for origin, row in puts.items()
        for reader, cell in zip(found.regions if found else (), row, strict=False)
        if not cell.own
    }


def _milliseconds(value: int | None) -> str:
    return "not seen" if value is None else f"{value:,} ms"


def _outermost(paths: Iterable[Path]) -> list[Path]:
    """Without those that lie inside another of them."""
    found = list(paths)
    known = set(found)
    return [path for path in found if not any(path[:length] in known for length in range(1, len(path)))]
