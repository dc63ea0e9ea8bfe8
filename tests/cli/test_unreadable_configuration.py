"""A system configuration that this user may not read: what needs none works all the same."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def closed(site, monkeypatch):
    """Close the system's configuration to this user, and leave none beside the export."""
    (site / "auditor.toml").unlink()
    real, usual = Path.is_file, Path("/etc/auditor/auditor.toml")

    def is_file(self: Path) -> bool:
        if self == usual:
            raise PermissionError(13, "Permission denied")
        return real(self)

    monkeypatch.setattr(Path, "is_file", is_file)


@pytest.mark.parametrize(
    ("words", "n_lines"),
    [
        pytest.param(
            ["report", "--cluster", "alpha", "-S", "2026-11-16", "--from", "jobs.txt"],
            1,
            id="report",
        ),
        pytest.param(["factors"], 0, id="factors"),
        pytest.param(["estimate", "--gpu", "T4", "--zone", "DE", "--hours", "1"], 0, id="estimate"),
    ],
)
def test_what_needs_no_configuration_works_with_one_line_about_it(run, words, n_lines):
    answer = run(*words)
    assert answer.code == 0, answer.err
    assert answer.err.count("cannot be read by this user: the defaults hold") == n_lines
    assert answer.out


@pytest.mark.parametrize("verb", ["report", "publish", "send", "collect", "check", "daemon"])
def test_what_needs_it_ends_with_a_sentence(run, verb):
    answer = run(verb)
    assert answer.code == 6
    assert "/etc/auditor/auditor.toml cannot be read by this user" in answer.err
    assert "--config" in answer.err
