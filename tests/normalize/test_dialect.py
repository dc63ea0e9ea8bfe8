import pytest

from auditor.errors import ExportRefusedError
from auditor.normalize.dialect import JSON, KEY_VALUE, find_dialect
from auditor.normalize.layout import TextLayout
from auditor.normalize.sacct_fields import XDMOD_COLUMNS
from tests.normalize.exports import SAFE, context, table

HEADER = "JobID|JobName|State|Start|End"
ROW = "7|train|COMPLETED|2026-11-23T10:00:00|2026-11-23T11:00:00"
COLUMNS = ("JobID", "JobName", "State", "Start", "End")


@pytest.mark.parametrize(
    "delimiter",
    ["|", "\x1f", "\t", ",", ";", ":", " ", "~", "@#@", "||", "¦", "\N{BLACK STAR}", SAFE, "xx9"],
)
def test_delimiter_is_found_in_the_header(delimiter):
    layout = find_dialect(table(HEADER, ROW, delimiter=delimiter), context())
    assert isinstance(layout, TextLayout)
    assert (layout.delimiter.decode(), layout.columns) == (delimiter, COLUMNS)
    assert not layout.ends_with_delimiter


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        ("jobid|STATE|start|END", ("JobID", "State", "Start", "End")),
        ("JobID%20|JobName%-30|Start|End", ("JobID", "JobName", "Start", "End")),
        ("End|Start|JobIDRaw", ("End", "Start", "JobIDRaw")),
        ("JobID|JobID|Start|End", ("JobID", "", "Start", "End")),
        ("JobID|Start|End|FieldOfTheFuture", ("JobID", "Start", "End", "FieldOfTheFuture")),
        (
            "FieldOfTheFuture|JobID|Submit|Elapsed",
            ("FieldOfTheFuture", "JobID", "Submit", "Elapsed"),
        ),
    ],
    ids=["letter case", "widths", "order", "repeated", "unknown last", "unknown first"],
)
def test_columns_are_spelled_as_sacct_does(header, columns):
    assert find_dialect(f"{header}\n".encode(), context()).columns == columns


def test_green_algorithms_columns_need_no_start():
    header = (
        "UID|User|Submit|Elapsed|Partition|NNodes|NCPUS|TotalCPU|CPUTime|ReqMem|MaxRSS|WorkDir"
        "|State|Account|AllocTRES|JobID|JobName"
    )
    assert find_dialect(f"{header}\n".encode(), context()).columns[-2:] == ("JobID", "JobName")


def test_trailing_delimiter_is_seen():
    layout = find_dialect(table(HEADER + "|", ROW + "|"), context())
    assert layout.ends_with_delimiter
    assert layout.columns == COLUMNS
    assert layout.n_delimiters == 5


@pytest.mark.parametrize("prefix", [b"\xef\xbb\xbf", b"\n\n", b"\r\n"], ids=["BOM", "LF", "CRLF"])
def test_what_stands_before_the_header_is_passed_over(prefix):
    assert find_dialect(prefix + table(HEADER, ROW, end="\r\n"), context()).columns == COLUMNS


@pytest.mark.parametrize(
    ("delimiter", "columns", "is_safe", "spans_lines"),
    [
        (SAFE, "JobID|JobName|Start|End|DBIndex", True, True),
        (SAFE, "DBIndex|JobID|JobName|Start|End", True, False),
        ("@#@", "JobID|JobName|Start|End|DBIndex", False, False),
        ("@@@@@@@@@@", "JobID|JobName|Start|End|DBIndex", False, False),
    ],
    ids=["random, DBIndex last", "random, DBIndex first", "short", "no digits"],
)
def test_which_delimiters_are_safe(delimiter, columns, is_safe, spans_lines):
    layout = find_dialect(table(columns, delimiter=delimiter), context())
    assert (layout.is_unguessable, layout.spans_lines) == (is_safe, spans_lines)
    assert layout.is_forgeable is not is_safe


def test_without_user_written_columns_nothing_is_forgeable():
    assert not find_dialect(b"JobID|State|Start|End\n", context()).is_forgeable


@pytest.mark.parametrize("delimiter", ["|", "\x1f", ";", "@#@", "^"])
def test_stated_columns_stand_in_for_a_header(delimiter):
    rows = table(ROW, ROW, delimiter=delimiter)
    layout = find_dialect(rows, context(columns=("jobid", "jobname", "state", "start", "end")))
    assert (layout.delimiter.decode(), layout.columns) == (delimiter, COLUMNS)
    assert layout.header_line is None


def test_a_header_in_the_file_is_believed_over_stated_columns():
    layout = find_dialect(table(HEADER, ROW), context(columns=("End", "Start", "JobID")))
    assert layout.columns == COLUMNS


XDMOD_ROW = (
    "12_3|14|alpha|gpu|normal|ml|users|100|alice|1001|2026-11-23T10:00:00|2026-11-23T10:00:00"
    "|2026-11-23T10:00:00|2026-11-23T11:00:00|01:00:00|0:0|COMPLETED|1|4|4|8Gn||cpu=4,node=1"
    "|1-00:00:00|n1|train"
)


