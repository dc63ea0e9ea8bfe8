"""One time of duty: wakes the worker, heeds signals, tells the service manager how it is."""

import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from auditor.daemon.clock import ClockWatch, step_text
from auditor.daemon.duties import Duties, duties_of
from auditor.daemon.journal import LOG, tell_bug, tell_failure
from auditor.daemon.notify import ServiceManager
from auditor.daemon.rota import Rota
from auditor.daemon.signals import RELOAD_SIGNAL, Signals, die_of
from auditor.daemon.status import Situation, status_text
from auditor.daemon.worker import Worker
from auditor.errors import ConfigError
from auditor.settings.models import Settings
from auditor.wiring.check import problems

_TICK_S = 30.0
_NO_WATCHDOG_S = 3600.0
_BUG_CODE = 1

Load = Callable[[], Settings]


@dataclass(frozen=True)
class Surroundings:
    """Where the daemon lives: its environment, and how often it looks up at least [s]."""

    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    tick_s: float = _TICK_S


class Service:
    """The daemon as its main thread sees it; `signals` is open for as long as it serves."""

    def __init__(
        self, load: Load, duties: Duties, signals: Signals, surroundings: Surroundings
    ) -> None:
        self._load = load
        self._duties = duties
        self._signals = signals
        self._manager = ServiceManager(surroundings.environment)
        watchdog_s = self._manager.watchdog_s or _NO_WATCHDOG_S
        self._tick_s = min(surroundings.tick_s, watchdog_s / 2)
        self._clock = ClockWatch(duties.now_utc)
        self._worker = Worker(self._duties, self._signals.wake)
        self._rota = Rota(self._perform, self._hear_bug)
        self._bug: BaseException | None = None
        self._is_stopping = False
        self._is_stuck = False
        self._status = ""

    def serve(self, settings: Settings) -> int:
        """Work until a signal ends it, after the unit of work in hand; return the exit code."""
        self._settings = settings
        self._rota.begin(duties_of(settings, self._duties))
        try:
            self._manager.ready()
            LOG.info("on duty for %s", settings.site.name)
            while not self._is_stopping or self._worker.work is not None:
                self._look_around()
                for number in self._signals.wait(self._tick_s):
                    self._heed(number)
                if self._bug is not None:
                    self._stop()
        finally:
            self._worker.ask_stop()
            self._rota.close()
        if self._bug is not None:
            tell_bug(type(self._bug), self._bug, self._bug.__traceback__)
            return _BUG_CODE
        LOG.info("off duty")
        return 0

    def _perform(self, name: str) -> None:
        """Perform a duty as it is configured now; runs in the worker's thread."""
        settings = self._settings
        duty = next(duty for duty in duties_of(settings, self._duties) if duty.name == name)
        self._worker.perform(duty, settings)

    def _hear_bug(self, bug: BaseException) -> None:
        self._bug = bug
        self._worker.ask_stop()
        self._signals.wake()

    def _look_around(self) -> None:
        """Feed the watchdog if all goes on, notice a clock that was set, tell the status."""
        step = self._clock.step()
        if step is not None and not self._is_stopping:
            LOG.warning("%s", step_text(step))
            self._rota.wake(duties_of(self._settings, self._duties))
        work = self._worker.work
        is_stuck = self._worker.is_stuck()
        if is_stuck and not self._is_stuck and work is not None:
            LOG.error("%s: no sign of life for %g s: stuck", work.duty, work.bound_s)
        self._is_stuck = is_stuck
        is_asleep = work is None and self._rota.is_late() and not self._is_stopping
        if not self._is_stuck and not is_asleep:
            self._manager.alive()
        self._tell_status()

    def _tell_status(self) -> None:
        work = self._worker.work
        text = status_text(
            Situation(
                timezone=self._settings.site.timezone,
                duty=None if work is None else work.duty,
                began_utc=None if work is None else work.began_utc,
                detail="" if work is None else work.detail,
                next_utc=self._rota.next_utc(),
                standing=self._worker.standing,
                trouble=self._worker.trouble,
                is_stopping=self._is_stopping,
                is_stuck=self._is_stuck,
            )
        )
        if text != self._status:
            self._manager.status(text)
            self._status = text

    def _heed(self, number: signal.Signals) -> None:
        if number == RELOAD_SIGNAL:
            if not self._is_stopping:
                self._reload()
            return
        if self._is_stopping:
            LOG.warning("%s again: leaving at once", number.name)
            die_of(number)
        LOG.info("%s: stopping after what is in hand", number.name)
        self._stop()

    def _stop(self) -> None:
        if not self._is_stopping:
            self._is_stopping = True
            self._worker.ask_stop()
            self._manager.stopping()

    def _reload(self) -> None:
        """Read the configuration again; one with a problem changes nothing."""
        self._manager.reloading()
        try:
            settings = self._load()
            _refuse_unusable(settings, self._settings)
        except ConfigError as error:
            tell_failure("the configuration stays as it was", error)
        else:
            self._settings = settings
            self._rota.wake(duties_of(settings, self._duties))
            LOG.info("the configuration was read again and holds from the next piece of work on")
        self._manager.ready()


def _refuse_unusable(settings: Settings, earlier: Settings) -> None:
    lines = problems(settings)
    if settings.ledger.path != earlier.ledger.path:
        lines.append("[ledger] path: another ledger needs a restart")
    if lines:
        raise ConfigError("\n".join(lines))
