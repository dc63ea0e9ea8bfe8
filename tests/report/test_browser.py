"""What only a real browser can tell: no request, no script, no sideways scrolling, both themes."""

import os
import re
import shutil
import struct
import subprocess
import zlib
from pathlib import Path

import pytest

from auditor.report.page import to_html
from tests.report.fakes import hostile, report_of, runaway, week_of_runs

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        CHROMIUM is None and not os.environ.get("CI"), reason="needs a Chromium to look with"
    ),
]
DARK = "--blink-settings=preferredColorScheme=0"
PROBE = "<script>document.title='wide:'+document.documentElement.scrollWidth;</script>"


def look(folder: Path, name: str, *options: str) -> str:
    """Run the browser on a page and return what it prints."""
    done = subprocess.run(
        [
            CHROMIUM or "chromium",
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
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
    for width in (320, 400):
        frame = f"<iframe src='probe.html' style='border:0;width:{width}px;height:9000px'></iframe>"
        (folder / f"frame-{width}.html").write_text(
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
def test_a_narrow_screen_does_not_scroll_sideways(folder, width):
    options = ("--allow-file-access-from-files", "--dump-dom", "--window-size=900,900")
    assert title_of(look(folder, f"frame-{width}.html", *options)) == f"wide:{width}"


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
