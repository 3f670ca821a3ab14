"""Event source mappings of streams as Lambda runs them; MiniStack's own forget failures and share one thread.

One thread looks which shards have something for which mapping. Each lane (event_source_lanes.py) then works in a
thread of its own, so that a slow or failing function holds up nothing but its own shard.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Any

from meridian.embedded import event_source_api, event_source_checks, event_source_permissions, event_source_records
from meridian.embedded.event_source_failures import FailureDestinations
from meridian.embedded.event_source_functions import Functions, function_of
from meridian.embedded.event_source_lanes import Lane, Place
from meridian.embedded.event_source_mappings import SERVICE, Mapping, Mappings, reads
from meridian.embedded.event_source_records import shards_of
from meridian.embedded.internals import find, replace
from meridian.embedded.services import in_region

if TYPE_CHECKING:
    from meridian.embedded.settings import Settings

LOOK_SECONDS = 0.05  # Lambda looks 4 times a second into a DynamoDB stream, once into a Kinesis stream
log = logging.getLogger(__name__)


def install(settings: Settings) -> None:
    event_source_records.install()
    event_source_checks.install()
    event_source_permissions.install()
    for poll in ("_poll_dynamodb_streams", "_poll_kinesis"):
        replace(f"{SERVICE}{poll}", lambda: False)
    mappings = Mappings(settings.delays.event_source)
    event_source_api.install(mappings)
    poller = Poller(mappings, Functions(FailureDestinations(settings)))
    threading.Thread(target=poller.run, daemon=True).start()


class Poller:
    def __init__(self, mappings: Mappings, functions: Functions) -> None:
        self._mappings = mappings
        self._functions = functions
        self._lanes: dict[tuple[str, str], list[Lane]] = {}  # by mapping and shard

    def run(self) -> None:
        while True:
            time.sleep(LOOK_SECONDS)
            try:
                self._look()
            except Exception:  # one broken mapping must not end all others
                log.exception("The poller of event sources met an error")

    def _look(self) -> None:
        self._mappings.settle()
        known = set()
        for region, mapping in list(self._mappings.every()):
            known.add(mapping["UUID"])
            with in_region(region):
                if self._runs(mapping):
                    for name, shard in (shards_of(mapping["EventSourceArn"]) or {}).items():
                        for lane in self._lanes_of(region, mapping, name):
                            lane.start_if_due(shard)
        for place in [place for place in self._lanes if place[0] not in known]:
            del self._lanes[place]

    def _lanes_of(self, region: str, mapping: Mapping, shard: str) -> list[Lane]:
        place, parts = (mapping["UUID"], shard), mapping["ParallelizationFactor"]
        lanes = self._lanes.get(place, [])
        if len(lanes) == parts or any(lane.busy for lane in lanes):
            return lanes
        # Another factor: the new lanes begin where the slowest of the old ones is.
        position = min((lane.position for lane in lanes), default=self._mappings.start_of(mapping, shard))
        self._lanes[place] = [
            Lane(Place(region, mapping, shard, part, parts), position, self._functions, self._runs)
            for part in range(parts)
        ]
        return self._lanes[place]

    @staticmethod
    def _runs(mapping: Mapping) -> bool:
        known: Any = find(f"{SERVICE}_esms").get(mapping["UUID"])
        return known is mapping and reads(mapping) and function_of(mapping) is not None
