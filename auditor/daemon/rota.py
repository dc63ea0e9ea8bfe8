"""When the worker is woken. What is due then is what the ledger lacks, whatever the clock did."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

from apscheduler.events import EVENT_JOB_ERROR, JobExecutionEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from auditor.daemon.duties import Duty

_MUCH = timedelta(minutes=2)


class Rota:
    """Wakes one worker thread for each duty, at the start and then in its rhythm.

    A duty that is still in hand is not begun again, and wakes that were missed count as one.
    """

    def __init__(
        self, perform: Callable[[str], None], tell_bug: Callable[[BaseException], None]
    ) -> None:
        self._perform = perform
        self._tell_bug = tell_bug
        self._scheduler = BackgroundScheduler(
            executors={"default": ThreadPoolExecutor(max_workers=1)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
            timezone=UTC,
        )
        self._scheduler.add_listener(self._hear_error, EVENT_JOB_ERROR)

    def begin(self, duties: Iterable[Duty]) -> None:
        """Wake for each duty now, in their order, and from then on in its rhythm."""
        for duty, moment in _moments(duties):
            self._scheduler.add_job(
                self._perform,
                _trigger(duty),
                id=duty.name,
                args=(duty.name,),
                next_run_time=moment,
            )
        self._scheduler.start()

    def wake(self, duties: Iterable[Duty]) -> None:
        """Take the rhythms again and wake for each duty now.

        For a new configuration, and for a clock that was set: what it said of later is void.
        """
        for duty, moment in _moments(duties):
            self._scheduler.modify_job(duty.name, trigger=_trigger(duty), next_run_time=moment)

    def next_utc(self) -> dict[str, datetime]:
        """Return when the duties are woken for next."""
        jobs = self._scheduler.get_jobs()
        return {job.id: job.next_run_time for job in jobs if job.next_run_time is not None}

    def is_late(self) -> bool:
        """Whether a duty should have been woken for long ago: then this has stopped working."""
        now = datetime.now(UTC)
        return any(moment < now - _MUCH for moment in self.next_utc().values())

    def close(self) -> None:
        """Wake no more, and wait for the duty in hand."""
        self._scheduler.shutdown(wait=True)

    def _hear_error(self, event: JobExecutionEvent) -> None:
        self._tell_bug(event.exception)


def _moments(duties: Iterable[Duty]) -> list[tuple[Duty, datetime]]:
    now = datetime.now(UTC)
    return [(duty, now + timedelta(microseconds=place)) for place, duty in enumerate(duties)]


def _trigger(duty: Duty) -> IntervalTrigger:
    return IntervalTrigger(seconds=duty.every_s, timezone=UTC)
