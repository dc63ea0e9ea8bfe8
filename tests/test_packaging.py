"""The wheel and the sdist hold everything, and an installed wheel works away from the checkout."""

import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

import auditor
from auditor.resources import FOLDERS

ROOT = Path(__file__).parent.parent

pytestmark = pytest.mark.slow


def _run(*words: str | Path, cwd: Path) -> str:
    done = subprocess.run(words, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "--directory"]
    _run(*build, folder, "--target", "sdist", cwd=ROOT)
    (sdist,) = folder.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    # From the sdist, as an index would: what it lacks the wheel lacks, too.
    unpacked = folder / sdist.name.removesuffix(".tar.gz")
    _run(*build, folder, "--target", "wheel", cwd=unpacked)
    (wheel,) = folder.glob("*.whl")
    return {"sdist": sdist, "wheel": wheel}


def _shipped_files() -> set[str]:
    paths = {path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.is_file()}
    paths = {path for path in paths if "__pycache__" not in path.parts}
    return {path.relative_to(ROOT).as_posix() for path in paths}


def test_the_wheel_holds_the_four_folders_whole(built: dict[str, Path]) -> None:
    with zipfile.ZipFile(built["wheel"]) as archive:
        names = set(archive.namelist())
    assert {f"auditor/_share/{name}" for name in _shipped_files()} <= names
    assert "auditor/py.typed" in names


def test_the_sdist_holds_what_tests_and_documentation_need(built: dict[str, Path]) -> None:
    with tarfile.open(built["sdist"]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = {
        "Makefile",
        "README.md",
        "CHANGELOG.md",
        "LICENSE",
        "tests/conftest.py",
        "docs/page.png",
    }
    assert wanted | _shipped_files() <= names


def test_an_installed_wheel_runs_without_the_checkout(
    built: dict[str, Path], tmp_path: Path
) -> None:
    environment = tmp_path / "environment"
    _run(sys.executable, "-m", "venv", environment, cwd=tmp_path)
    program = environment / "bin" / "auditor"
    install = ("-m", "pip", "install", "--quiet", "--no-deps", "--no-index", built["wheel"])
    _run(environment / "bin" / "python", *install, cwd=tmp_path)
    # The dependencies are the locked ones of this environment; its editable auditor stays out.
    paths = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (packages,) = environment.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text("\n".join(sorted(paths)) + "\n", encoding="utf-8")
    version = _run(program, "--version", cwd=tmp_path)
    assert version == f"auditor {auditor.__version__}\n"
    where = "import auditor; print(auditor.__file__)"
    assert str(environment) in _run(environment / "bin" / "python", "-c", where, cwd=tmp_path)
    assert "pages" in _run(program, "demo", "--out", tmp_path / "out", cwd=tmp_path)
    assert (tmp_path / "out" / "pages" / "index.html").is_file()


def test_no_lock_names_an_index_or_a_path() -> None:
    for lock in sorted((ROOT / "requirements").glob("*.txt")):
        text = lock.read_text(encoding="utf-8")
        assert re.search(r"--(index-url|extra-index-url|find-links)|file:|https?:", text) is None
        pins = re.findall(r"^[a-z][\w.-]*==", text, re.MULTILINE)
        hashed = re.findall(r"^[a-z][\w.-]*==[^\n]* \\\n    --hash=sha256:", text, re.MULTILINE)
        assert len(pins) == len(hashed) > 10


def test_the_locks_hold_every_declared_dependency() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    declared = set(re.findall(r'^    "([A-Za-z0-9-]+)[>=]', project, re.MULTILINE))
    locked = (ROOT / "requirements" / "dev.txt").read_text(encoding="utf-8")
    names = set(re.findall(r"^([a-z][\w.-]*)==", locked, re.MULTILINE))
    assert declared <= names


@pytest.mark.parametrize(
    "words", [pytest.param(("-n", "demo"), id="demo"), pytest.param(("-n", "test"), id="test")]
)
def test_the_makefile_can_be_read(words: tuple[str, ...]) -> None:
    if shutil.which("make") is None:
        pytest.skip("no make")
    assert ".venv/bin/" in _run("make", *words, cwd=ROOT)
