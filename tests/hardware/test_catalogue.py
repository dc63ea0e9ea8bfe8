"""What the catalogue promises: every row has a source, every word leads somewhere."""

import math
import re
from collections import Counter

import pytest

from auditor.errors import CatalogueError
from tests.hardware.published_names import (
    CALCULATOR_ACCELERATORS,
    CALCULATOR_CPUS,
    GREEN_ALGORITHMS_ACCELERATORS,
    GREEN_ALGORITHMS_CPUS,
)

URL = re.compile(r"https?://[\w.-]+/\S*")
DATE = re.compile(r"20\d\d(-\d\d(-\d\d)?)?")


def test_sizes(catalogue):
    assert len(catalogue.accelerators) >= 90
    assert len(catalogue.cpus) >= 150
    assert (len(CALCULATOR_ACCELERATORS), len(CALCULATOR_CPUS)) == (40, 8)
    assert (len(GREEN_ALGORITHMS_ACCELERATORS), len(GREEN_ALGORITHMS_CPUS)) == (21, 94)


def test_names_are_unique_also_without_case_and_separators(catalogue):
    rows = [*catalogue.accelerators, *catalogue.cpus]
    spelt = Counter(re.sub(r"[-_\s]", "", row.name).casefold() for row in rows)
    assert [name for name, n_rows in spelt.items() if n_rows > 1] == []


def test_every_accelerator_row(catalogue):
    wrong = [
        row.name
        for row in catalogue.accelerators
        if not (
            row.vendor
            and row.kind in {"gpu", "tpu", "hpu"}
            and 10 <= row.max_w <= 1500
            and 1 <= row.idle_w < row.max_w
            and row.idle_basis in {"measured", "datasheet", "assumed"}
            and 1e9 <= row.memory_bytes <= 3e11
            and row.max_mig_slices in {0, 2, 4, 7}
            and URL.fullmatch(row.source)
            and DATE.fullmatch(row.source_date)
        )
    ]
    assert wrong == []


def test_measured_idle_names_its_source(catalogue):
    measured = [row for row in catalogue.accelerators if row.idle_basis == "measured"]
    assert len(measured) >= 6
    assert [row.name for row in measured if not re.search("idle: |measured", row.note)] == []


def test_every_cpu_row(catalogue):
    wrong = [
        row.name
        for row in catalogue.cpus
        if not (
            row.vendor
            and 2 <= row.n_cores <= 192
            and 6 <= row.tdp_w <= 500
            and 1 <= row.w_per_core <= 33
            and URL.fullmatch(row.source)
            and DATE.fullmatch(row.source_date)
        )
    ]
    assert wrong == []


def test_every_name_and_alias_leads_to_its_row(catalogue):
    accelerators = {row.name for row in catalogue.accelerators}
    for row in catalogue.accelerators:
        assert catalogue.find_accelerator(row.name).candidates == (row,)
    for row in catalogue.cpus:
        assert catalogue.find_cpu(row.name).candidates == (row,)
    for alias in catalogue.aliases:
        find = catalogue.find_cpu
        if alias.names[0] in accelerators:
            find = catalogue.find_accelerator
        found = find(alias.word)
        assert found is not None, alias.word
        assert tuple(row.name for row in found.candidates) == alias.names, alias.word
        assert alias.kind in {"gres", "feature", "product label", "name"}


def test_ambiguous_words_say_what_is_taken(catalogue):
    silent = [one.word for one in catalogue.aliases if len(one.names) > 1 and not one.note]
    assert silent == []


@pytest.mark.parametrize(("name", "watts"), CALCULATOR_ACCELERATORS + CALCULATOR_CPUS)
def test_devices_of_the_emissions_calculator(catalogue, name, watts):
    assert catalogue.calculator_device(name).calculator_w == watts


def test_no_other_row_claims_to_be_the_calculators(catalogue):
    rows = [*catalogue.accelerators, *catalogue.cpus]
    assert sum(bool(row.calculator_name) for row in rows) == 48
    assert all(math.isnan(row.calculator_w) != bool(row.calculator_name) for row in rows)


@pytest.mark.parametrize("name", GREEN_ALGORITHMS_ACCELERATORS)
def test_accelerators_of_green_algorithms(catalogue, name):
    assert catalogue.accelerator(name).max_w > 0


