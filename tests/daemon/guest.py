"""A daemon with made-up duties, as a program of its own: `python guest.py CONFIG FOLDER [--once]`.

FOLDER/orders.json says what each duty does when it is called; FOLDER/events has a line for each
thing it did.
"""

import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from auditor.daemon.duties import Duties
from auditor.daemon.run import run, run_once
from auditor.daemon.service import Surroundings
from auditor.daemon.standing import Standing
from auditor.errors import AuditorError, ConfigError, LedgerError
from auditor.settings.load import load_settings
from auditor.settings.models import Settings

CONFIG, FOLDER = Path(sys.argv[1]), Path(sys.argv[2])
_PAUSE_S = 0.02
_TICK_S = 0.05
_HOSTILE = "slurmdbd\x1b[31m is\x07 away"


def _orders() -> dict[str, str]:
    return json.loads((FOLDER / "orders.json").read_text(encoding="utf-8"))


def _note(line: str) -> None:
    with (FOLDER / "events").open("a", encoding="utf-8") as events:
        events.write(line + "\n")


def _now_utc() -> datetime:
    return datetime.now(UTC) + timedelta(hours=float(_orders().get("clock_h", "0")))


def _duty(name: str) -> Callable[..., list[object]]:
    def act(settings: Settings, *, should_stop: Callable[[], bool], **_: object) -> list[object]:
        order = _orders().get(name, "nothing")
        _note(f"{name} {settings.site.name}")
        if order == "fail":
            raise LedgerError(_HOSTILE, hint="Start it.")
        if order == "refuse":
            raise ConfigError(order)
        if order == "bug":
            raise ZeroDivisionError(_HOSTILE)
        while order == "stuck" and _orders().get(name) == "stuck":
            time.sleep(_PAUSE_S)
        n_units = int(order.removeprefix("units ")) if order.startswith("units ") else 0
        for unit in range(n_units):
            if should_stop():
                break
            _note(f"{name} unit {unit} begun")
            time.sleep(_PAUSE_S)
            _note(f"{name} unit {unit} done")
        return []

    return act


class _Sent:
    n_sent = n_later = n_parked = n_waiting = 0
    trouble = None


def _send(settings: Settings, **rest: object) -> _Sent:
    _duty("send")(settings, **rest)
    return _Sent()


def _load() -> Settings:
    settings = load_settings(CONFIG).settings
    # Quicker than a configuration may be, so that nobody waits for a test.
    brief = settings.collect.model_copy(update={"timeout_s": 0.1})
    minutes = float(_orders().get("every_minutes", "60"))
    rhythm = settings.daemon.model_copy(update={"collect_every_minutes": minutes})
    return settings.model_copy(update={"collect": brief, "daemon": rhythm})


def main() -> int:
    """Be on duty."""
    duties = Duties(
        collect=_duty("collect"),
        publish=_duty("publish"),
        send=_send,
        now_utc=_now_utc,
        look=lambda _settings: Standing(n_waiting=3),
        patience_s=0.1,
    )
    begin = run_once if "--once" in sys.argv else run
    try:
        return begin(_load, duties, Surroundings(tick_s=_TICK_S))
    except AuditorError as error:
        sys.stderr.write(f"auditor: {error}\n")
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
