"""A mail as plain text, 78 columns wide: for who reads no HTML, and for every number in it."""

from collections.abc import Iterator

from rich.cells import cell_len, chop_cells, set_cell_size

from auditor.report.charts import BarChart
from auditor.report.clean import printable
from auditor.report.mail_model import Advice, JobRow, MailView, Shares

WIDTH = 78
_N_BAR = 36
_INDENT = "  "
# Of a name at least so much is kept; a share and the gaps around it are so wide.
_N_LEAST, _N_SHARE = 12, 10


def mail_text(view: MailView) -> str:
    """Write a mail as lines of at most 78 columns; only an address of the web may be longer."""
    blocks = [block for block in _blocks(view) if block]
    return "\n\n".join("\n".join(line.rstrip() for line in block) for block in blocks) + "\n"


def wrapped(text: str, first: str = "", rest: str = "") -> list[str]:
    """Break text at spaces into lines of at most 78 columns, wide characters counted as two."""
    lines, line = [], first
    room = WIDTH - max(cell_len(first), cell_len(rest))
    for word in text.split():
        for piece in chop_cells(word, room) if cell_len(word) > room else [word]:
            is_start = line in {first, rest}
            longer = line + piece if is_start else f"{line} {piece}"
            if is_start or cell_len(longer) <= WIDTH:
                line = longer
            else:
                lines.append(line)
                line = rest + piece
    return [*lines, line] if line.strip() else lines


def command_lines(lines: tuple[str, ...], width: int) -> Iterator[str]:
    r"""Break long commands so that they can still be pasted: with '\', or as one more #SBATCH."""
    for whole in lines:
        is_directive = whole.startswith("#SBATCH ")
        start, end = ("#SBATCH ", "") if is_directive else ("  ", " \\")
        line = ""
        for word in whole.split(" "):
            if line and cell_len(f"{line} {word}{end}") > width:
                yield line + end
                line = start + word
            else:
                line = f"{line} {word}" if line else word
        yield line


def _blocks(view: MailView) -> Iterator[list[str]]:
    yield [view.site, *wrapped(f"{view.title}: {view.when}")]
    yield [line for text in view.restated for line in wrapped(text, view.news_mark, _INDENT)]
    yield [line for text in view.alarms for line in wrapped(text, "! ", _INDENT)]
    yield wrapped(view.verdict)
    yield [*_tiles(view), "", *wrapped(view.context, _INDENT, _INDENT)]
    if view.chart is not None:
        yield _titled(f"{view.chart.title}, {view.chart_unit}", _chart(view.chart))
    if view.jobs:
        yield _titled(f"Largest jobs, {view.jobs_unit}", _jobs(view))
    for shares in view.shares:
        yield _titled(shares.title, _shares(shares))
    if view.waste:
        yield _titled("Lost work", wrapped(view.waste))
    if view.advice:
        yield _titled("What would have helped", list(_advice(view.advice)))
    known = [line for text in (*view.quality, *view.notes) for line in wrapped(text, "- ", _INDENT)]
    yield _titled("How sure this is", known)
    yield [line for text in view.method for line in wrapped(text)]
    yield [*wrapped(view.page_text), *([view.page_url] if view.page_url else [])]
    yield ["-" * WIDTH, *wrapped(view.why), *wrapped(_asking(view))]


def _asking(view: MailView) -> str:
    return f"Questions: {view.contact}" if view.contact else ""


def _titled(title: str, lines: list[str]) -> list[str]:
    return [title, "-" * cell_len(title), *lines] if lines else []


def _tiles(view: MailView) -> Iterator[str]:
    for tile in view.tiles:
        value = f"{tile.number} {tile.unit}".strip()
        yield f"{_INDENT}{tile.label:<11} {value:<15} {tile.note}"


def _chart(chart: BarChart) -> list[str]:
    numbers = [chart.scale.number_text(bar.value) for bar in chart.bars]
    labels = [printable(bar.label) for bar in chart.bars]
    widest, n_label = max(map(len, numbers)), max(map(len, labels))
    lines = []
    for bar, label, number in zip(chart.bars, labels, numbers, strict=True):
        n_cells = max(round(_N_BAR * bar.value / chart.largest), 1 if bar.value > 0 else 0)
        n_marked = round(n_cells * bar.marked / bar.value) if bar.value > 0 else 0
        drawn = "█" * (n_cells - n_marked) + "░" * n_marked
        marked = f"  {chart.scale.number_text(bar.marked)} lost" if bar.marked > 0 else ""
        lines.append(f"{_INDENT}{label:<{n_label}}  {number:>{widest}}  {drawn}{marked}")
    if chart.has_marked:
        lines += ["", f"{_INDENT}░ lost: {printable(chart.marked_text)}"]
    return lines


def _jobs(view: MailView) -> list[str]:
    widest = max(len(job.carbon) for job in view.jobs)
    rest = " " * (len(_INDENT) + widest + 2)
    lines = []
    for job in view.jobs:
        lines += _name_lines(f"{_INDENT}{job.carbon:>{widest}}  ", job, rest)
        lines += wrapped(job.facts, rest, rest)
    return [*lines, *([f"{rest}{view.jobs_left_out}"] if view.jobs_left_out else [])]


def _name_lines(head: str, job: JobRow, rest: str) -> list[str]:
    """Write name and state on one line; it is the name that gives way."""
    state = f"({job.state})"
    room = WIDTH - cell_len(head) - cell_len(state) - 1
    line = f"{head}{_shortened(job.name, max(room, _N_LEAST))} {state}"
    return [line] if cell_len(line) <= WIDTH else wrapped(line.strip(), _INDENT, rest)


def _shares(shares: Shares) -> list[str]:
    n_carbon = max(len(row.carbon) for row in shares.rows)
    room = WIDTH - len(_INDENT) - n_carbon - _N_SHARE
    widest = min(max(cell_len(row.label) for row in shares.rows), room)
    labels = [set_cell_size(_shortened(row.label, widest), widest) for row in shares.rows]
    return [
        f"{_INDENT}{label}  {row.carbon:>{n_carbon}}  {row.share:>6}"
        for label, row in zip(labels, shares.rows, strict=True)
    ]


def _advice(advice: tuple[Advice, ...]) -> Iterator[str]:
    for number, one in enumerate(advice, start=1):
        if number > 1:
            yield ""
        yield from wrapped(f"{one.saving}.", f"{number}. ", "   ")
        yield from wrapped(one.text, "   ", "   ")
        indent = " " * 6
        for line in command_lines(one.command, WIDTH - len(indent)):
            yield f"{indent}{line}"


def _shortened(text: str, n_cells: int) -> str:
    return text if cell_len(text) <= n_cells else f"{set_cell_size(text, n_cells - 1).rstrip()}…"