@pytest.mark.parametrize("name", GREEN_ALGORITHMS_CPUS)
def test_processors_of_green_algorithms(catalogue, name):
    assert catalogue.cpu(name).tdp_w > 0


@pytest.mark.parametrize(
    ("name", "watts"),
    [
        ("NVIDIA A100 80GB PCIe", 300),
        ("NVIDIA A100-PCIE-40GB", 250),
        ("NVIDIA V100-PCIE-16GB", 250),
        ("NVIDIA V100-SXM2-16GB", 300),
        ("GTX 750", 55),
        ("T4", 70),
        ("NVIDIA H100 SXM5 80GB", 700),
        ("l40s", 350),
        ("NVIDIA K80", 150),
        ("Tesla K80 board".replace("Tesla", "NVIDIA"), 300),
        ("NVIDIA A16", 62.5),
        ("mi250x", 280),
        ("mi300x", 750),
    ],
)
def test_published_figures(catalogue, name, watts):
    assert catalogue.accelerator(name).max_w == watts


@pytest.mark.parametrize(
    ("word", "name", "n_candidates"),
    [
        ("a100", "NVIDIA A100-SXM4-80GB", 4),
        ("A100_80GB", "NVIDIA A100-SXM4-80GB", 2),
        ("a100-sxm4-80gb", "NVIDIA A100-SXM4-80GB", 1),
        ("nvidia_a100", "NVIDIA A100-SXM4-80GB", 4),
        ("nvidia_a100_80gb_pcie", "NVIDIA A100 80GB PCIe", 1),
        ("h100", "NVIDIA H100 SXM5 80GB", 3),
        ("nvidia_h100_80gb_hbm3", "NVIDIA H100 SXM5 80GB", 1),
        ("v100", "NVIDIA V100-SXM2-32GB", 4),
        ("v100s", "NVIDIA V100S-PCIE-32GB", 1),
        ("Tesla-V100-SXM2-32GB", "NVIDIA V100-SXM2-32GB", 1),
        ("rtx8000", "Quadro RTX 8000", 1),
        ("quadro_rtx_6000", "Quadro RTX 6000", 1),
        ("rtx6000", "Quadro RTX 6000", 2),
        ("nvidia_rtx_6000_ada_generation", "NVIDIA RTX 6000 Ada Generation", 1),
        ("rtx_a6000", "NVIDIA RTX A6000", 1),
        ("a6000", "NVIDIA RTX A6000", 1),
        ("l40s", "NVIDIA L40S", 1),
        ("l40", "NVIDIA L40", 1),
        ("gtx1080ti", "NVIDIA GeForce GTX 1080 Ti", 1),
        ("1080ti", "NVIDIA GeForce GTX 1080 Ti", 1),
        ("nvidia_geforce_rtx_2080_ti", "NVIDIA GeForce RTX 2080 Ti", 1),
        ("4090", "NVIDIA GeForce RTX 4090", 1),
        ("mi250x", "AMD Instinct MI250X", 1),
        ("gaudi2", "Intel Gaudi 2", 1),
        ("NVIDIA-A100-SXM4-80GB", "NVIDIA A100-SXM4-80GB", 1),
        ("NVIDIA-A100-SXM4-80GB-SHARED", "NVIDIA A100-SXM4-80GB", 1),
        ("NVIDIA A100 SXM4 80GB", "NVIDIA A100-SXM4-80GB", 1),
        ("NVIDIA-A100-SXM4-40GB-MIG-1g.5gb", "NVIDIA A100-SXM4-40GB", 1),
        ("nvidia_a100_1g.10gb", "NVIDIA A100-SXM4-80GB", 2),
        ("nvidia_a100_3g.20gb", "NVIDIA A100-SXM4-40GB", 2),
        ("mig-1g.5gb", "NVIDIA A100-SXM4-40GB", 2),
        ("mig-1g.6gb", "NVIDIA A30", 1),
    ],
)
def test_words_for_accelerators(catalogue, word, name, n_candidates):
    found = catalogue.find_accelerator(word)
    assert (found.candidates[0].name, len(found.candidates)) == (name, n_candidates)


