"""Whether something keeps this host's clock right: the kernel, systemd-timesyncd or chrony."""

import ctypes
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

_TIMESYNCD_MARK = Path("/run/systemd/timesync/synchronized")
_STA_UNSYNC = 0x0040  # adjtimex(2)
_TIME_ERROR = 5
_CHRONY_TIMEOUT_S = 5.0


@dataclass(frozen=True)
class ClockSync:
    """What keeps the clock right, and who says so."""

    is_synchronised: bool
    witness: str


class _Timex(ctypes.Structure):
    """The head of struct timex, adjtimex(2), with room for the rest of it."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 512),
    )


def clock_sync() -> ClockSync:
    """Ask the kernel, then systemd-timesyncd, then chrony; nobody knowing is not synchronised."""
    if _kernel_is_synchronised():
        return ClockSync(is_synchronised=True, witness="the kernel")
    if _TIMESYNCD_MARK.exists():
        return ClockSync(is_synchronised=True, witness="systemd-timesyncd")
    if chrony_is_synchronised(_chrony_answer()):
        return ClockSync(is_synchronised=True, witness="chrony")
    return ClockSync(is_synchronised=False, witness="")


def _kernel_is_synchronised() -> bool:
    """Ask adjtimex(2) without setting anything (modes 0), which needs no right."""
    library = ctypes.CDLL(None)
    if not hasattr(library, "adjtimex"):
        return False
    answer = _Timex()
    state = library.adjtimex(ctypes.byref(answer))
    return state >= 0 and state != _TIME_ERROR and not answer.status & _STA_UNSYNC


def _chrony_answer() -> str:
    program = shutil.which("chronyc")
    if program is None:
        return ""
    try:
        done = subprocess.run(  # noqa: S603  (no word of it from outside)
            [program, "-n", "tracking"],
            capture_output=True,
            timeout=_CHRONY_TIMEOUT_S,
            check=False,
            text=True,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout


def chrony_is_synchronised(tracking: str) -> bool:
    """Read the answer of `chronyc tracking`, chronyc(1)."""
    for line in tracking.splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "Leap status":
            return value.strip() in {"Normal", "Insert second", "Delete second"}
    return False
