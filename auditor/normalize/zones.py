"""Local times of a time zone as UTC, with both readings of an hour that the clocks repeat."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

_DAY_S = 86400
_MAX_OFFSET_S = 2 * _DAY_S


@dataclass(frozen=True)
class Readings:
    """UTC readings of local times, (n,) float64 seconds since 1970; a missing time is NaN.

    `first_s` and `second_s` differ only where the clocks were set: in a repeated hour both are
    possible; a time in a skipped hour never was, and its readings bracket the change.
    """

    first_s: NDArray[np.float64]
    second_s: NDArray[np.float64]

    @property
    def are_two(self) -> NDArray[np.bool_]:
        """Where the two readings differ."""
        return self.second_s > self.first_s


@dataclass(frozen=True)
class _Clock:
    """A zone's offsets from UTC: `earlier_s[i + 1]` and `later_s[i + 1]` hold from `edges_s[i]` on.

    Edges are local times; between the two edges of a change both offsets are possible.
    """

    edges_s: NDArray[np.int64]
    earlier_s: NDArray[np.int64]
    later_s: NDArray[np.int64]


def read_local(local_s: NDArray[np.float64], timezone: str) -> Readings:
    """Turn local wall-clock times into UTC.

    Parameters
    ----------
    local_s
        Wall-clock time as if it were UTC, (n,) seconds since 1970; NaN is missing. [s]
    timezone
        IANA name, such as `Europe/Berlin`.
    """
    known = local_s[~np.isnan(local_s)]
    if timezone == "UTC" or len(known) == 0:
        return Readings(local_s, local_s)
    ends_s = (float(known.min()), float(known.max()))
    first_year, last_year = (datetime.fromtimestamp(end_s, UTC).year for end_s in ends_s)
    clock = _clock(timezone, first_year, last_year)
    first_place, last_place = np.searchsorted(clock.edges_s, ends_s, side="right")
    place: NDArray[np.int16] = np.full(len(local_s), first_place, dtype=np.int16)
    for edge_s in clock.edges_s[first_place:last_place]:
        place += local_s >= edge_s
    first_s = local_s - clock.later_s[place]
    if not (place % 2).any():
        return Readings(first_s, first_s)
    return Readings(first_s, local_s - clock.earlier_s[place])


@lru_cache(maxsize=64)
def _clock(timezone: str, first_year: int, last_year: int) -> _Clock:
    changes = _changes(timezone, first_year, last_year)
    start_s = int(datetime(first_year, 1, 1, tzinfo=UTC).timestamp()) - _MAX_OFFSET_S
    offset_s = _offset_s(ZoneInfo(timezone), start_s)
    edges_s: list[int] = []
    pairs = [(offset_s, offset_s)]
    for change_s, before_s, after_s in changes:
        low_s, high_s = sorted((before_s, after_s))
        edges_s += [change_s + low_s, change_s + high_s]
        pairs += [(low_s, high_s), (after_s, after_s)]
    earlier_s, later_s = np.array(pairs, dtype=np.int64).T
    return _Clock(np.array(edges_s, dtype=np.int64), earlier_s, later_s)


def _changes(timezone: str, first_year: int, last_year: int) -> list[tuple[int, int, int]]:
    """Find the instants at which the offset changes: (instant, offset before, offset after)."""
    zone = ZoneInfo(timezone)
    start_s = int(datetime(first_year, 1, 1, tzinfo=UTC).timestamp()) - _MAX_OFFSET_S
    end_s = int(datetime(last_year + 1, 1, 1, tzinfo=UTC).timestamp()) + _MAX_OFFSET_S
    days = range(start_s, end_s, _DAY_S)
    offsets = [_offset_s(zone, day_s) for day_s in days]
    return [
        (_change_within(zone, day_s), before_s, after_s)
        for day_s, before_s, after_s in zip(days, offsets[:-1], offsets[1:], strict=False)
        if before_s != after_s
    ]


def _change_within(zone: ZoneInfo, day_s: int) -> int:
    low_s, high_s = day_s, day_s + _DAY_S
    before_s = _offset_s(zone, low_s)
    while high_s - low_s > 1:
        middle_s = (low_s + high_s) // 2
        if _offset_s(zone, middle_s) == before_s:
            low_s = middle_s
        else:
            high_s = middle_s
    return high_s


def _offset_s(zone: ZoneInfo, instant_s: int) -> int:
    offset = datetime.fromtimestamp(instant_s, zone).utcoffset()
    return int(offset.total_seconds()) if offset is not None else 0
