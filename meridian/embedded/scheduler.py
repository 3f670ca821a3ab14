"""EventBridge Scheduler: fires what is due, in the place of MiniStack's ticker, which looks every ten seconds."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from meridian.embedded import scheduler_api
from meridian.embedded.internals import find, replace
from meridian.embedded.scheduler_targets import Targets
from meridian.embedded.scheduler_times import Timing
from meridian.embedded.services import in_region

if TYPE_CHECKING:
    from collections.abc import Callable

    from meridian.embedded.settings import Settings

SCHEDULES = "ministack.services.scheduler:_schedules"
LOOKS_A_MINUTE, LONGEST_LOOK_SECONDS = 20, 1.0


def install(settings: Settings) -> None:
    scheduler_api.install(settings.delays.update)
    clock = Clock(settings.delays.minute, Targets(settings).deliver)
    replace("ministack.services.scheduler:start_scheduler", clock.start)  # MiniStack calls it when it serves


class Due(NamedTuple):
    """When a schedule fires next. ``anchor`` is the time from which its rate counts; None if it is over."""

    timing: Timing
    made: float
    anchor: float
    at: float | None


class Clock:
    """Knows when each schedule is due. ``minute``: seconds that a rate's minute takes."""

    def __init__(self, minute: float, deliver: Callable[[dict[str, Any], float], None]) -> None:
        self._minute = minute
        self._deliver = deliver
        self._due: dict[str, Due] = {}

    def start(self) -> None:
        threading.Thread(target=self._run, name="scheduler", daemon=True).start()

    def _run(self) -> None:
        while True:
            time.sleep(min(self._minute / LOOKS_A_MINUTE, LONGEST_LOOK_SECONDS))
            self.look(time.time())

    def look(self, now: float) -> None:
        """Fire what is due at ``now``. What was due more than once since the last look fires once."""
        found = {(region, key): schedule for (_, region, key), schedule in find(SCHEDULES).all_items()}
        arns = {schedule["Arn"] for schedule in found.values()}
        self._due = {arn: due for arn, due in self._due.items() if arn in arns}
        for (region, key), schedule in found.items():
            due = self._known(schedule)
            if due.at is not None and due.at <= now:
                if schedule["State"] == "ENABLED":
                    self._deliver(dict(schedule), due.at)
                due = due._replace(at=due.timing.following(due.anchor, now, self._minute))
            self._due[schedule["Arn"]] = due
            if due.at is None and schedule["ActionAfterCompletion"] == "DELETE":
                with in_region(region):
                    find(SCHEDULES).pop(key, None)

    def _known(self, schedule: dict[str, Any]) -> Due:
        """When it is due; counted anew if the schedule is new, or its times were changed."""
        timing, known = Timing.of(schedule), self._due.get(schedule["Arn"])
        if known is not None and (known.timing, known.made) == (timing, schedule["CreationDate"]):
            return known
        anchor = schedule["LastModificationDate"]
        return Due(timing, schedule["CreationDate"], anchor, timing.first(anchor, self._minute))
