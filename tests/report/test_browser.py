"""What only a real browser can tell: no request, no script, no sideways scrolling, both themes."""

import os
import re
import shutil
import struct
import subprocess
import zlib
from datetime import timedelta
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from auditor.domain.period import Period
from auditor.report.page import to_html
from tests.report.fakes import WEEK, ZONE, hostile, report_of, runaway, week_of_runs
from tests.report.pods import ADVICE_FOR_PODS, week_on_both

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        CHROMIUM is None and not os.environ.get("CI"), reason="needs a Chromium to look with"
    ),
]
DARK = "--blink-settings=preferredColorScheme=0"
PROBE = "<script>document.title='wide:'+document.documentElement.scrollWidth;</script>"


# Every two texts of a chart that are both seen, and where a text leaves the page.
OVERLAPS = """<script>onload = () => {
  const page = document.querySelector("iframe").contentDocument, found = [];
  for (const chart of page.querySelectorAll(".chart, .row-text")) {
    const boxes = [...chart.querySelectorAll("text, bdi, span")].filter(one => one.textContent)
      .map(one => [one.textContent, one.getBoundingClientRect()]).filter(([, box]) => box.width);
    boxes.forEach(([text, a], n) => {
      if (a.left < 0 || a.right > page.documentElement.clientWidth)
        found.push(text + " is outside");
      for (const [other, b] of boxes.slice(n + 1))
        if (a.left < b.right + 1 && b.left < a.right + 1 && a.top < b.bottom && b.top < a.bottom)
          found.push(text + " on " + other);
    });
  }
  document.title = "found:" + found.join("; ") + " of " +
    page.querySelectorAll(".chart text, .row-text span").length;
}</script>"""
SPANS = {
    "week": WEEK,
    "month": Period(WEEK.start_utc, WEEK.start_utc + timedelta(days=31), ZONE, "31 days"),
    "quarter": Period(WEEK.start_utc, WEEK.start_utc + timedelta(days=66), ZONE, "66 days"),
    "year": Period(WEEK.start_utc, WEEK.start_utc + timedelta(days=400), ZONE, "400 days"),
    "decade": Period(WEEK.start_utc, WEEK.start_utc + timedelta(days=3000), ZONE, "3,000 days"),
}
MODELS = (
    "NVIDIA A100-SXM4-80GB MIG 1g.10gb + NVIDIA V100-SXM2-32GB",
    "NVIDIA A100-SXM4-80GB MIG 1g.10gb",
    "M" * 70,
)


def lopsided(period: Period, factor: float) -> str:
    """Draw a page on which one of each group has nearly all, with long names and large numbers."""
    rows = week_of_runs(60, period=period)
    models = pd.Series([MODELS[0], MODELS[1], MODELS[2]] * 20, dtype="str")
    scale = np.where(np.arange(60) == 0, 1e4, 1.0) * factor
    scaled = [name for name in rows if name.endswith(("_wh", "carbon_g", "_low_g", "_high_g"))]
    rows = rows.assign(
        gpu_model=models.astype("category"), **{name: rows[name] * scale for name in scaled}
    )
    rows["account"] = pd.Series(["one"] * 60, dtype="str").astype("category")
    return to_html(report_of(rows, period, filters={}))


def look(folder: Path, name: str, *options: str) -> str:
    """Run the browser on a page and return what it prints."""
    done = subprocess.run(
        [
            CHROMIUM or "chromium",
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--virtual-time-budget=2000",
            f"--user-data-dir={folder / 'profile'}",
            *options,
            f"file://{folder / name}",
        ],
        capture_output=True,
        check=True,
        text=True,
        timeout=60,
    )
    return done.stdout


