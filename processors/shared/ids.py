"""Ids that a repeated event has again, so that a consumer can drop the copy."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from processors.shared.values import canonical

if TYPE_CHECKING:
    from processors.shared.config import Config
    from processors.shared.records import Change

LENGTH = 32


def event_id(change: Change, rule: tuple[str, ...], config: Config) -> str:
    """Id of what ``rule`` (its source, detail type and place) makes of ``change``: 32 hexadecimal digits.

    With an origin attribute one Region publishes a change, and the stream's own event id makes it unique. Without one
    every Region publishes it, and the item's images make the ids equal. Then a change that goes back and forth between
    two equal items has equal ids as well, and where replication merged quick changes into one, the Regions' ids differ.
    """
    what = [change.event_id] if config["origin_attribute"] else [canonical(change.old), canonical(change.new)]
    text = json.dumps([config["table"], *rule, canonical(change.keys), *what])
    return hashlib.sha256(text.encode()).hexdigest()[:LENGTH]
