"""Pods beside Slurm's jobs in every view: long names, parts of devices, the platform, nobody."""

import re
from html import unescape

import pytest

from auditor.domain.job import PLATFORM
from auditor.report.findings import findings
from auditor.report.mail_words import TIMES
from auditor.report.page import INDEX_NAME, PageInput, Subject, render_site, to_html
from auditor.report.terminal import TerminalStyle, to_terminal
from tests.report.fakes import report_of, week_of_runs
from tests.report.mail_cases import mail_of
from tests.report.pods import ADVICE_FOR_PODS, OWNERS, week_on_both

ALICE = Subject("user", "alice")
LONG_ID = "team-vision/" + "p" * 120 + "-worker-0"


@pytest.fixture(scope="module")
def report():
    return report_of(week_on_both(), filters={}, recommendations=ADVICE_FOR_PODS)


def test_a_page_wraps_names_and_cuts_the_longest_with_the_whole_in_the_title(report):
    html = to_html(report)
    assert "<bdi>team-vision/vision-train-0-1db20</bdi>" in html
    assert f'title="{LONG_ID}">team-vision/ppp' in html
    assert "pp…ppp" in html
    assert "-worker-0</bdi>" in html


def test_parts_of_devices_are_written_so_that_they_are_read(report):
    html = unescape(re.sub(r"<[^>]*>", "", to_html(report)))
    assert f"0.25 {TIMES} NVIDIA" in html
    assert f"0.33 {TIMES} NVIDIA" in html
    cores = report_of(week_on_both().assign(n_gpu=0.0), filters={})
    text = mail_of(cores).text
    assert "0.05 cores" in text or "0.5 cores" in text
    assert "0 cores" not in text.replace("0.05 cores", "").replace("0.5 cores", "")


@pytest.mark.parametrize("width", [60, 80, 100, 110])
def test_a_terminal_keeps_both_ends_of_a_pods_name(report, width):
    lines = to_terminal(report, TerminalStyle(width)).splitlines()
    assert max(map(len, lines)) <= width
    table = [line for line in lines if line.startswith("team-vision/")]
    assert any("0-1db20 " in line for line in table)
    assert any("orker-0 " in line for line in table)


def test_all_jobs_are_listed_with_ids_to_type_again(report):
    lines = to_terminal(report, TerminalStyle(110), "job").splitlines()
    assert any(line.startswith("team-vision/vision-train-0-1db20 ") for line in lines)


def test_a_mail_keeps_words_of_a_command_whole_and_stays_small(report):
    mail = mail_of(report)
    assert '<span class="word"' in mail.html
    assert re.search(r">--requests=cpu=500m</span>", mail.html)
    assert "--requests=cpu=500m" in mail.text
    assert "vision-train-0-1db20" in mail.text


def test_the_index_tells_of_the_platform_beside_the_people(report):
    pages = [PageInput(Subject("site", "Example HPC"), report), PageInput(ALICE, report)]
    index = render_site(pages)[INDEX_NAME]
    assert f"{PLATFORM}, the platform" in index
    assert "in 11 runs" in index
    without = report_of(week_of_runs(10), filters={})
    assert PLATFORM not in render_site([PageInput(ALICE, without)])[INDEX_NAME]


def test_who_is_nobodys_is_said_once_with_the_setting_and_is_no_doubt(report):
    found = [one for one in findings(report) if "name nobody" in one.text]
    assert [one.text for one in found] == ["7 runs of pods that name nobody, under (unknown)."]
    assert "[clusters.kubernetes]" in found[0].hint
    platform = [one for one in findings(report) if PLATFORM in one.text]
    assert len(platform) == 1
    assert [one.is_doubt for one in (*found, *platform)] == [False, False]
    assert not [one for one in findings(report_of(week_of_runs(9))) if "nobody" in one.text]


@pytest.mark.parametrize(
    ("scheduler", "asks", "says_limit"),
    [
        pytest.param("slurm", "squeue -j", True, id="Slurm"),
        pytest.param("kubernetes", "kubectl get pod -n NAMESPACE POD.", False, id="Kubernetes"),
        pytest.param("other", "", True, id="a table"),
    ],
)
def test_what_runs_still_is_asked_of_its_scheduler(scheduler, asks, says_limit):
    rows = week_of_runs(3).assign(is_open=True, time_limit_s=float("nan"))
    rows["scheduler"] = rows["scheduler"].cat.rename_categories({"slurm": scheduler})
    (found,) = (one for one in findings(report_of(rows)) if "had not ended" in one.text)
    assert asks in found.hint
    assert ("squeue" in found.hint) == (scheduler == "slurm")
    assert ("known time limit" in found.text) == says_limit


def test_file_names_of_pages_hold_nothing_of_a_path():
    names = {Subject("account", name).file_name for _, name, *_ in OWNERS}
    names |= {Subject("user", name).file_name for name in ("a/../b", "team/x", PLATFORM)}
    assert all(re.fullmatch(r"[a-z0-9-]+\.html", name) for name in names)


def _of_length(n_characters: int, scheduler: str = "kubernetes"):
    """Return a report whose ids and names have so many characters, and 1000s of kg and hours."""
    rows = week_of_runs(6).assign(gpu_s=3.6e6, n_gpu=8.0)
    rows["scheduler"] = rows["scheduler"].cat.rename_categories({"slurm": scheduler})
    name = "team/" + "n" * (n_characters - 7)
    rows["job_id"] = [f"{name}-{place}" for place in range(len(rows))]
    rows["job_name"] = [f"{name[5:]}-{place}" for place in range(len(rows))]
    rows["carbon_g"] = [123_456.0 + place for place in range(len(rows))]
    for column in ("job_id", "job_name"):
        rows[column] = rows[column].astype("str")
    return report_of(rows, filters={}, recommendations=())


@pytest.mark.parametrize("width", [60, 80, 100, 132])
@pytest.mark.parametrize("n_characters", [8, 40, 200])
@pytest.mark.parametrize("by", [None, "job"])
def test_a_table_of_jobs_never_drops_a_number_nor_the_end_of_an_id(width, n_characters, by):
    lines = to_terminal(_of_length(n_characters), TerminalStyle(width), by).splitlines()
    start = next(n for n, line in enumerate(lines) if line in {"Jobs", "Largest jobs"})
    heading, *rows = lines[start + 1 : start + 8]
    assert heading.split()[-4:] == ["GPU", "h", "kg", "CO2e"]
    assert [row.split()[-2:] for row in rows] == [["1,000.0", "123.5"]] * 6
    assert [row.split()[0][-2:] for row in rows] == [f"-{place}" for place in reversed(range(6))]
    assert all(row.startswith("team/n") for row in rows)
    assert max(map(len, lines)) <= width
    is_cut = any("…" in row.split()[0] for row in rows)
    assert is_cut == (
        n_characters > {None: 22 if width < 100 else 34, "job": 42}[by]
        or (width, n_characters, by) == (60, 40, "job")
    )
    assert ("--json and --csv have them whole" in "\n".join(lines)) == (is_cut and by == "job")


@pytest.mark.parametrize("by", [None, "job"])
def test_a_column_that_is_empty_throughout_is_left_out(by):
    rows = week_of_runs(5)
    named = to_terminal(report_of(rows), TerminalStyle(80), by)
    rows["job_name"] = None
    bare = to_terminal(report_of(rows), TerminalStyle(80), by)
    assert re.search("^Job +Name +", named, re.MULTILINE)
    assert re.search("^Job +User +State", bare, re.MULTILINE)
    assert max(map(len, bare.splitlines())) <= 80
