# ruff: noqa: RUF001  (marks as people write them)
"""A mail says the same in its HTML and in its text, to every client, whatever the names in it."""

import re
import subprocess
from collections import Counter
from dataclasses import replace
from email.message import EmailMessage
from email.policy import SMTP
from html.parser import HTMLParser

import pytest
from rich.cells import cell_len

from auditor.report.charts import carbon_by_day
from auditor.report.filters import hours_number, state_text
from auditor.report.mail import MOST_HTML_BYTES
from auditor.report.mail_text import WIDTH, command_lines, wrapped
from auditor.report.page import Subject
from tests.report.fakes import ADVICE, HOSTILE_NAMES, report_of, week_of_runs
from tests.report.mail_cases import (
    ALICE,
    CASES,
    FILLS,
    LINKED,
    PAGE_URL,
    STYLE,
    mail_of,
    with_incident,
    worst,
)

NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
# What mail programs make links of: host names, addresses, anything with a scheme.
LINKABLE = re.compile(r"[\w-]\.[^\W\d]{2,}|\w@\w|\w:(//|\w*[^\W\d])", re.UNICODE)
VOID = {"br", "img", "meta"}


@pytest.fixture(scope="module")
def mails():
    return {name: make() for name, make in CASES.items()}


@pytest.fixture(params=CASES)
def mail(request, mails):
    return mails[request.param]


