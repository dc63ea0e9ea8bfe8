"""Find out by looking what an export is, and refuse what would have to be guessed."""

import re
from dataclasses import replace

from auditor.errors import ExportRefusedError
from auditor.normalize.interface import ExportContext
from auditor.normalize.kubernetes.text import (
    PODS_COMMAND,
    kubectl_fault,
    looks_like_kubernetes,
)
from auditor.normalize.layout import (
    TextLayout,
    canonical_columns,
    headerless_layout,
    needs_quotes,
    read_header,
)
from auditor.normalize.sacct_fields import SAFE_COMMAND, TEXT_COMMAND, XDMOD_COLUMNS

HEAD_BYTES = 256 * 1024
_N_LINES_LOOKED_AT = 200
_N_TIMES_LOOKED_AT = 50
_CERTAIN_RATIO = 0.9  # a few lines may be torn
BYTE_ORDER_MARK = b"\xef\xbb\xbf"

JSON = "json"
KEY_VALUE = "key=value"
KUBERNETES = "kubernetes"
Dialect = TextLayout | str

_USE_TEXT = f"Export it with `{TEXT_COMMAND}`, or with `{SAFE_COMMAND}`."
_USE_JSON = f"Export it with `{SAFE_COMMAND}`."
_NODE_HINT = "Name it as the cluster's node listing in the configuration."
_USE_OF = {
    "kubernetes": f"Export it with `{PODS_COMMAND}`.",
    "other": "docs/tables.md says how its table is described: [clusters.table].",
}
_COLUMNS_HINT = (
    "Give the fields of the export's -o list with --columns, or export it without -n: "
    f"`{TEXT_COMMAND}`."
)

_BINARY = (
    (b"\x1f\x8b", "it is compressed with gzip but not named .gz", "Rename it or decompress it."),
    (b"\xfd7zXZ", "it is compressed with xz but not named .xz", "Rename it or decompress it."),
    (b"BZh", "it is compressed with bzip2", "Decompress it first."),
    (b"\x28\xb5\x2f\xfd", "it is compressed with zstd", "Decompress it first."),
    (b"PK\x03\x04", "it is a zip archive or a spreadsheet", _USE_TEXT),
    (b"PAR1", "it is a Parquet file", _USE_TEXT),
    (b"\xff\xfe", "its text is UTF-16", "Convert it: `iconv -f UTF-16 -t UTF-8`."),
    (b"\xfe\xff", "its text is UTF-16", "Convert it: `iconv -f UTF-16 -t UTF-8`."),
)

_STARTS: tuple[tuple[str, str, str], ...] = (
    (r"%YAML|---\s|meta:", "it is YAML", _USE_JSON),
    (
        r"(sacct|scontrol|sinfo|squeue|sacctmgr|slurm\w*): |Invalid time spec|error: ",
        "it holds an error message, no accounting: '{line}'",
        "Run the command again without that mistake, and keep its stdout only.",
    ),
    (r"NodeName=", "it is a listing of nodes (scontrol show node)", _NODE_HINT),
    (r"(NODELIST|HOSTNAMES|NODES)\b", "it is a listing of nodes (sinfo)", _NODE_HINT),
    (r"PARTITION +AVAIL", "it is a listing of partitions (sinfo)", _USE_TEXT),
    (r"(Job|Step)Id=", "it is a listing of live jobs (scontrol show)", _USE_TEXT),
    (r" *JOBID +(PARTITION|NAME|USER)\b", "it is a listing of the queue (squeue)", _USE_TEXT),
    (r"Batch Script for ", "it is a batch script, no accounting", _USE_TEXT),
)

