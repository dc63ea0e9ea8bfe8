"""What the README promises of one's own export, by the installed command in an empty folder."""

import json
import re
from pathlib import Path

import pytest

from tests.end_to_end.conftest import Demo, run_auditor

ROOT = Path(__file__).parents[2]
WITH_CLUSTER = ROOT / "data" / "samples" / "alpha-sacct.txt.xz"
WITHOUT_CLUSTER = """\
JobID|User|State|Submit|Start|End|ElapsedRaw|NCPUS|ReqMem|AllocTRES|TotalCPU
1|bob|COMPLETED|1795000000|1795000000|1795036000|36000|16|64G|cpu=16,mem=64G,node=1|80:00:00
2|bob|COMPLETED|1795000000
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    (tmp_path / "week.txt").write_text(WITHOUT_CLUSTER, encoding="utf-8")
    return tmp_path


def _configure(folder: Path, *clusters: str) -> None:
    tables = "".join(f'[[clusters]]\nname = "{name}"\npue = 1.3\n' for name in clusters)
    text = f'[ledger]\npath = "ledger"\n{tables}'
    (folder / "auditor.toml").write_text(text, encoding="utf-8")


def test_without_configuration_the_defaults_hold_and_are_said(tmp_path: Path) -> None:
    done = run_auditor("report", "--from", WITH_CLUSTER, "--json", cwd=tmp_path)
    assert done.code == 0, done.err
    document = json.loads(done.out)
    totals = document["totals"]
    assert 1000 * totals["carbon_g"] / totals["energy_wh"] == pytest.approx(486, abs=0.5)
    assert totals["energy_wh"] == pytest.approx(1.56 * totals["it_energy_wh"])
    assert [zone["zone"] for zone in document["provenance"]["intensity"]] == ["WORLD"]
    values = {factor["name"]: factor["value"] for factor in document["provenance"]["factors"]}
    (pue,) = (value for name, value in values.items() if name.startswith("PUE of "))
    assert pue.startswith("1.56 ")


def test_an_export_that_names_no_cluster_needs_a_name(own: Path) -> None:
    refused = run_auditor("report", "--from", "week.txt", cwd=own)
    assert refused.code == 2
    named = run_auditor("report", "--from", "week.txt", "-M", "alpha", "--json", cwd=own)
    assert named.code == 0, named.err
    assert [row["key"] for row in json.loads(named.out)["by"]["cluster"]] == ["alpha"]


def test_the_only_configured_cluster_is_taken_and_of_several_none(own: Path) -> None:
    _configure(own, "alpha")
    taken = run_auditor("ingest", "week.txt", cwd=own)
    assert taken.code == 0, taken.err
    assert "'alpha'" in taken.err
    assert "line 3 refused: " in taken.err
    _configure(own, "alpha", "beta")
    assert run_auditor("ingest", "week.txt", cwd=own).code == 2


def test_a_changed_configuration_is_said_until_the_runs_are_estimated_anew(own: Path) -> None:
    _configure(own, "alpha")
    assert run_auditor("ingest", "week.txt", cwd=own).code == 0
    file = own / "auditor.toml"
    file.write_text(file.read_text(encoding="utf-8").replace("1.3", "1.2"), encoding="utf-8")
    assert "auditor recompute" in run_auditor("report", cwd=own).out
    assert run_auditor("recompute", cwd=own).code == 0
    assert "auditor recompute" not in run_auditor("report", cwd=own).out


def test_codes_of_places_that_are_not_there(own: Path) -> None:
    _configure(own, "alpha")
    assert run_auditor("report", cwd=own).code == 75
    elsewhere = own / "nowhere" / "report.txt"
    done = run_auditor("report", "--from", "week.txt", "-o", elsewhere, cwd=own)
    assert done.code == 2
    assert not elsewhere.parent.exists()


def test_publish_deletes_pages_of_an_earlier_site_and_nothing_else(own: Path) -> None:
    _configure(own, "alpha")
    assert run_auditor("ingest", "week.txt", cwd=own).code == 0
    publish = ("publish", "--week", "2026-W47", "--out", "pages")
    assert run_auditor(*publish, cwd=own).code == 0
    pages = own / "pages"
    (pages / "mine.html").write_text("mine", encoding="utf-8")
    (bob,) = pages.glob("user-bob-*.html")
    _configure(own, "alpha")
    other = own / "week.txt"
    other.write_text(WITHOUT_CLUSTER.replace("|bob|", "|alice|"), encoding="utf-8")
    for path in sorted((own / "ledger").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    assert run_auditor("ingest", "week.txt", cwd=own).code == 0
    assert run_auditor(*publish, cwd=own).code == 0
    assert not bob.exists()
    assert (pages / "mine.html").read_text(encoding="utf-8") == "mine"
    assert list(pages.glob("user-alice-*.html"))


def test_the_job_that_the_method_page_redoes_has_its_numbers(demo: Demo) -> None:
    page = (ROOT / "docs" / "method.md").read_text(encoding="utf-8")
    asked = demo.ask(
        "report", "--jobs", "42354", "--cluster", "beta", "--json", "--week", "2026-W47"
    )
    (job,) = json.loads(asked.out)["jobs"]
    for name, row in (("energy", r"energy, Wh \| x 1\.1 = "), ("carbon", r"carbon, g \| ")):
        unit = "wh" if name == "energy" else "g"
        bounds = [job[f"{name}{bound}_{unit}"] for bound in ("_low", "", "_high")]
        cells = r" \| ".join(re.escape(f"{bound:.1f}") for bound in bounds)
        assert re.search(rf"^\| {row}{cells} \|$", page, re.MULTILINE)
