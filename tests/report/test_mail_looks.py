"""What only a browser and the checkers of the web can tell about a mail: see tests/node."""

import base64
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.report.mail_cases import CASES

NODE_MODULES = Path(__file__).parent.parent / "node" / "node_modules"
CONFIG = NODE_MODULES.parent / ".htmlvalidate.cjs"
CHECKER = NODE_MODULES / "html-validate" / "bin" / "html-validate.mjs"
AXE = NODE_MODULES / "axe-core" / "axe.min.js"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
IS_CI = bool(os.environ.get("CI"))
NODE_MISSING = shutil.which("node") is None or not CHECKER.exists()
needs_node = pytest.mark.skipif(
    NODE_MISSING and not IS_CI, reason="needs node and `npm ci --prefix tests/node`"
)
needs_browser = pytest.mark.skipif(
    (CHROMIUM is None or not AXE.exists()) and not IS_CI,
    reason="needs a Chromium and `npm ci --prefix tests/node`",
)
THEMES = {"light": (), "dark": ("--blink-settings=preferredColorScheme=0",)}
# Looks at each mail in a frame of a width, as a mail client does, and at its contrast.
LOOK = """<script>onload = async () => {
  const found = {};
  for (const frame of document.querySelectorAll("iframe")) {
    const page = frame.contentDocument;
    const result = await frame.contentWindow.axe.run(page);
    found[frame.name] = {
      wide: page.documentElement.scrollWidth - frame.clientWidth,
      checked: result.passes.map(rule => rule.id),
      wrong: result.violations.concat(result.incomplete).map(
        rule => rule.id + ": " + rule.nodes.map(node => node.html).slice(0, 3).join(" | ")),
    };
  }
  document.title = "found:" + JSON.stringify(found);
}</script>"""


@pytest.fixture(scope="module")
def mails():
    return {name: make() for name, make in CASES.items()}


def validate(html: str, folder: Path) -> str:
    file = folder / "mail.html"
    file.write_text(html, encoding="utf-8")
    command = ["node", str(CHECKER), "--config", str(CONFIG), "--formatter=text", str(file)]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    return run.stdout + run.stderr


def look(folder: Path, pages: dict[str, str], width: int, *options: str) -> dict:
    frames = []
    for number, (name, html) in enumerate(pages.items()):
        file = folder / f"{number}.html"
        script = f'<script src="{AXE.as_uri()}"></script></body>'
        file.write_text(html.replace("</body>", script), encoding="utf-8")
        frames.append(
            f'<iframe name="{name}" src="{number}.html" width="{width}" height="3000" '
            'style="border:0;display:block"></iframe>'
        )
    frame_page = folder / "frames.html"
    frame_page.write_text(f"<!doctype html>{LOOK}{''.join(frames)}", encoding="utf-8")
    run = subprocess.run(
        [
            *(CHROMIUM or "chromium", "--headless", "--no-sandbox", "--disable-gpu"),
            *("--allow-file-access-from-files", f"--user-data-dir={folder / 'profile'}"),
            *("--virtual-time-budget=60000", "--window-size=800,3000", *options, "--dump-dom"),
            frame_page.as_uri(),
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=240,
    )
    title = re.search(r"<title>found:(.*?)</title>", run.stdout, re.DOTALL)
    assert title, run.stderr[-2000:]
    entities = {"&lt;": "<", "&gt;": ">", "&amp;": "&"}
    return json.loads(re.sub("&(lt|gt|amp);", lambda found: entities[found[0]], title[1]))


def with_pictures(mail) -> str:
    html = mail.html
    for picture in mail.pictures:
        data = base64.b64encode(picture.png).decode()
        html = html.replace(f"cid:{picture.name}", f"data:image/png;base64,{data}")
    return html


@needs_node
@pytest.mark.parametrize("name", CASES)
def test_html_is_valid(mails, name, tmp_path):
    assert validate(mails[name].html, tmp_path) == ""


@needs_node
def test_the_validator_finds_what_is_wrong(mails, tmp_path):
    broken = mails["user"].html.replace(' alt="', ' title="').replace("</p>", "", 1)
    assert "alt" in validate(broken, tmp_path)


@needs_browser
@pytest.mark.browser
@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", [375, 600])
def test_everybody_can_read_it(mails, width, theme, tmp_path):
    """With pictures and with pictures blocked: no rule of axe is broken and nothing sticks out."""
    shown = {name: with_pictures(mail) for name, mail in mails.items()}
    blocked = {f"{name}, blocked": mail.html for name, mail in mails.items()}
    found = look(tmp_path, shown | blocked, width, *THEMES[theme])
    assert set(found) == set(shown | blocked)
    assert all("color-contrast" in one["checked"] for one in found.values())
    assert {name: one["wrong"] for name, one in found.items() if one["wrong"]} == {}
    assert {name: one["wide"] for name, one in found.items() if one["wide"] > 0} == {}


@needs_browser
@pytest.mark.browser
def test_the_look_finds_what_is_wrong(mails, tmp_path):
    html = mails["user"].html
    pale = html.replace("color:#57606a", "color:#c0c0c0")
    wide = html.replace("</h1>", f"</h1><pre>{'x' * 500}</pre>")
    found = look(tmp_path, {"pale": pale, "wide": wide}, 375)
    assert any(wrong.startswith("color-contrast") for wrong in found["pale"]["wrong"])
    assert found["wide"]["wide"] > 0