_WEB_PAGE = re.compile(r"\s*<(!doctype|html|head|body|\?xml|!--)", re.IGNORECASE)
# The text format of Prometheus's exporters (prometheus.io/docs/instrumenting/exposition_formats).
_METRICS = re.compile(
    r"# (HELP|TYPE|UNIT|EOF)\b"
    r"|[a-zA-Z_:][\w:]*(\{[^|]*\})? +([-+]?\d[-+\d.eE]*|NaN|[-+]Inf)( \d+)?$"
)
_METRICS_HINT = (
    "A Prometheus that scrapes it has the history: state it in [clusters.prometheus] of a "
    "Kubernetes cluster and `auditor collect`."
)
_RULE = re.compile(r"[-= |+]*-{3}[-= |+]*")
_TOTALS = re.compile(r"^-{20,}\n[^\n]*Utilization ")
_NODE_CPUS = re.compile(r"[|\s]\d+/\d+/\d+/\d+([|\s]|$)")
_REFUSED_TIME = re.compile(
    r"\d\d:\d\d(:\d\d)?|.*\b[AP]M\b.*|.*\d/\d.*|.*\b[A-Z][a-z]{2} \d.*|.*\b\d\d? [A-Z][a-z]{2}\b.*"
)
_TIME_WORDS = frozenset(("", "Unknown", "None", "N/A", "INVALID"))


def refuse(context: ExportContext, reason: str, hint: str) -> ExportRefusedError:
    """Make the refusal of a source: one sentence why, and what to do instead.

    Hints that name a command of Slurm are for clusters of Slurm.
    """
    if hint in {_USE_TEXT, _USE_JSON, _COLUMNS_HINT}:
        hint = _USE_OF.get(context.scheduler, hint)
    return ExportRefusedError(f"{context.source} cannot be read: {reason}", hint=hint)


def find_dialect(head: bytes, context: ExportContext) -> Dialect:
    """Say how an export is written, from its first bytes.

    Parameters
    ----------
    head : bytes
        The first `HEAD_BYTES` of the source, or all of it.
    context : ExportContext
        Its `columns` are believed where the export has no header of its own.

    Returns
    -------
    TextLayout, JSON, KEY_VALUE or KUBERNETES

    Raises
    ------
    ExportRefusedError
        It is no accounting, or could be read in more than one way.
    """
    for magic, reason, hint in _BINARY:
        if head.startswith(magic):
            raise refuse(context, reason, hint)
    text = head.removeprefix(BYTE_ORDER_MARK).lstrip(b" \t\r\n")
    if not text:
        raise refuse(context, *_empty(context))
    if text[:1] in (b"{", b"["):
        return KUBERNETES if looks_like_kubernetes(text) else JSON
    lines = [line.rstrip(b"\r") for line in text.split(b"\n")[:_N_LINES_LOOKED_AT]]
    _refuse_what_is_known([line.decode("utf-8", "replace") for line in lines], context)
    if re.match(rb'([^,"]*,){0,3}"?JobID(Raw)?=', lines[0]):
        return KEY_VALUE
    data = [line for line in lines if line.strip()]
    layout = read_header(text.partition(b"\n")[0])
    return _with_header(layout, data, context) if layout else _without_header(data, context)


def _empty(context: ExportContext) -> tuple[str, str]:
    program = {"slurm": "sacct", "kubernetes": "kubectl"}.get(context.scheduler, "what wrote it")
    hint = _USE_OF.get(context.scheduler, _USE_TEXT)
    return "it is empty", f"{program} failed, or saw nothing. {hint}"


def _refuse_what_is_known(lines: list[str], context: ExportContext) -> None:
    first = lines[0]
    if _WEB_PAGE.match(first):
        raise refuse(context, "it is a web page, perhaps of a login or an error", _USE_TEXT)
    if _METRICS.match(first):
        raise refuse(context, "it is what an exporter of metrics says of one moment", _METRICS_HINT)
    if fault := kubectl_fault(lines):
        raise refuse(context, *fault)
    for pattern, reason, hint in _STARTS:
        if re.match(pattern, first):
            raise refuse(context, reason.format(line=first[:120]), hint)
    if _TOTALS.match("\n".join(lines[:3])):
        raise refuse(context, "it is a table of totals (sreport), not of jobs", _USE_TEXT)
    if len(lines) > 1 and (_RULE.fullmatch(lines[1]) or _RULE.fullmatch(first)):
        reason = "it is padded for people: cells are cut, and empty ones cannot be told"
        raise refuse(context, reason, _USE_TEXT)
    if _NODE_CPUS.search(first):
        raise refuse(context, "it is a listing of nodes (sinfo)", _NODE_HINT)


