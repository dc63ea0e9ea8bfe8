"""The table of jobs of the terminal view: its names give way, its numbers never do."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Group as Stack
from rich.table import Table
from rich.text import Text

from auditor.domain.job import WASTED_STATES
from auditor.report.clean import middle_cut, printable
from auditor.report.filters import hours_column, local_text
from auditor.report.ink import Ink
from auditor.report.model import JobLine, Report
from auditor.report.terminal_tables import ROOMY, Frame, left_out, table_of, titled
from auditor.units import carbon_scale

_WIDE = 100
_N_WHOLE = 200
_N_ID, _N_POD, _N_POD_WIDE = 16, 22, 34
_N_NAME = 8
_N_USER, _N_STATE = (8, 10), (9, 13)
_CUT = "Some ids are cut; --json and --csv have them whole."


@dataclass(frozen=True)
class _Column:
    """One column: what it says of each job, and how; without a width it is as wide as that."""

    heading: str
    texts: Sequence[str]
    styles: Sequence[str] = ()
    is_number: bool = False
    width: int | None = None

    @property
    def n_cells(self) -> int:
        if self.width is not None:
            return self.width
        return max(map(cell_len, (self.heading, *self.texts)))

    def cell(self, ink: Ink, place: int) -> Text:
        return ink.text(self.texts[place], self.styles[place] if self.styles else "")


def job_table(frame: Frame, report: Report, n_rows: int | None) -> Stack:
    """List the largest jobs, one line each; all of them where `n_rows` is None.

    Numbers are whole at any width. Names are cut in the middle, and the ids of pods, which hold
    them, take their place where there is not enough for both.
    """
    ink, lines, is_whole = frame.ink, report.jobs[:n_rows], n_rows is None
    told = _told(frame, report, lines)
    room = _room(frame, told)
    n_spare = room - _n_longest(line.job_name or "" for line in lines) - 1
    most = [_N_WHOLE if is_whole else _n_most(frame, line, n_spare) for line in lines]
    n_id = max((min(len(line.job_id), n) for line, n in zip(lines, most, strict=True)), default=3)
    n_beside = room - _N_NAME - 1
    n_least = n_id if is_whole and _are_pods(lines) else min(n_id, _N_POD)
    has_names = any(line.job_name for line in lines) and n_beside >= n_least
    n_id = max(min(n_id, n_beside if has_names else room), len("Job"))
    ids = [middle_cut(line.job_id, min(n, n_id)) for line, n in zip(lines, most, strict=True)]
    names = [middle_cut(line.job_name or "", room - n_id - 1) for line in lines]
    shown = [_Column("Job", ids, width=n_id if has_names else room)]
    shown += [_Column("Name", names, width=room - n_id - 1)] if has_names else []
    title = "Jobs" if is_whole else "Largest jobs"
    below = left_out(len(lines), report.totals.n_jobs, "job")
    if is_whole and any(len(line.job_id) > n_id for line in lines):
        below = _CUT
    return titled(ink, title, _table(ink, (*shown, *told)), below)


def _told(frame: Frame, report: Report, lines: Sequence[JobLine]) -> list[_Column]:
    """Return the columns after the name, those that are left out on a narrow terminal too."""
    is_roomy = frame.is_roomy
    carbon = carbon_scale(max((line.carbon_g for line in lines), default=0.0))
    users = [printable(line.user or "(unknown)", _N_USER[is_roomy]) for line in lines]
    states = [printable(line.state or "(unknown)", _N_STATE[is_roomy]) for line in lines]
    lost = ["yellow" if line.state in WASTED_STATES else "" for line in lines]
    found = [_Column("User", users)] if len(report.groups_of["user"]) > 1 else []
    found.append(_Column("State", states, styles=lost))
    hours = hours_column([line.gpu_s for line in lines])
    emitted = [carbon.number_text(line.carbon_g) for line in lines]
    bold = ["bold"] * len(lines)
    numbers = [
        _Column("GPU h", hours, is_number=True),
        _Column(f"{carbon.unit} CO2e", emitted, styles=bold, is_number=True),
    ]
    starts = _Column("Start", [local_text(one.start_utc, report.period) for one in lines])
    with_starts = [*found, starts, *numbers]
    return with_starts if _has_starts(frame, lines, with_starts) else [*found, *numbers]


def _table(ink: Ink, columns: Sequence[_Column]) -> Table:
    table = table_of(gap=1)
    for column in columns:
        table.add_column(
            column.heading,
            justify="right" if column.is_number else "left",
            width=column.n_cells,
            no_wrap=True,
            overflow="ellipsis",
        )
    for place in range(len(columns[0].texts)):
        table.add_row(*(column.cell(ink, place) for column in columns))
    return table


def _room(frame: Frame, columns: Sequence[_Column]) -> int:
    """Return how many cells are left for ids and names."""
    return frame.width - sum(column.n_cells + 1 for column in columns) - 1


def _n_longest(texts: Iterable[str]) -> int:
    return max(map(cell_len, texts), default=0)


def _n_most(frame: Frame, line: JobLine, n_spare: int) -> int:
    """Return how long an id may be in a short list; those of pods are names, and may fill it."""
    if "/" not in line.job_id:
        return _N_ID
    return max(_N_POD_WIDE if frame.width >= _WIDE else _N_POD, n_spare)


def _are_pods(lines: Sequence[JobLine]) -> bool:
    return all("/" in line.job_id for line in lines)


def _has_starts(frame: Frame, lines: Sequence[JobLine], columns: Sequence[_Column]) -> bool:
    """Tell whether there is room for starts: names of pods are long and matter more."""
    if not any("/" in line.job_id for line in lines) or frame.width >= _WIDE:
        return frame.width >= ROOMY
    n_names = _n_longest(line.job_id for line in lines)
    n_names += 1 + _n_longest(line.job_name or "" for line in lines)
    return frame.width >= ROOMY and _room(frame, columns) >= n_names
