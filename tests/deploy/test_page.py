"""The page on deployment names files, verbs and keys that there are."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

from auditor.cli.app import app
from auditor.settings.load import parse_settings
from auditor.wiring.check import problems

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")


def _blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)


def test_every_shipped_file_that_is_named_is_there_and_none_is_forgotten() -> None:
    named = set(re.findall(r"\bdeploy/[\w/.-]+", PAGE))
    shipped = {path.relative_to(ROOT).as_posix() for path in (ROOT / "deploy").glob("*/auditor*")}
    assert named == shipped


def test_every_verb_that_is_named_is_there() -> None:
    verbs = set(get_command(app).commands)
    shell = "\n".join(_blocks("sh"))
    named = set(re.findall(r"(?:^|-- )auditor ([a-z]+)", shell, re.MULTILINE))
    assert {"doctor", "collect", "config"} <= named
    assert named <= verbs


def test_the_configuration_is_valid(tmp_path: Path) -> None:
    (block,) = _blocks("toml")
    settings = parse_settings(block, tmp_path)
    assert problems(settings) == []
    assert [cluster.collect for cluster in settings.clusters] == ["sacct"]


@pytest.mark.parametrize("code", [0, 1, 6, 75])
def test_the_codes_of_the_daemon_are_told(code: int) -> None:
    assert f"\n| {code} | " in PAGE