def test_the_26_columns_of_xdmod_are_known_without_header():
    layout = find_dialect(table(XDMOD_ROW), context())
    assert (layout.columns, layout.header_line) == (XDMOD_COLUMNS, None)


def test_other_26_columns_are_not_guessed():
    cells = XDMOD_ROW.split("|")
    cells[9], cells[8] = cells[8], cells[9]
    with pytest.raises(ExportRefusedError, match="no header"):
        find_dialect(table("|".join(cells)), context())


def test_json_and_key_values_are_told_by_their_start():
    assert find_dialect(b' \n{"jobs": []}', context()) == JSON
    assert find_dialect(b"\xef\xbb\xbf[]", context()) == JSON
    assert find_dialect(b"v=0.1.0,JobID=7,User=alice\n", context()) == KEY_VALUE
    assert find_dialect(b'"JobID=7",User=alice\n', context()) == KEY_VALUE


REFUSED = {
    "empty": (b"", "empty", "sacct"),
    "spaces": (b" \n\n", "empty", "sacct"),
    "padded": (
        b"JobID           JobName  Partition\n------------ ---------- ----------\n7   x  gpu\n",
        "padded",
        "sacct -aDP",
    ),
    "padded, no header": (b"7               train        gpu    ml\n", "padded", "sacct -aDP"),
    "gzip": (b"\x1f\x8b\x08\x00", "gzip", "ename"),
    "UTF-16": ("\ufeffJobID|State".encode("utf-16-le"), "UTF-16", "iconv"),
    "yaml": (b"%YAML 1.1\n---\njobs: []\n", "YAML", "--json"),
    "error text": (b'sacct: error: Invalid field requested: "Planned"\n', "Planned", "stdout"),
    "bad time": (b"Invalid time specification (pos=0): 1795000000\n", "error message", "again"),
    "scontrol node": (b"NodeName=n1 Arch=x86_64\n", "nodes", "node listing"),
    "scontrol job": (b"JobId=7 JobName=x\n", "live jobs", "sacct"),
    "sinfo": (b"NODELIST GRES CPUS MEMORY\nn1 gpu:a100:4 16 64000\n", "nodes", "node listing"),
    "sinfo -h": (b"n1|gpu|idle|gpu:8(S:0)|64/0/0/64|262144|\n", "nodes", "node listing"),
    "squeue": (b"   JOBID PARTITION     NAME     USER ST\n", "queue", "sacct"),
    "sreport": (b"-" * 40 + b"\nCluster Utilization 2026\nUsage\n", "totals", "sacct"),
    "batch script": (b"Batch Script for 2\n----\n#!/bin/sh\n", "batch script", "sacct"),
    "headerless": (b"7|COMPLETED|2026-11-23T10:00:00\n", "no header", "--columns"),
    "no time": (b"JobID|User|State|ElapsedRaw\n7|alice|COMPLETED|5\n", "time column", "sacct"),
    "no job id": (b"User|State|Start|End\n", "JobID", "sacct"),
    "no duration": (b"JobID|State|Submit|Start\n", "how long", "sacct"),
    "relative times": (
        b"JobID|Start|End\n7|25 Oct 00:01|Unknown\n8|16:21:58|16:22:00\n",
        "25 Oct",
        "SLURM_TIME_FORMAT",
    ),
    "am and pm": (b"JobID|Start|End\n7|25/10/2026 12:01 AM|Unknown\n", "AM", "SLURM_TIME_FORMAT"),
}  # fmt: skip


@pytest.mark.parametrize(("head", "reason", "hint"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_read_is_refused_with_what_to_do(head, reason, hint):
    with pytest.raises(ExportRefusedError, match=reason) as refusal:
        find_dialect(head, context())
    assert "export.txt" in str(refusal.value)
    assert hint in refusal.value.hint


def test_stated_columns_that_do_not_fit_are_refused():
    with pytest.raises(ExportRefusedError, match="3 columns"):
        find_dialect(table(ROW), context(columns=("JobID", "Start", "End")))


@pytest.mark.parametrize(
    "start",
    ["1795450918", "2026-11-23T10:00:00+0100", "1795450918 UTC", "261123T100000+0100", "Unknown"],
)
def test_times_that_can_be_told_are_not_refused(start):
    text = f"JobID|Start|End\n7|{start}|{start}\n".encode()
    assert find_dialect(text, context()).columns == ("JobID", "Start", "End")


def test_quotes_of_another_tool_are_honoured_where_they_are_needed():
    quoted = b'JobID,AllocTRES,Start,End\n7,"cpu=4,mem=8G",2026-11-23T10:00:00,Unknown\n'
    plain = b"JobID,AllocTRES,Start,End\n7,cpu=4,2026-11-23T10:00:00,Unknown\n"
    all_quoted = b'"JobID","State","Start","End"\n"7","COMPLETED","Unknown","Unknown"\n'
    assert find_dialect(quoted, context()).is_quoted
    assert find_dialect(all_quoted, context()).is_quoted
    assert not find_dialect(plain, context()).is_quoted
