"""How far the redelivery of one Region's failures has come, handed from look to look."""

from __future__ import annotations

from typing import TypedDict

MOST_LOOKS = 25  # so that 34 Regions fit into one history (workflows/history.py)


class Stopped(TypedDict):
    """A record that failed again; its item is known from the object, so that no key is told here."""

    key: str
    sequence: str


class Progress(TypedDict):
    """What is done in one Region. ``objects`` were looked at, ``foreign`` of them are no failure records of ours.

    ``redelivered`` and ``failing`` are records; ``untried`` are objects that were not reached. ``missing`` are
    processors that do not exist there. All objects up to the group ``after`` are dealt with.
    """

    looks: int
    after: str
    stopped: list[Stopped]
    objects: int
    redelivered: int
    failing: int
    foreign: int
    untried: int
    missing: list[str]


START: Progress = {
    "looks": 0,
    "after": "",
    "stopped": [],
    "objects": 0,
    "redelivered": 0,
    "failing": 0,
    "foreign": 0,
    "untried": 0,
    "missing": [],
}
