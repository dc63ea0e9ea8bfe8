"""What the pages show is what the program does: blocks are run, commands and codes are listed."""

import re
import shutil
from pathlib import Path

import pytest

from auditor import errors
from auditor.settings.load import load_settings
from docs import refresh

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
WRITTEN_PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def _blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("page", refresh.PAGES)
def test_every_transcript_is_what_the_commands_write(page: str, tmp_path: Path) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    assert "```console" in text
    assert refresh.refreshed(text, tmp_path) == text, "run `make docs`"


def test_the_readme_shows_the_demo_and_says_where_the_pages_are() -> None:
    demo = next(block for block in _blocks("console") if block.startswith("$ make demo\n"))
    assert re.search(r"Emitted +[\d.]+ k?g CO2e", demo)
    assert "demo-out/pages/index.html" in demo


def test_a_shortened_block_keeps_its_ends_and_notices_a_change() -> None:
    output = "one\ntwo\nthree\nfour\n"
    assert refresh.shortened(output, "one\n[...]\nfour\n") == "one\n[...]\nfour\n"
    assert refresh.shortened(output, "1\n[...]\n3\n4\n") == "one\n[...]\nthree\nfour\n"
    assert refresh.shortened(output, "anything\n") == output


def test_make_demo_is_auditor_demo() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "demo: $(STAMP)\n\t@$(BIN)/auditor demo\n" in makefile


TEST_LINES = (
    r"All checks passed!",
    r"\d+ files already formatted",
    r"Success: no issues found in \d+ source files",
    r"Contracts: \d+ kept, 0 broken\.",
    r"\d+ passed(, \d+ skipped)? in [\d.]+s( \(\d:\d\d:\d\d\))?",
    r"\d+ passed(, \d+ skipped)? in [\d.]+s( \(\d:\d\d:\d\d\))?",
)


def test_the_transcript_of_make_test_has_the_closing_line_of_each_tool_it_runs() -> None:
    block = next(block for block in _blocks("text") if block.startswith("$ make test\n"))
    lines = block.splitlines()[1:]
    assert len(lines) == len(TEST_LINES)
    for line, pattern in zip(lines, TEST_LINES, strict=True):
        assert re.fullmatch(pattern, line), line
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8")
    tools = re.findall(r"^\t\$\(BIN\)/(ruff|mypy|lint-imports|pytest)", recipe, re.MULTILINE)
    assert sorted(tools) == ["lint-imports", "mypy", "pytest", "pytest", "ruff", "ruff"]


def test_the_command_reference_is_what_help_says(tmp_path: Path) -> None:
    shown = refresh.COMMANDS_PAGE.read_text(encoding="utf-8")
    assert refresh.commands_page(tmp_path) == shown, "run `make docs`"


def test_every_command_is_documented() -> None:
    shown = refresh.COMMANDS_PAGE.read_text(encoding="utf-8")
    undocumented = [name for name in refresh.verbs() if f"\n## {name}\n" not in shown]
    assert undocumented == []
    assert len(list(refresh.verbs())) > 8


def test_every_exit_code_is_in_the_table() -> None:
    table = {int(code) for code in re.findall(r"^\| (\d+) \|", README, re.MULTILINE)}
    classes = [value for value in vars(errors).values() if isinstance(value, type)]
    codes = {value.exit_code for value in classes if issubclass(value, errors.AuditorError)}
    assert codes | {0} <= table


def test_the_configuration_in_the_readme_is_valid_and_short(tmp_path: Path) -> None:
    (block,) = _blocks("toml")
    path = tmp_path / "auditor.toml"
    path.write_text(block, encoding="utf-8")
    (cluster,) = load_settings(path).settings.clusters
    assert cluster.name == "alpha"
    assert len(block.splitlines()) <= 12


@pytest.mark.parametrize("page", WRITTEN_PAGES, ids=lambda page: page.name)
def test_links_to_files_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_the_picture_is_a_small_png() -> None:
    content = refresh.PICTURE.read_bytes()
    assert content.startswith(b"\x89PNG")
    assert 20_000 < len(content) <= 200_000


@pytest.mark.browser
def test_the_picture_can_be_taken_again(tmp_path: Path) -> None:
    if shutil.which("chromium") is None and shutil.which("google-chrome") is None:
        pytest.skip("no Chromium")
    page, picture = tmp_path / "page.html", tmp_path / "page.png"
    page.write_text("<!doctype html><title>a</title><p>b", encoding="utf-8")
    refresh.take_picture(page, picture)
    assert picture.read_bytes().startswith(b"\x89PNG")
