"""Pods beside Slurm's jobs in every view: long names, parts of devices, the platform, nobody."""

import re
from html import unescape

import pandas as pd
import pytest

from auditor.domain.job import NOBODY, PLATFORM
from auditor.report.findings import findings
from auditor.report.mail_words import TIMES
from auditor.report.model import QualityFacts
from auditor.report.page import INDEX_NAME, PageInput, Subject, render_site, to_html
from auditor.report.terminal import TerminalStyle, to_terminal
from auditor.units import carbon_text
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
    whole = re.findall(r'<span class="nowrap">([^<]*)</span>', to_html(report))
    assert {f"0.25 {TIMES}", f"0.33 {TIMES}"} <= set(whole)
    assert any(re.fullmatch(r"\d+ Nov \d\d:\d\d", text) for text in whole)
    assert any(text.endswith(" GPU h") for text in whole)
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
    assert "`user` under [clusters.kubernetes] says what names them." in found[0].hint
    platform = [one for one in findings(report) if PLATFORM in one.text]
    assert len(platform) == 1
    assert [one.is_doubt for one in (*found, *platform)] == [False, False]
    assert not [one for one in findings(report_of(week_of_runs(9))) if "nobody" in one.text]


ENDS_LATER = "Once it has ended, the next collection or export has its end."
ASKED = [
    pytest.param("slurm", "48211", None,
                 f"Ask whether it still runs: squeue -j 48211. {ENDS_LATER}", id="Slurm"),
    pytest.param("slurm", "48211_7", None,
                 f"Ask whether it still runs: squeue -j 48211_7. {ENDS_LATER}", id="an array task"),
    pytest.param("slurm", "4;reboot", None, ENDS_LATER, id="no id of Slurm"),
    pytest.param("kubernetes", "team/train-0-x7k2p", "team/Job/train-0",
                 f"Ask whether it still runs: kubectl get pod -n team train-0-x7k2p. {ENDS_LATER}",
                 id="pod of a Job"),
    pytest.param("kubernetes", "team/alone", None,
                 f"Ask whether it still runs: kubectl get pod -n team alone. {ENDS_LATER}",
                 id="pod of nothing"),
    pytest.param("kubernetes", "team/$(reboot)", None, ENDS_LATER, id="no name of a pod"),
    pytest.param("kubernetes", "team/serve-6f9c-q2v4k", "team/Deployment/serve",
                 "Deployment serve runs until somebody ends it. Ask whether it is still needed; "
                 "`kubectl -n team scale deployment/serve --replicas=0` ends it.", id="service"),
    pytest.param("kubernetes", "team/notebook-0", "team/StatefulSet/notebook",
                 "StatefulSet notebook runs until somebody ends it. Ask whether it is still "
                 "needed; `kubectl -n team scale statefulset/notebook --replicas=0` ends it.",
                 id="notebook"),
    pytest.param("kubernetes", "team/n-0", "team/Notebook/n",
                 "Notebook n runs until somebody ends it. Ask whether it is still needed.",
                 id="what cannot be scaled"),
    pytest.param("kubernetes", "team/x-1", "team/Deployment/x;reboot",
                 "Deployment x;reboot runs until somebody ends it. Ask whether it is still needed.",
                 id="no name of an owner"),
    pytest.param("other", "7", None, ENDS_LATER, id="a table"),
]  # fmt: skip


@pytest.mark.parametrize(("scheduler", "job_id", "owner", "hint"), ASKED)
def test_the_largest_run_that_runs_still_is_asked_for_by_name(scheduler, job_id, owner, hint):
    rows = week_of_runs(3).assign(is_open=True, time_limit_s=float("nan"))
    rows["scheduler"] = rows["scheduler"].cat.rename_categories({"slurm": scheduler})
    rows["job_id"], rows["parent_job_id"] = job_id, owner
    (found,) = (one for one in findings(report_of(rows)) if "had not ended" in one.text)
    assert found.hint == hint
    assert ("known time limit" in found.text) == (scheduler != "kubernetes")


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
        n_characters > {None: 42 if width > 100 else 34 if width == 100 else 22, "job": 42}[by]
        or (width, n_characters, by) == (60, 40, "job")
    )
    assert ("--json and --csv have them whole" in "\n".join(lines)) == (is_cut and by == "job")


