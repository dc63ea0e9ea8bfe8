"""The folders are the architecture, and a linter proves it."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
MAX_FILE_LINES = 300
FORBIDDEN_NAMES = {"utils", "util", "common", "core", "helpers", "misc", "manager"}


def test_every_layer_imports_only_those_below_it() -> None:
    linter = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run(
        [linter, "--no-logo"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def _layers() -> set[str]:
    configuration = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = configuration["tool"]["importlinter"]["contracts"][0]["layers"]
    return {word for layer in layers for word in re.split(r"[ |]+", layer)}


def test_every_folder_and_file_of_the_package_has_a_layer() -> None:
    parts = {path.stem for path in (ROOT / "auditor").iterdir() if path.suffix == ".py"}
    parts |= {path.parent.name for path in (ROOT / "auditor").glob("*/__init__.py")}
    assert parts - {"__init__"} <= _layers()


# A stage that reads from many providers has a folder for each: what one writes concerns no other.
BY_PROVIDER = {"normalize": {"kubernetes", "opencost", "prometheus", "table"}}


def test_depth_is_one_and_no_name_says_nothing() -> None:
    paths = [path.relative_to(ROOT / "auditor") for path in (ROOT / "auditor").rglob("*.py")]
    deeper = {path.parts[:-1] for path in paths if len(path.parts) > 2}
    assert deeper == {(stage, one) for stage, ones in BY_PROVIDER.items() for one in ones}
    words = {word for path in paths for part in path.parts for word in [part.removesuffix(".py")]}
    assert words & FORBIDDEN_NAMES == set()


def test_no_file_grows_beyond_a_few_pages() -> None:
    too_long = {
        str(path.relative_to(ROOT)): n_lines
        for folder in ("auditor", "benchmarks")
        for path in (ROOT / folder).rglob("*.py")
        if (n_lines := len(path.read_text(encoding="utf-8").splitlines())) > MAX_FILE_LINES
    }
    assert too_long == {}