class Reader(HTMLParser):
    """Reads what a person sees, piece by piece, and which elements there are."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.pieces, self.tags, self.links, self.alts, self.inside = [], [], [], [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.append((tag, given))
        if tag not in {"span", "a", "code"}:
            self.pieces.append((" ", False))
        if tag not in VOID:
            self.inside.append((tag, given.get("class")))
        if "href" in given:
            self.links.append(given["href"])
        if tag == "img":
            self.alts.append(given["alt"])

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.inside.pop()[0] == tag

    def handle_data(self, data):
        hidden = {"style", "title"} & {tag for tag, _ in self.inside}
        is_preheader = ("div", "preheader") in self.inside
        if not hidden and not is_preheader:
            self.pieces.append((data, any(tag == "a" for tag, _ in self.inside)))

    @property
    def text(self):
        return "".join(data for data, _ in self.pieces).replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize(
    ("subject", "changes", "expected"),
    [
        pytest.param(
            ALICE, {}, "[Example HPC] Your jobs 16–22 Nov: 12.4 kg CO₂e (−18 %)", id="user"
        ),
        pytest.param(
            Subject("account", "ml"),
            {},
            "[Example HPC] Project ml 16–22 Nov: 12.4 kg CO₂e (−18 %)",
            id="project",
        ),
        pytest.param(
            Subject("site", "Example HPC"),
            {},
            "[Example HPC] All jobs 16–22 Nov: 12.4 kg CO₂e (−18 %)",
            id="site",
        ),
        pytest.param(
            Subject("account", "x\r\nBcc: eve@example.org"),
            {},
            "[Example HPC] Project x??Bcc: eve@example.org 16–22 Nov: 12.4 kg CO₂e (−18 %)",
            id="forged",
        ),
        pytest.param(
            ALICE, {"before_g": None}, "[Example HPC] Your jobs 16–22 Nov: 12.4 kg CO₂e", id="first"
        ),
        pytest.param(
            ALICE,
            {"before_g": 12_410},
            "[Example HPC] Your jobs 16–22 Nov: 12.4 kg CO₂e (±0 %)",
            id="same",
        ),
        pytest.param(
            ALICE,
            {"before_g": 124.0},
            "[Example HPC] Your jobs 16–22 Nov: 12.4 kg CO₂e (×100)",
            id="many times",
        ),
        pytest.param(
            ALICE,
            {"before_g": 1e9},
            "[Example HPC] Your jobs 16–22 Nov: 12.4 kg CO₂e (−99 %)",
            id="a trace",
        ),
    ],
)
def test_subject_carries_the_number(subject, changes, expected):
    before_g = changes.get("before_g", 12_400 / 0.82)
    report = report_of(week_of_runs(5))
    previous = before_g and replace(report.totals, carbon_g=before_g)
    totals = replace(report.totals, carbon_g=12_400.0)
    report = replace(report, totals=totals, previous=previous)
    assert mail_of(report, subject).subject == expected


def test_restated_is_said_in_the_subject_and_first_of_all(mails):
    mail = mails["restated"]
    assert "16–22 Nov, restated: " in mail.subject
    said = Reader(mail.html).text
    for text in (said, mail.text):
        assert text.index("Revision 2") < text.index("3 runs arrived late") < text.index("emitted")


def test_a_first_mail_does_not_say_that_it_is_another(mails):
    mail = mails["first of a restated"]
    for text in (mail.subject, Reader(mail.html).text, mail.text):
        assert "estated" not in text
    assert "This is the first mail about it: its report is revision 2." in mail.text


@pytest.mark.parametrize(
    ("ratio", "short", "long"),
    [
        pytest.param(-0.004, "±0 %", "as much as the week before", id="the same"),
        pytest.param(-0.0051, "−1 %", "1 % less than", id="half a percent"),
        pytest.param(-0.007, "−1 %", "1 % less than", id="nearly one"),
        pytest.param(0.007, "+1 %", "1 % more than", id="nearly one more"),
        pytest.param(-0.996, "−99 %", "99 % less than", id="a trace is left"),
        pytest.param(0.996, "+100 %", "100 % more than", id="nearly double"),
        pytest.param(8.7, "+870 %", "870 % more than", id="much more"),
        pytest.param(11.0, "×12", "12 times the week before", id="many times"),
    ],
)
def test_a_change_is_the_same_number_everywhere(ratio, short, long):
    report = report_of(week_of_runs(5))
    before = replace(report.totals, carbon_g=report.totals.carbon_g / (1 + (ratio + 1e-12)))
    mail = mail_of(replace(report, previous=before))
    assert mail.subject.endswith(f"({short})")
    assert long in " ".join(mail.text.split())
    assert long in Reader(mail.html).text


@pytest.mark.parametrize(
    "name", ["n" * 300, "模型" * 60, "a b " * 40], ids=["long", "wide", "words"]
)
def test_the_name_gives_way_and_nothing_else(name):
    rows = week_of_runs(3).assign(job_name=name, state="OUT_OF_MEMORY", gpu_model="模" * 30)
    report = report_of(rows)
    text = mail_of(report).text
    lines = text.splitlines()
    assert sum(line.endswith(f"({state_text('OUT_OF_MEMORY')})") for line in lines) == 3
    told = " ".join(text.split())
    for job in report.jobs:
        assert f"{hours_number(job.gpu_s)} GPU h" in told or not job.n_gpu
    assert all(cell_len(line) <= WIDTH for line in lines)


def test_a_wide_label_leaves_its_share_in_its_line():
    rows = week_of_runs(9)
    rows["account"] = [f"{n}{'模' * 60}" for n in range(9)]
    lines = mail_of(report_of(rows)).text.splitlines()
    start = lines.index("By project")
    shares = lines[start + 2 : start + 7]
    assert all(line.endswith(" %") and cell_len(line) <= WIDTH for line in shares)


def test_long_names_break_wherever_they_stand(mails):
    for tag, given in Reader(mails["worst"].html).tags:
        if given.get("class") in {"point", "fine", "notice", "news", "foot", "verdict", "small"}:
            assert "word-break: break-word" in given["style"].replace(":b", ": b"), (tag, given)


def test_a_gap_in_the_accounting_is_said_before_any_number(mails):
    mail = mails["incident"]
    for text in (Reader(mail.html).text, mail.text):
        told = " ".join(text.split())
        assert "too small" in told[: told.index("emitted")]
        assert "slurmdbd did not answer" in told
        assert "Start it again" not in told, "a user cannot"


def test_operators_are_told_how_to_mend_a_gap():
    site = Subject("site", "Example HPC")
    assert "Start it again" in mail_of(with_incident(report_of(week_of_runs(9))), site).text


def test_month_is_called_by_its_name(mails):
    assert "Your jobs November 2026: " in mails["month"].subject


def test_a_header_takes_the_subject(mail):
    message = EmailMessage(policy=SMTP)
    message["Subject"] = mail.subject
    assert mail.subject.isprintable()
    assert len(mail.subject) < 200


def test_every_number_of_the_html_is_in_the_text(mail):
    reader = Reader(mail.html)
    seen = Counter(NUMBER.findall(" ".join([reader.text, *reader.alts])))
    assert seen
    assert seen - Counter(NUMBER.findall(mail.text)) == Counter()


def test_every_word_of_the_html_is_in_the_text(mails):
    words = set(re.findall(r"\w+", Reader(mails["project"].html).text))
    told = re.findall(r"\w+", mails["project"].text)
    # Headings of columns, of sections and of what the text has no columns for, and the button.
    assert words - set(told) <= {"State", "Job", "See", "in", "Where", "it", "came", "from"}


def test_text_is_narrow_and_printable(mail):
    lines = mail.text.split("\n")
    # An address of the web, or one word of a command.
    assert [line for line in lines if cell_len(line) > WIDTH and len(line.split()) > 1] == []
    assert all(line.isprintable() for line in lines)
    assert mail.text.endswith("\n")
    assert "\n\n\n" not in mail.text


def test_html_is_small_whatever_the_names(mail):
    assert len(mail.html.encode()) <= MOST_HTML_BYTES


@pytest.mark.parametrize("fill", FILLS)
def test_html_is_small_whatever_the_names_are_made_of(fill):
    subject, report, style = worst(FILLS[fill])
    n_bytes = len(mail_of(report, subject, style).html.encode())
    assert 50_000 < n_bytes <= MOST_HTML_BYTES


def test_the_worst_case_is_one(mails):
    assert len(mails["worst"].html) > 1.5 * len(mails["hostile"].html) > 10_000


def test_html_keeps_to_what_clients_draw(mail):
    reader = Reader(mail.html)
    tags = {tag for tag, _ in reader.tags}
    assert tags <= {
        *("html", "head", "meta", "title", "style", "body", "div", "table", "tbody", "tr", "td"),
        *("th", "h1", "h2", "h3", "p", "span", "img", "a", "br", "code"),
    }
    assert not re.search(
        r"data:image|url\(|var\(|flex|grid-|@import|@font-face|javascript:", mail.html
    )
    assert 'lang="en"' in mail.html
    tables = [given for tag, given in reader.tags if tag == "table"]
    assert all(given.get("role") == "presentation" or "width" in given for given in tables)
    sheet = next(given for given in tables if given.get("class") == "sheet")
    assert sheet["width"] == "600"
    assert "max-width:600px" in sheet["style"].replace(" ", "")


def test_style_is_inline(mail):
    bare = [
        (tag, given)
        for tag, given in Reader(mail.html).tags
        if tag in {"td", "th", "p", "h1", "h2", "h3", "img"} and "style" not in given
    ]
    assert bare == []


def test_no_client_finds_a_link_in_names(mail):
    found = [
        (data, match[0])
        for data, is_link in Reader(mail.html).pieces
        if not is_link and (match := LINKABLE.search(data))
    ]
    assert found == []


def test_no_markup_from_outside(mails):
    tags = Reader(mails["hostile"].html).tags
    assert all("onerror" not in given for _, given in tags)
    assert "<script>" in Reader(mails["hostile"].html).text
    assert "\u202e" not in mails["hostile"].html + mails["hostile"].text


@pytest.mark.parametrize("name", [name for name in HOSTILE_NAMES if len(name) < 40])
def test_names_are_told_as_they_are_but_for_what_is_not_printable(name):
    rows = week_of_runs(3)
    rows["job_name"] = name
    mail = mail_of(report_of(rows))
    clean = "".join(char if char.isprintable() else "?" for char in name)
    assert clean in Reader(mail.html).text
    assert clean in mail.text


def test_the_only_links_are_the_sites_own(mails):
    assert Reader(mails["user"].html).links == ["mailto:hpc-support@example.org"]
    assert Reader(mails["project"].html).links == [PAGE_URL, "mailto:hpc-support@example.org"]
    assert PAGE_URL in mails["project"].text


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "https://x/ y", "file:///etc/passwd", "https://" + "x" * 600]
)
def test_what_is_no_address_of_the_web_is_no_link(url):
    mail = mail_of(report_of(week_of_runs(3)), style=replace(LINKED, page_url=url))
    assert url not in mail.html + mail.text


def test_pictures_are_those_that_the_html_names(mail):
    named = [given["src"] for tag, given in Reader(mail.html).tags if tag == "img"]
    assert named == [f"cid:{picture.name}" for picture in mail.pictures]


def test_alt_text_carries_every_number_of_the_picture():
    report = report_of(week_of_runs(60))
    (alt,) = Reader(mail_of(report).html).alts
    chart = carbon_by_day(report)
    for bar in chart.bars:
        assert f"{bar.label}: {chart.scale.number_text(bar.value)}" in alt
    assert any(bar.marked for bar in chart.bars)
    assert chart.marked_text in alt


def test_without_advice_nothing_is_said_of_it(mails):
    assert "helped" not in mails["one job"].html + mails["one job"].text
    assert "helped" in mails["user"].html
    assert "helped" in mails["user"].text


def test_advice_is_at_most_three():
    mail = mail_of(report_of(week_of_runs(9), recommendations=(*ADVICE, *ADVICE)))
    assert mail.html.count("CO₂e less") == mail.text.count("CO₂e less") == 3


def test_jobs_are_at_most_ten(mails):
    assert mails["site"].html.count('class="job-name"') == 10
    assert "and 110 smaller jobs" in mails["site"].text


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ("one job", "Your job emitted"),
        ("no result", "none of it led to a result."),
        ("no carbon", "Your job emitted 0 g CO₂e"),
        ("first week", "after nothing in the week before"),
        ("site", "All 120 jobs emitted"),
        ("project", "The 80 jobs of project climate emitted"),
    ],
)
def test_verdict(mails, case, expected):
    assert expected in mails[case].text
    assert expected in Reader(mails[case].html).text


def test_a_users_mail_holds_no_row_of_others():
    facts = report_of(week_of_runs(9)).quality.facts.rejects
    mail = mail_of(report_of(week_of_runs(9)))
    assert facts
    assert "2 refused" in mail.text
    for reject in facts:
        assert reject.reason not in mail.text + Reader(mail.html).text


def test_the_same_report_is_the_same_mail():
    assert CASES["site"]() == CASES["site"]()


def test_wide_characters_count_as_two():
    assert all(cell_len(line) <= WIDTH for line in wrapped("模型訓練" * 60, "- ", "  "))


@pytest.mark.parametrize(
    "command",
    [
        "sbatch --time=00:10:00 job.sh",
        "sbatch " + " ".join(f"--option-{number}=value" for number in range(20)) + " job.sh",
    ],
)
def test_a_broken_command_can_still_be_pasted(command):
    lines = list(command_lines((command,), 60))
    assert all(len(line) <= 60 for line in lines)
    script = "sbatch() { printf '%s ' \"$@\"; }\n" + "\n".join(lines)
    run = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert f"sbatch {run.stdout}".split() == command.split()


def test_a_long_directive_becomes_several():
    whole = "#SBATCH " + " ".join(f"--option-{number}=value" for number in range(9))
    lines = list(command_lines((whole,), 60))
    assert len(lines) > 1
    assert all(line.startswith("#SBATCH --") for line in lines)
    assert " ".join(line.removeprefix("#SBATCH ") for line in lines) == whole[8:]


def test_a_command_too_long_is_left_out_whole():
    command = "sbatch " + "x" * 400
    long = replace(ADVICE[0], command=command)
    mail = mail_of(report_of(week_of_runs(9), recommendations=(long,)))
    assert "sbatch" not in mail.text
    assert "checkpoints" in mail.text


def test_why_it_came_and_whom_to_ask_stand_last(mail):
    assert mail.text.rstrip().splitlines()[-1].strip()
    assert "Questions:" in mail.text
    assert "Questions:" in mail.html


def test_without_a_contact_none_is_named():
    mail = mail_of(report_of(week_of_runs(3)), style=replace(STYLE, contact=None))
    assert "Questions" not in mail.text + mail.html


def test_worst_case_has_hostile_text_everywhere():
    subject, report, style = worst()
    assert len(report.jobs) >= 10
    assert len(subject.name) > 250
    assert len(report.jobs[0].job_name) > 250
    assert len(style.notes) > 6