@pytest.mark.parametrize(
    "word",
    ["a1000", "a10000", "rtx30", "high_perf", "gpu", "nvidia", "tesla", "geforce", "", "a", "100",
     "v100_1g.5gb", "rtx30_1g.5gb", "h1000", "80gb", "sxm4"],
)  # fmt: skip
def test_words_that_nobody_knows(catalogue, word):
    assert catalogue.find_accelerator(word) is None


@pytest.mark.parametrize(
    ("word", "name", "n_candidates"),
    [
        ("Intel(R) Xeon(R) Gold 6148 CPU @ 2.40GHz", "Intel Xeon Gold 6148", 1),
        ("AMD EPYC 7763 64-Core Processor", "AMD EPYC 7763", 1),
        ("epyc7763", "AMD EPYC 7763", 1),
        ("amd_7763", "AMD EPYC 7763", 1),
        ("xeon6148", "Intel Xeon Gold 6148", 1),
        ("gold_6148", "Intel Xeon Gold 6148", 1),
        ("e5-2680v4", "Intel Xeon E5-2680 v4", 1),
        ("Intel Xeon E5-2650", "Intel Xeon E5-2650", 1),
        ("grace", "NVIDIA Grace", 1),
        ("bergamo", "AMD EPYC 9754", 2),
        ("trento", "AMD EPYC 7A53", 1),
    ],
)
def test_words_for_processors(catalogue, word, name, n_candidates):
    found = catalogue.find_cpu(word)
    assert (found.candidates[0].name, len(found.candidates)) == (name, n_candidates)


@pytest.mark.parametrize(
    ("word", "inside", "outside"),
    [
        ("skylake", "Intel Xeon Platinum 8168", "Intel Xeon Gold 6248"),
        ("cascadelake", "Intel Xeon Gold 6248R", "Intel Xeon Gold 6148"),
        ("icelake", "Intel Xeon Platinum 8380", "Intel Xeon Platinum 8480+"),
        ("sapphirerapids", "Intel Xeon Gold 6430", "Intel Xeon Gold 6530"),
        ("emeraldrapids", "Intel Xeon Gold 6530", "Intel Xeon Gold 6430"),
        ("broadwell", "Intel Xeon E5-2699 v4", "Intel Xeon E5-2699 v3"),
        ("rome", "AMD EPYC 7H12", "AMD EPYC 7763"),
        ("milan", "AMD EPYC 7713", "AMD EPYC 7742"),
        ("genoa", "AMD EPYC 9354", "AMD EPYC 9754"),
        ("turin", "AMD EPYC 9965", "AMD EPYC 9654"),
    ],
)
def test_generations(catalogue, word, inside, outside):
    names = {row.name for row in catalogue.find_cpu(word).candidates}
    assert inside in names
    assert outside not in names


@pytest.mark.parametrize("word", ["6148", "epyc", "xeon", "intel", "amd", "", "a100", "ssd"])
def test_words_that_are_no_processor(catalogue, word):
    assert catalogue.find_cpu(word) is None


def test_slice_is_a_device_of_its_own(catalogue):
    cut = catalogue.accelerator("nvidia_a100_1g.10gb")
    assert cut.name == "NVIDIA A100-SXM4-80GB MIG 1g.10gb"
    assert cut.max_w == pytest.approx(400 / 7)
    assert cut.calculator_name == ""


def test_unknown_names_are_answered_with_the_closest(catalogue):
    with pytest.raises(CatalogueError, match="no accelerator is called 'L40X'") as accelerator:
        catalogue.accelerator("L40X")
    assert "NVIDIA L40" in accelerator.value.hint
    assert accelerator.value.hint.count(", ") == 2
    with pytest.raises(CatalogueError, match="no processor is called 'EPYC 7764'") as processor:
        catalogue.cpu("EPYC 7764")
    assert "AMD EPYC 7763" in processor.value.hint or "AMD EPYC 7742" in processor.value.hint
    with pytest.raises(CatalogueError, match="has no device 'H100'") as device:
        catalogue.calculator_device("H100")
    assert "H100 SXM" in device.value.hint
    with pytest.raises(CatalogueError, match="has no device ''"):
        catalogue.calculator_device("")
