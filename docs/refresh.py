"""Run what the documentation shows and write down what came out.

`make docs` refreshes every ```console block of the pages, docs/commands.md, docs/page.png and at
last what `make test` ends with. Tests run the same functions and compare, so that no page can show
what the program does not do. A line `[...]` in a block stands for lines that are left out; those
around it stay exact.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import typer.main

from auditor.cli.app import app

ROOT = Path(__file__).parent.parent
PAGES = ("README.md", "docs/demo.md", "docs/method.md")
README = ROOT / "README.md"
COMMANDS_PAGE = ROOT / "docs" / "commands.md"
PICTURE = ROOT / "docs" / "page.png"
NOW = "2026-11-23T05:00:00Z"
LEFT_OUT = "[...]"
PICTURE_SIZE = (1100, 1190)

_BLOCK = re.compile(
    r"(?<=```console\n)\$ (?P<command>[^\n]+)\n(?P<shown>.*?)(?=^```)", re.DOTALL | re.MULTILINE
)
# How the tools that `make test` runs end.
_CLOSING = re.compile(
    r"^(?:All checks passed!|\d+ files already formatted|Success: no issues found in .*|"
    r"Contracts: \d+ kept, \d+ broken\.|\d+ passed.* in [\d.]+s.*)$",
    re.MULTILINE,
)
_TEST_BLOCK = re.compile(r"(?<=```text\n\$ make test\n).*?(?=^```)", re.DOTALL | re.MULTILINE)
_COMMANDS_HEAD = """# Commands