def first_pixel(png: bytes) -> tuple[int, int, int]:
    """Read the top left pixel of a PNG with 8 bits per channel; no filter changes it there."""
    place, packed = 8, b""
    while place < len(png):
        (length,) = struct.unpack(">I", png[place : place + 4])
        if png[place + 4 : place + 8] == b"IDAT":
            packed += png[place + 8 : place + 8 + length]
        place += length + 12
    row = zlib.decompress(packed)
    return row[1], row[2], row[3]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    html = to_html(report_of(runaway(hostile(week_of_runs())), filters={}))
    (folder / "page.html").write_text(html, "utf-8")
    # The probe may run only where the page's own policy is taken away.
    probed = re.sub(r"<meta http-equiv[^>]*>", "", html)
    (folder / "probe.html").write_text(probed.replace("</body>", f"{PROBE}</body>"), "utf-8")
    (folder / "blocked.html").write_text(html.replace("</body>", f"{PROBE}</body>"), "utf-8")
    pods = to_html(report_of(week_on_both(), filters={}, recommendations=ADVICE_FOR_PODS))
    (folder / "pods.html").write_text(re.sub(r"<meta http-equiv[^>]*>", "", pods), "utf-8")
    for width, page in product((320, 400), ("probe", "pods")):
        frame = (
            f"<iframe src='{page}.html' style='border:0;width:{width}px;height:9000px'></iframe>"
        )
        (folder / f"{page}-{width}.html").write_text(
            f"<body style='margin:0'>{frame}<script>onload=()=>document.title='wide:'+"
            "document.querySelector('iframe').contentDocument.documentElement.scrollWidth"
            "</script>",
            "utf-8",
        )
    return folder


def title_of(dom: str) -> str:
    found = re.search(r"<title>(.*?)</title>", dom)
    return found[1] if found else ""


def test_the_policy_stops_a_script_that_got_in(folder):
    assert title_of(look(folder, "probe.html", "--dump-dom")).startswith("wide:")
    assert not title_of(look(folder, "blocked.html", "--dump-dom")).startswith("wide:")


@pytest.mark.parametrize("width", [320, 400])
@pytest.mark.parametrize("page", ["probe", "pods"])
def test_a_narrow_screen_does_not_scroll_sideways(folder, page, width):
    options = ("--allow-file-access-from-files", "--dump-dom", "--window-size=900,900")
    assert title_of(look(folder, f"{page}-{width}.html", *options)) == f"wide:{width}"


@pytest.mark.parametrize("width", [320, 400, 560, 1000])
@pytest.mark.parametrize(
    ("span", "factor"),
    [
        *(pytest.param(span, 1.0, id=span) for span in SPANS),
        pytest.param("week", 0.077, id="numbers of five digits"),
    ],
)
def test_no_text_of_a_chart_is_on_another(tmp_path_factory, span, factor, width):
    folder = tmp_path_factory.getbasetemp() / f"charts-{span}-{factor}"
    if not folder.exists():
        folder.mkdir()
        (folder / "page.html").write_text(lopsided(SPANS[span], factor), "utf-8")
    frame = f"<iframe src='page.html' style='border:0;width:{width}px;height:9000px'></iframe>"
    (folder / "frame.html").write_text(f"<body style='margin:0'>{frame}{OVERLAPS}", "utf-8")
    options = ("--allow-file-access-from-files", "--dump-dom", "--window-size=1100,900")
    found = re.fullmatch(r"found:(.*) of (\d+)", title_of(look(folder, "frame.html", *options)))
    assert found is not None
    assert found[1] == ""
    assert int(found[2]) > 40


@pytest.mark.parametrize(
    ("options", "is_dark"),
    [pytest.param((), False, id="light"), pytest.param((DARK,), True, id="dark")],
)
def test_the_page_follows_the_theme(folder, options, is_dark):
    shot = folder / f"shot-{is_dark}.png"
    look(folder, "page.html", f"--screenshot={shot}", "--window-size=1000,800", *options)
    assert (sum(first_pixel(shot.read_bytes())) < 300) == is_dark


def test_the_page_prints(folder):
    pdf = folder / "page.pdf"
    look(folder, "page.html", f"--print-to-pdf={pdf}")
    assert pdf.read_bytes().startswith(b"%PDF")