RULES = (("gpu-cloud", ("label:example.org/user", "namespace:user-*")), ("other", ()))


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        pytest.param(RULES, "gpu-cloud names people by label:example.org/user, namespace:user-* "
                     "(`user` under [clusters.kubernetes]): these pods have none of it.",
                     id="a rule"),
        pytest.param(RULES[1:], "`user` under [clusters.kubernetes] says what names them.",
                     id="a rule elsewhere only"),
        pytest.param((("gpu-cloud", ()),), "`user` under [clusters.kubernetes] says what names "
                     "them.", id="no rule"),
    ],
)  # fmt: skip
def test_pods_that_a_rule_does_not_name_are_told_so(rules, told):
    report = report_of(week_on_both(), filters={}, quality=QualityFacts(user_rules=rules))
    (found,) = (one for one in findings(report) if "name nobody" in one.text)
    assert found.hint.startswith(f"{told} Pods are named when they are read: ")


def test_the_index_adds_up_with_those_whom_nobody_names():
    rows = week_on_both()
    report = report_of(rows, filters={})
    people = rows["user"].dropna().unique()
    pages = [PageInput(Subject("site", "Example HPC"), report)]
    pages += [
        PageInput(Subject("user", name), report_of(rows[rows["user"] == name], filters={}))
        for name in people if name != PLATFORM
    ]  # fmt: skip
    index = render_site(pages)[INDEX_NAME]
    told_of = {
        one.key: carbon_text(one.carbon_g)
        for one in report.groups_of["user"] if one.key in {NOBODY, PLATFORM}
    }  # fmt: skip
    assert (
        f"{NOBODY}, runs of which accounting names no user: {told_of[NOBODY]} CO₂e in 7 " in index
    )
    assert f"{told_of[PLATFORM]} CO₂e" in index
    assert "names no project" not in index
    rows["account"] = None
    index = render_site([PageInput(ALICE, report_of(rows, filters={}))])[INDEX_NAME]
    assert f"names no project: {carbon_text(report.totals.carbon_g)} CO₂e in 120 runs" in index


def test_names_that_leave_room_give_it_to_ids_and_starts():
    rows = week_of_runs(4)
    rows["scheduler"] = rows["scheduler"].cat.rename_categories({"slurm": "kubernetes"})
    ids = [f"team-vision/vit-large-{n}-worker-0" for n in range(4)]
    rows["job_id"] = pd.Series(ids, dtype="str")
    rows["job_name"] = pd.Series(["vit"] * 4, dtype="str")
    rows["user"] = "alice"
    for width, has_starts in ((80, True), (60, False)):
        lines = to_terminal(report_of(rows), TerminalStyle(width)).splitlines()
        told = {line.split()[0] for line in lines if line.startswith("team-vision/v")}
        assert (told == set(ids)) == has_starts
        heading = next(line for line in lines if line.startswith("Job "))
        assert ("Start" in heading) == has_starts


@pytest.mark.parametrize("by", [None, "job"])
def test_a_column_that_is_empty_throughout_is_left_out(by):
    rows = week_of_runs(5)
    named = to_terminal(report_of(rows), TerminalStyle(80), by)
    rows["job_name"] = None
    bare = to_terminal(report_of(rows), TerminalStyle(80), by)
    assert re.search("^Job +Name +", named, re.MULTILINE)
    assert re.search("^Job +User +State", bare, re.MULTILINE)
    assert max(map(len, bare.splitlines())) <= 80