What `--help` says, command by command. This page is written by `make docs`.
"""


def run(command: str, folder: Path) -> str:
    """Run one command of a page in a folder and return what it writes on stdout.

    `make demo` is what it does once the environment stands: `auditor demo`.

    Raises
    ------
    RuntimeError
        The command failed; pages show what works.
    """
    words = shlex.split("auditor demo" if command == "make demo" else command)
    if words[0] != "auditor":
        msg = f"pages may run auditor only, not {words[0]}"
        raise RuntimeError(msg)
    program = Path(sys.executable).parent / words[0]
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    environment = kept | {"AUDITOR_NOW": NOW, "COLUMNS": "80", "LC_ALL": "C.UTF-8", "NO_COLOR": "1"}
    done = subprocess.run(  # noqa: S603  (our own program and a browser on our own page)
        [program, *words[1:]],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    if done.returncode != 0:
        msg = f"{command} ended with {done.returncode}: {done.stderr}"
        raise RuntimeError(msg)
    return "".join(f"{line.rstrip()}\n" for line in done.stdout.splitlines())


def shortened(output: str, shown: str) -> str:
    """Leave out of an output as much as the block that shows it does."""
    if LEFT_OUT not in shown.splitlines():
        return output
    before, after = shown.split(f"{LEFT_OUT}\n", maxsplit=1)
    lines = output.splitlines(keepends=True)
    n_before, n_after = before.count("\n"), after.count("\n")
    return "".join((*lines[:n_before], f"{LEFT_OUT}\n", *lines[len(lines) - n_after :]))


def refreshed(text: str, folder: Path) -> str:
    """Return a page with every block as its command writes it today, run one after the other."""

    def block(found: re.Match[str]) -> str:
        output = run(found["command"], folder)
        return f"$ {found['command']}\n{shortened(output, found['shown'])}"

    return _BLOCK.sub(block, text)


def verbs() -> Iterator[str]:
    """Name every command, groups and their members alike."""
    pending = [("auditor", typer.main.get_command(app))]
    while pending:
        name, command = pending.pop(0)
        yield name
        members = getattr(command, "commands", {})
        pending += [(f"{name} {member}", members[member]) for member in members]


def commands_page(folder: Path) -> str:
    """Write the help of every command as one page."""
    parts = (f"\n## {name}\n\n```text\n{run(f'{name} --help', folder)}```\n" for name in verbs())
    return "".join((_COMMANDS_HEAD, *parts))


def take_picture(page: Path, picture: Path) -> None:
    """Let a real browser draw a page.

    Raises
    ------
    RuntimeError
        There is no Chromium.
    """
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        msg = "the picture needs chromium"
        raise RuntimeError(msg)
    width, height = PICTURE_SIZE
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(  # noqa: S603  (our own program and a browser on our own page)
            [browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
             f"--user-data-dir={profile}", f"--window-size={width},{height}",
             f"--screenshot={picture}", page.resolve().as_uri()],
            check=True, capture_output=True, timeout=120,
        )  # fmt: skip


def bare_copy(folder: Path) -> Path:
    """Copy the checkout to where nothing lies beside it, as a reader has it."""
    left_out = shutil.ignore_patterns(
        ".git", ".venv", ".hypothesis", ".*_cache", "__pycache__", "dist", "demo-out", "bench-out"
    )
    return Path(shutil.copytree(ROOT, folder / "checkout", ignore=left_out))


def test_steps() -> list[list[str]]:
    """Return the commands of `make test` as the Makefile has them, of this environment."""
    recipe = _output(["make", "-n", "test"], ROOT)
    lines = re.findall(
        r"^\.venv/bin/((?:ruff|mypy|lint-imports|pytest)\b.*)$", recipe, re.MULTILINE
    )
    folder = Path(sys.executable).parent
    return [[str(folder / tool), *words] for tool, *words in map(shlex.split, lines)]


def n_collected(step: list[str], checkout: Path) -> int:
    """Count the tests that a pytest command selects in a checkout, without running them."""
    collect = ["--collect-only", "-p", "no:cacheprovider", "-n", "0"]
    listed = _output([*step, *collect], checkout)
    found = re.search(r"^(\d+) tests collected", listed, re.MULTILINE)
    if found is None:
        msg = f"pytest did not say how many tests it collected: {listed[-2000:]}"
        raise RuntimeError(msg)
    return int(found[1])


def test_transcript() -> list[str]:
    """Return the lines of the README that show how `make test` ends."""
    found = _TEST_BLOCK.search(README.read_text(encoding="utf-8"))
    if found is None:
        msg = "README.md has no block `$ make test`"
        raise RuntimeError(msg)
    return found[0].splitlines()


def refresh_test_transcript(folder: Path) -> None:
    """Run what `make test` runs, in a copy, and put the closing lines into the README.

    One of the tests compares the numbers of tests with the block, so the copy gets those first.
    """
    checkout, steps = bare_copy(folder), test_steps()
    is_pytest = [Path(step[0]).name == "pytest" for step in steps]
    shown = [
        f"{n_collected(step, checkout)} passed in 0.00s" if runs_tests else _closing(step, checkout)
        for step, runs_tests in zip(steps, is_pytest, strict=True)
    ]
    _put_test_transcript(checkout / README.name, shown)
    for place, step in enumerate(steps):
        if is_pytest[place]:
            shown[place] = _closing(step, checkout)
    _put_test_transcript(README, shown)


def _closing(step: list[str], checkout: Path) -> str:
    return _CLOSING.findall(_output(step, checkout))[-1]


def _put_test_transcript(page: Path, lines: list[str]) -> None:
    block = "".join(f"{line}\n" for line in lines)
    text = _TEST_BLOCK.sub(lambda _: block, page.read_text(encoding="utf-8"))
    page.write_text(text, encoding="utf-8")


def _output(words: list[str], checkout: Path) -> str:
    """Run a tool of the development in a checkout and return what it writes on stdout.

    Raises
    ------
    RuntimeError
        It failed.
    """
    inherited = {name: value for name, value in os.environ.items() if "PYTEST" not in name}
    done = subprocess.run(  # noqa: S603  (make, pytest and what the Makefile names)
        words, cwd=checkout, env=inherited | {"NO_COLOR": "1"}, capture_output=True, text=True,
        check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    if done.returncode != 0:
        said = (done.stdout + done.stderr)[-4000:]
        msg = f"{shlex.join(words)} ended with {done.returncode}: {said}"
        raise RuntimeError(msg)
    return done.stdout


def main() -> None:
    """Refresh the pages, the command reference, the picture and the end of `make test`."""
    for page in PAGES:
        with tempfile.TemporaryDirectory() as folder:
            path = ROOT / page
            path.write_text(
                refreshed(path.read_text(encoding="utf-8"), Path(folder)), encoding="utf-8"
            )
            sys.stdout.write(f"refreshed {page}\n")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        COMMANDS_PAGE.write_text(commands_page(folder), encoding="utf-8")
        run("auditor demo", folder)
        page = next((folder / "demo-out" / "pages").glob("site-*.html"))
        take_picture(page, PICTURE)
        sys.stdout.write(
            f"refreshed docs/commands.md, docs/page.png ({PICTURE.stat().st_size} bytes)\n"
        )
    sys.stdout.write("running what `make test` runs, for its closing lines\n")
    sys.stdout.flush()
    with tempfile.TemporaryDirectory() as name:
        refresh_test_transcript(Path(name))


if __name__ == "__main__":
    main()
