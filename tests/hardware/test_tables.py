import pytest

from auditor.errors import CatalogueError
from auditor.hardware.catalogue import Catalogue

ACCELERATORS = """\
name,vendor,kind,year,max_w,idle_w,idle_basis,memory_gb,max_mig_slices,calculator_name,calculator_w,source,source_date,note
Alpha 1,Alpha,gpu,2024,300,,assumed,24,0,,,https://example.org/a1,2024,
"""
CPUS = """\
name,vendor,year,n_cores,n_threads,tdp_w,calculator_name,calculator_w,source,source_date,note
Beta 64,Beta,2024,64,128,256,,,https://example.org/b64,2024,"one, with a comma"
"""
ALIASES = "word,kind,names,note\na1,gres,Alpha 1,\n"


@pytest.fixture
def folder(tmp_path):
    def write(accelerators=ACCELERATORS, cpus=CPUS, aliases=ALIASES):
        (tmp_path / "accelerators.csv").write_text(accelerators, encoding="utf-8")
        (tmp_path / "cpus.csv").write_text(cpus, encoding="utf-8")
        (tmp_path / "aliases.csv").write_text(aliases, encoding="utf-8")
        return tmp_path

    return write


def test_a_sites_own_catalogue(folder):
    catalogue = Catalogue.load(folder())
    alpha = catalogue.accelerator("A-1")
    assert (alpha.name, alpha.max_w, alpha.memory_bytes) == ("Alpha 1", 300.0, 24e9)
    assert alpha.idle_w != alpha.idle_w
    assert catalogue.cpu("beta64").w_per_core == 4.0
    assert catalogue.cpu("beta64").note == "one, with a comma"


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"accelerators": ACCELERATORS.replace("300", "lots")}, "row 2: max_w is 'lots'"),
        ({"accelerators": ACCELERATORS.replace(",24,0,", ",24,x,")}, "max_mig_slices is 'x'"),
        ({"accelerators": ACCELERATORS.replace("memory_gb", "memory")}, "row 2: no memory_gb"),
        ({"cpus": CPUS.replace(",64,", ",-64,")}, "n_cores is '-64'"),
        ({"cpus": CPUS + CPUS.splitlines()[1]}, "two rows for Beta 64"),
        ({"cpus": CPUS.splitlines()[0] + "\nBeta 64,Beta\n"}, "row 2: no "),
        ({"aliases": ALIASES.replace("Alpha 1", "Alpha 2")}, "'a1' leads nowhere: Alpha 2"),
        ({"aliases": ALIASES.replace("Alpha 1", "")}, "'a1' leads nowhere: no names"),
    ],
)
def test_broken_tables_are_refused_with_their_place(folder, tables, message):
    with pytest.raises(CatalogueError, match=message):
        Catalogue.load(folder(**tables))


def test_missing_table(tmp_path):
    with pytest.raises(CatalogueError, match=r"accelerators\.csv is missing"):
        Catalogue.load(tmp_path)
