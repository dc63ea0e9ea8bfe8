import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

NOW = "2026-11-23T05:00:00Z"


@dataclass(frozen=True)
class Done:
    """How the installed command ended and what it wrote."""

    code: int
    out: str
    err: str


Auditor = Callable[..., Done]


def run_auditor(*words: str | Path, cwd: Path, stdin: bytes = b"") -> Done:
    program = Path(sys.executable).parent / "auditor"
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    environment = kept | {"AUDITOR_NOW": NOW, "LC_ALL": "C.UTF-8", "COLUMNS": "100"}
    done = subprocess.run(
        [program, *words], cwd=cwd, env=environment, input=stdin, capture_output=True, check=False
    )
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


@dataclass(frozen=True)
class Demo:
    """A demo that ran: its folder, its configuration and what it printed."""

    folder: Path
    printed: Done

    @property
    def configuration(self) -> Path:
        return self.folder / "demo-out" / "auditor.toml"

    def ask(self, *words: str | Path) -> Done:
        return run_auditor("--config", self.configuration, *words, cwd=self.folder)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    folder = tmp_path_factory.mktemp("demo")
    return Demo(folder, run_auditor("demo", cwd=folder))
