"""Be on duty: until a signal ends it, or once."""

import faulthandler
import sys

from auditor.daemon.duties import Duties, duties_of
from auditor.daemon.journal import LOG, begin_log, tell_bug
from auditor.daemon.lock import only_daemon
from auditor.daemon.service import Load, Service, Surroundings
from auditor.daemon.signals import Signals, stop_on_signal
from auditor.daemon.worker import Worker
from auditor.wiring.check import problems
from auditor.wiring.store import open_ledger

_HERE = Surroundings()


def run(load: Load, duties: Duties, surroundings: Surroundings = _HERE) -> int:
    """Be on duty until a signal ends it; return the exit code.

    A failure that was expected is logged, and its duty tried again in its rhythm; a bug is logged
    with its traceback and ends the daemon with 1.

    Raises
    ------
    ConfigError
        The configuration cannot be read.
    LedgerError
        The ledger cannot be opened, or another daemon is on duty for it.
    """
    settings = load()
    begin_log(environment=surroundings.environment)
    sys.excepthook = tell_bug
    # The service manager ends a process whose watchdog starves with SIGABRT: say where it stood.
    faulthandler.enable()
    open_ledger(settings, create=True).close()
    with only_daemon(settings.ledger.path), Signals() as signals:
        for line in problems(settings):
            LOG.warning("configuration: %s", line)
        return Service(load, duties, signals, surroundings).serve(settings)


def run_once(load: Load, duties: Duties, surroundings: Surroundings = _HERE) -> int:
    """Collect, publish and send once; return 0, or the exit code of the first that failed.

    The first SIGTERM, SIGINT or SIGHUP ends it after the unit of work in hand.

    Raises
    ------
    ConfigError, LedgerError
        As `run`.
    """
    settings = load()
    begin_log(environment=surroundings.environment)
    sys.excepthook = tell_bug
    open_ledger(settings, create=True).close()
    worker = Worker(duties)
    with only_daemon(settings.ledger.path), stop_on_signal(worker.ask_stop):
        for duty in duties_of(settings, duties):
            worker.perform(duty, settings)
    return worker.exit_code
