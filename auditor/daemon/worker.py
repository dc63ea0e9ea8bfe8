"""The one who works: a duty at a time, with signs of life and an ear for being asked to stop."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from auditor.daemon.duties import Duties, Duty
from auditor.daemon.journal import LOG, tell_failure
from auditor.daemon.standing import Standing
from auditor.errors import AuditorError
from auditor.settings.models import Settings


@dataclass(frozen=True)
class Work:
    """The duty in hand and how far it is.

    `alive_s` is when it last showed a sign of life [s, monotonic].
    """

    duty: str
    began_utc: datetime
    bound_s: float
    alive_s: float
    detail: str = ""


def _to_nobody() -> None:
    """Tell nobody."""


class Worker:
    """Performs duties in one thread; others may look at it and ask it to stop.

    What is shared are single references, each replaced as a whole; `tell` is called when the work
    in hand changes. `exit_code` is that of the first failure, 0 without one.
    """

    def __init__(
        self,
        duties: Duties,
        tell: Callable[[], None] = _to_nobody,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._duties = duties
        self._tell = tell
        self._monotonic_s = monotonic_s
        self._is_asked = False
        self.work: Work | None = None
        self.standing = Standing()
        self.trouble: dict[str, str] = {}
        self.exit_code = 0

    def ask_stop(self) -> None:
        """Ask it to end after the unit of work in hand."""
        self._is_asked = True

    def should_stop(self) -> bool:
        """Whether it is to stop. Asked between two units of work, so asking is a sign of life."""
        work = self.work
        if work is not None:
            self.work = replace(work, alive_s=self._monotonic_s())
        return self._is_asked

    def show(self, detail: str) -> None:
        """Show how far the work in hand is: a sign of life, too."""
        work = self.work
        if work is not None:
            self._set(replace(work, alive_s=self._monotonic_s(), detail=detail))

    def log(self, lines: Iterable[str]) -> None:
        """Put lines about the work in hand into the log."""
        name = "" if self.work is None else f"{self.work.duty}: "
        for line in lines:
            LOG.info("%s%s", name, line)

    def is_stuck(self) -> bool:
        """Whether the duty in hand has shown no sign of life for longer than its bound."""
        work = self.work
        return work is not None and self._monotonic_s() - work.alive_s > work.bound_s

    def perform(self, duty: Duty, settings: Settings) -> None:
        """Perform a duty and log what came of it; an expected failure is logged and over with."""
        if self._is_asked:
            return
        self._set(Work(duty.name, self._duties.now_utc(), duty.bound_s, self._monotonic_s()))
        try:
            trouble = duty.perform(self)
            if trouble and trouble != self.trouble.get(duty.name):
                LOG.warning("%s: %s", duty.name, trouble)
            self._note_trouble(duty.name, trouble)
            self.standing = self._duties.look(settings)
        except AuditorError as error:
            tell_failure(duty.name, error)
            self._note_trouble(duty.name, str(error).partition("\n")[0])
            self.exit_code = self.exit_code or error.exit_code
        finally:
            self._set(None)

    def _note_trouble(self, name: str, trouble: str | None) -> None:
        others = {other: text for other, text in self.trouble.items() if other != name}
        self.trouble = {**others, name: trouble} if trouble else others

    def _set(self, work: Work | None) -> None:
        self.work = work
        self._tell()
