"""What the pages show is what the program does: blocks are run, commands and codes are listed."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from auditor import errors
from auditor.carbon.bands import CarbonBands
from auditor.domain.hardware import HardwareDefaults
from auditor.hardware.accelerator_power import MEASURED_IDLE_SPREAD_RATIO
from auditor.settings.load import load_settings
from auditor.settings.models import EnergySection, Settings
from auditor.wiring.check import problems
from docs import refresh

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
METHOD = (ROOT / "docs" / "method.md").read_text(encoding="utf-8")
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


@pytest.fixture(scope="module")
def shown_of_make_test() -> list[str]:
    return refresh.test_transcript()


def _tool(*words: str) -> str:
    program = Path(sys.executable).parent / words[0]
    done = subprocess.run(
        [program, *words[1:]], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


def test_the_transcript_of_make_test_names_the_tools_it_runs(shown_of_make_test) -> None:
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8")
    tools = re.findall(r"^\t\$\(BIN\)/(ruff|mypy|lint-imports|pytest)", recipe, re.MULTILINE)
    assert sorted(tools) == ["lint-imports", "mypy", "pytest", "pytest", "ruff", "ruff"]
    assert len(shown_of_make_test) == len(tools)


def test_ruff_says_what_the_transcript_shows(shown_of_make_test) -> None:
    said = [_tool("ruff", "check").strip(), _tool("ruff", "format", "--check").strip()]
    assert said == shown_of_make_test[:2], "run `make docs`"


def test_the_type_checker_sees_as_many_files_as_the_transcript_shows(shown_of_make_test) -> None:
    n_files = len(list((ROOT / "auditor").rglob("*.py")))
    expected = f"Success: no issues found in {n_files} source files"
    assert shown_of_make_test[2] == expected, "run `make docs`"


def test_the_transcript_shows_every_contract_kept(shown_of_make_test) -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    n_contracts = project.count("[[tool.importlinter.contracts]]")
    assert shown_of_make_test[3] == f"Contracts: {n_contracts} kept, 0 broken."


def test_the_transcript_counts_the_tests_there_are(shown_of_make_test, tmp_path: Path) -> None:
    if shutil.which("make") is None:
        pytest.skip("no make")
    checkout = refresh.bare_copy(tmp_path)
    steps = [step for step in refresh.test_steps() if Path(step[0]).name == "pytest"]
    line = r"(\d+) passed(?:, (\d+) skipped)? in [\d.]+s(?: \(\d:\d\d:\d\d\))?"
    found = [re.fullmatch(line, shown) for shown in shown_of_make_test[4:]]
    n_shown = [int(one[1]) + int(one[2] or 0) for one in found if one is not None]
    assert n_shown == [refresh.n_collected(step, checkout) for step in steps], "run `make docs`"


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
    block = _blocks("toml")[0]
    path = tmp_path / "auditor.toml"
    path.write_text(block, encoding="utf-8")
    settings = load_settings(path).settings
    assert [cluster.name for cluster in settings.clusters] == ["alpha"]
    assert settings.ledger.path == tmp_path / "ledger"
    assert problems(settings) == []
    assert len(block.splitlines()) <= 14


def test_every_configuration_that_is_shown_is_sound(tmp_path: Path) -> None:
    deploying = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```toml\n(.*?)^```", README + deploying, re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 3
    for block in blocks:
        path = tmp_path / "auditor.toml"
        path.write_text(block, encoding="utf-8")
        assert problems(load_settings(path).settings) == []


def test_the_readme_and_the_page_on_exports_ask_sacct_for_the_same() -> None:
    exports = (ROOT / "docs" / "exports.md").read_text(encoding="utf-8")
    shown = re.search(r"sacct (\S+ --noconvert).*?(-o \S+)", README, re.DOTALL)
    assert shown is not None
    assert f"sacct {shown[1]} -S" in exports
    assert f"  {shown[2]} \\\n  > week.txt" in exports


def test_the_method_page_has_every_key_of_the_energy_model() -> None:
    keys = set(EnergySection.model_fields) - {"method"}
    assert [key for key in sorted(keys) if f"| `{key}` | " not in METHOD] == []
    assert {"pue", "pue_low", "pue_high"} < set(type(Settings().defaults).model_fields)
    assert "| `[defaults] pue_low`, `pue`, `pue_high` |" in METHOD


def test_the_method_page_has_the_fixed_constants() -> None:
    bands, defaults = CarbonBands(), HardwareDefaults()
    for name, ratio in (
        ("measured", bands.measured_ratio),
        ("forecast", bands.forecast_ratio),
        ("estimated by the provider", bands.estimated_ratio),
        ("annual value, or one stated in the configuration", bands.annual_ratio),
    ):
        assert f"| {name} | {ratio * 100:g} % |" in METHOD
    for triple in (
        defaults.unknown_gpu_max_w,
        defaults.unknown_gpu_idle_w,
        defaults.unknown_cpu_w_per_core,
        defaults.gpu_idle_ratio,
        (1 - MEASURED_IDLE_SPREAD_RATIO, 1, 1 + MEASURED_IDLE_SPREAD_RATIO),
    ):
        assert f" | {' / '.join(f'{value:g}' for value in triple)}" in METHOD
    assert f"| idle of a core over its maximum | {defaults.cpu_idle_ratio[1]:g} |" in METHOD


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
