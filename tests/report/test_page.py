import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from auditor.report.build import totals_of
from auditor.report.page import INDEX_NAME, PageInput, Subject, render_site, subject_of, to_html
from auditor.units import energy_text
from tests.report.fakes import ADVICE, HOSTILE_NAMES, hostile, report_of, runaway, week_of_runs

VOID = {"meta", "link", "br", "img", "input", "hr"}
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


class Page(HTMLParser):
    """Collects the elements of a page and checks that they nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def html():
    rows = runaway(hostile(week_of_runs()))
    return to_html(report_of(rows, everyone=totals_of(week_of_runs(500)), filters={}))


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


def test_page_is_one_file_without_script_or_request(html, page):
    policies = [m["content"] for m in page.all("meta") if "http-equiv" in m]
    assert policies == [POLICY]
    assert {tag for tag, _ in page.elements}.isdisjoint(
        {"script", "link", "img", "iframe", "object", "embed", "form", "base"}
    )
    attributes = {name for _, found in page.elements for name in found}
    assert not [name for name in attributes if name.startswith("on") or name in ("src", "href")]
    style = html[html.index("<style>") : html.index("</style>")]
    assert set(re.findall(r"url\([^)]*\)|@import", style)) == {"url(#hatch)"}


def test_policy_comes_before_anything_from_outside(html):
    assert html.index("Content-Security-Policy") < html.index("<title>")


def test_page_is_told_to_every_reader(page):
    assert page.all("html") == [{"lang": "en"}]
    assert all("scope" in attributes for attributes in page.all("th"))
    n_tables = len(page.all("table"))
    assert n_tables == len(page.all("caption")) > 5
    for attributes in page.all("svg"):
        is_hidden = attributes.get("aria-hidden") == "true"
        is_image = attributes.get("role") == "img"
        assert is_hidden != is_image
        assert is_hidden or "aria-label" in attributes or "aria-labelledby" in attributes
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    pointed_at = " ".join(
        attributes["aria-labelledby"]
        for _, attributes in page.elements
        if "aria-labelledby" in attributes
    ).split()
    assert set(pointed_at) <= set(ids)
    headings = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h\d", tag)]
    assert headings[0] == 1
    assert headings.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(headings))


def test_hostile_names_come_out_as_text(html, page):
    assert all(char.isprintable() or char == "\n" for char in html)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "{{ 7 * 7 }}" in page.text
    assert max(len(word) for word in page.text.split()) < 100
    assert "evil.com" in HOSTILE_NAMES
    assert 'href="evil.com' not in html


def test_page_says_what_the_reader_came_for(page):
    for expected in (
        "Week 47, 16 to 22 November 2026",
        "136 kg CO₂e",
        "between 94.9 and 196 kg",
        "more than the week before",
        "kg that all jobs on Example HPC emitted",
        "km in an average petrol car",
        "DESNZ conversion factors, 2025",
        "388 kWh",
        "349 g/kWh",
        "By project",
        "By accelerator",
        "By state",
        "#SBATCH --gres=gpu:1",
        "range 1.50 to 3.00 kg",
        "Grid intensity of DE",
        "Ember 2025, annual",
        "NVIDIA data sheet, 2021-06",
        "quantum9000 on alpha",
        "Elapsed '1-02:aa' is not a duration",
        "book version 12",
    ):
        assert expected in page.text, expected


def test_a_page_of_nothing_and_of_one_job_are_drawn():
    assert "0 g CO₂e" in Page(to_html(report_of(week_of_runs(2).iloc[:0], previous=None))).text
    assert "Largest jobs" in Page(to_html(report_of(week_of_runs(1)))).text


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        pytest.param({"user": ["alice"], "cluster": ["alpha"]}, ("user", "alice"), id="a user"),
        pytest.param({"account": ["ml"]}, ("account", "ml"), id="a project"),
        pytest.param({"cluster": ["alpha"]}, ("cluster", "alpha"), id="a cluster"),
        pytest.param({"user": ["alice", "bob"]}, ("site", "Example HPC"), id="two users"),
        pytest.param({}, ("site", "Example HPC"), id="everything"),
    ],
)
def test_subject_of_filters(filters, expected):
    subject = subject_of(report_of(week_of_runs(3), filters=filters))
    assert (subject.kind, subject.name) == expected


@pytest.mark.parametrize(
    "name", ["alice", "../../etc/passwd", "a" * 300, "", "ümlaut", "模型", "\ud800", "x\x00y", "."]
)
def test_file_names_are_plain(name):
    assert re.fullmatch(
        r"user-([a-z0-9-]{1,40}-)?[0-9a-f]{8}\.html", Subject("user", name).file_name
    )


def test_names_that_clean_alike_stay_apart():
    names = ["a/b", "a b", "A-B", "a-b"]
    assert len({Subject("user", name).file_name for name in names}) == len(names)
    assert Subject("user", "x").file_name != Subject("account", "x").file_name


def test_site_links_every_page():
    rows = hostile(week_of_runs())
    pages = [PageInput(Subject("site", "Example HPC"), report_of(rows, filters={}))]
    pages += [
        PageInput(Subject("user", str(name)), report_of(rows[rows["user"] == name]))
        for name in rows["user"].dropna().unique()
    ]
    text_of = render_site(pages)
    assert list(text_of)[-1] == INDEX_NAME
    index = Page(text_of[INDEX_NAME])
    links = [attributes["href"] for attributes in index.all("a")]
    assert sorted([INDEX_NAME, *links]) == sorted(text_of)
    assert "<b>mallory</b>" in index.text
    assert f'href="{INDEX_NAME}"' in text_of[links[0]]
    assert [m["content"] for m in index.all("meta") if "http-equiv" in m] == [POLICY]


def test_no_pages_no_site():
    assert render_site([]) == {}


def test_same_report_same_bytes():
    rows = week_of_runs(30)
    assert to_html(report_of(rows)) == to_html(report_of(rows))


def test_marks_tell_sound_from_doubtful():
    rows = week_of_runs(20).assign(intensity_measured_ratio=1.0, is_open=True)
    html = to_html(report_of(rows))
    marks = re.findall(r"<li( class=\"\w+\")?>(?:<span[^>]*>Mind: </span>)?([A-Z0-9][\w ]+)", html)
    mark_of = {text: mark for mark, text in marks}
    assert mark_of["Grid intensity of DE"] == ' class="sound"'
    assert mark_of["20 runs had not ended"] == ' class="doubt"'
    assert mark_of["Energy"] == ""


def test_what_has_no_width_is_no_range_on_the_page():
    rows = week_of_runs(20)
    flat = {
        f"{name}_{bound}_{unit}": rows[f"{name}_{unit}"]
        for name, unit in (("energy", "wh"), ("carbon", "g"))
        for bound in ("low", "high")
    }
    rows = rows.assign(**flat, pue=1.0, it_energy_wh=rows["energy_wh"])
    report = report_of(rows, recommendations=())
    page = Page(to_html(report))
    assert "known only within bounds" not in page.text
    assert "Cooling and supply" not in page.text
    energy = f"Energy {energy_text(report.totals.energy_wh)} Grid intensity"
    assert energy in page.text


def test_an_upper_limit_is_called_so_on_the_page():
    limited = replace(ADVICE[0], evidence={"saving_is": "upper limit"})
    text = Page(to_html(report_of(week_of_runs(), recommendations=(limited,)))).text
    assert "Up to 5.31 kg CO₂e less range 3.70 to 7.80 kg" in text


def test_a_command_wraps_between_its_words_only():
    command = "sbatch --requeue --signal=B:USR1@300 <job>.sh"
    html = to_html(
        report_of(week_of_runs(), recommendations=(replace(ADVICE[0], command=command),))
    )
    shown = re.search(r"<pre[^>]*><code>(.*?)</code>", html)[1]
    assert re.sub(r"</?span>", "", shown) == command.replace("<", "&lt;").replace(">", "&gt;")
    assert "<span>--signal=B:USR1@300</span>" in shown
    assert re.search(r"pre \{[^}]*white-space: pre-wrap", html)