def _with_header(layout: TextLayout, data: list[bytes], context: ExportContext) -> TextLayout:
    refuse_columns(layout, context)
    layout = replace(layout, is_quoted=needs_quotes(layout, data[1:]))
    _refuse_times(layout, data[1:], context)
    return layout


def refuse_columns(layout: TextLayout, context: ExportContext) -> None:
    """Refuse a table that lacks what no job can do without.

    Raises
    ------
    ExportRefusedError
        It has no job id, no instant to place a job at, or no way to tell how long one ran.
    """
    columns = set(layout.columns)
    if columns.isdisjoint(("JobID", "JobIDRaw")):
        raise refuse(context, "it has no JobID column", _USE_TEXT)
    if columns.isdisjoint(("Start", "Submit")):
        raise refuse(context, "it has no time column: neither Start nor Submit", _USE_TEXT)
    if columns.isdisjoint(("Elapsed", "ElapsedRaw")) and not columns >= {"Start", "End"}:
        reason = "nothing says how long a job ran: neither Elapsed nor both of Start and End"
        raise refuse(context, reason, _USE_TEXT)


def _without_header(data: list[bytes], context: ExportContext) -> TextLayout:
    if context.columns is not None:
        layout = headerless_layout(data, context.columns)
        if layout is None:
            reason = f"its lines do not hold the {len(context.columns)} columns that were stated"
            raise refuse(context, reason, _COLUMNS_HINT)
        return _with_header(layout, [b"", *data], context)
    xdmod = TextLayout(b"|", canonical_columns(list(XDMOD_COLUMNS)))
    if sum(map(_is_xdmod, data)) >= _CERTAIN_RATIO * len(data):
        return _with_header(xdmod, [b"", *data], context)
    if re.search(rb"\S {2,}\S", data[0]):
        raise refuse(context, "it looks padded for people, and has no header", _USE_TEXT)
    if context.scheduler == "kubernetes":
        raise refuse(context, "it is no list of pods as JSON", _COLUMNS_HINT)
    raise refuse(context, "it has no header that names fields of sacct", _COLUMNS_HINT)


def _is_xdmod(line: bytes) -> bool:
    """Say whether a line can be nothing but the 26 columns of Open XDMoD's export."""
    cells = dict(zip(XDMOD_COLUMNS, line.decode("utf-8", "replace").split("|"), strict=False))
    checks = {
        "JobID": r"\d+([_+.].*)?",
        "JobIDRaw": r"\d+(\..*)?",
        "GID": r"\d*",
        "UID": r"\d*",
        "Submit": r"\d{4}-\d\d-\d\dT[\d:]+",
        "Elapsed": r"[\d:-]+",
        "ExitCode": r"\d+:\d+",
        "NNodes": r"\d+",
        "NCPUS": r"\d+",
        "ReqCPUS": r"\d+",
    }
    matched = all(re.fullmatch(checks[name], cells.get(name, "?")) for name in checks)
    return matched and line.count(b"|") == len(XDMOD_COLUMNS) - 1


def _refuse_times(layout: TextLayout, data: list[bytes], context: ExportContext) -> None:
    """Refuse a table all of whose first times have lost their day, year or seconds."""
    name = "Start" if "Start" in layout.columns else "Submit"
    place = layout.columns.index(name)
    whole = [line for line in data if line.count(layout.delimiter) == layout.n_delimiters]
    cells = [line.split(layout.delimiter)[place].decode("utf-8", "replace") for line in whole]
    times = [cell for cell in cells[:_N_TIMES_LOOKED_AT] if cell not in _TIME_WORDS]
    if times and all(map(_REFUSED_TIME.fullmatch, times)):
        reason = f"its times cannot be told for certain ({name} is '{times[0]}')"
        hint = f"Export it with SLURM_TIME_FORMAT unset or set to %s: `{TEXT_COMMAND}`."
        raise refuse(context, reason, hint)
