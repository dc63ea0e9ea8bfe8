import math

import pytest

from auditor.normalize.tres import NO_TRES, parse_tres

GIB = 2.0**30


@pytest.mark.parametrize(
    ("text", "n_gpu", "gpu_types"),
    [
        pytest.param("cpu=4,gres/gpu:a100=2,gres/gpu=2,node=1", 2, "a100=2", id="both"),
        pytest.param("cpu=1,gres/gpu=4,node=4", 4, "=4", id="untyped is the total"),
        pytest.param("cpu=1,gres/gpu:l40s=2", 2, "l40s=2", id="typed only"),
        pytest.param(
            "gres/gpu:v100=1,gres/gpu:a100=4,gres/gpu=5", 5, "a100=4,v100=1", id="two models"
        ),
        pytest.param("gres/gpu:a100=2,gres/gpu=3", 3, "a100=2,=1", id="the rest has no type"),
        pytest.param(
            "gres/gpu:nvidia_a100_1g.10gb=3,gres/gpu=3,license/matlab=2",
            3,
            "nvidia_a100_1g.10gb=3",
            id="slices and a licence",
        ),
        pytest.param("cpu=1,gres/gpumem=80G,gres/gpuutil=90", 0, "", id="alike, but no count"),
        pytest.param("cpu=1,gres/shard=4,gres/mps=50,energy=7", 0, "", id="shares of one"),
        pytest.param("cpu=1,gres/gpu:a100=0,gres/gpu=0", 0, "", id="none of them"),
        pytest.param("cpu=4,mem=8G,node=1", 0, "", id="none"),
    ],
)
def test_every_accelerator_counts_once(text, n_gpu, gpu_types):
    tres = parse_tres(text)
    assert (tres.n_gpu, tres.gpu_types) == (n_gpu, gpu_types)


def test_the_other_resources_are_read():
    tres = parse_tres("billing=64,cpu=64,mem=62.50G,node=8")
    assert (tres.n_cpus, tres.n_nodes) == (64, 8)
    assert tres.memory_bytes == 62.5 * GIB
    assert tres.memory_decimal_gb == 62.5


def test_bare_memory_is_in_mebibytes():
    assert parse_tres("cpu=1,mem=1000").memory_bytes == 1000 * 2.0**20


def test_what_is_not_named_is_not_known():
    tres = parse_tres("cpu=1")
    assert math.isnan(tres.n_nodes)
    assert math.isnan(tres.memory_bytes)


@pytest.mark.parametrize("text", ["", "Unknown"])
def test_an_empty_text_says_nothing(text):
    assert parse_tres(text) is NO_TRES


@pytest.mark.parametrize("text", ["cpu=abc", "cpu", "=4", "cpu=1,,node=1", "mem=lots,cpu=1"])
def test_a_broken_text_is_an_error(text):
    with pytest.raises(ValueError, match=r"no (count|amount|size)"):
        parse_tres(text)


def test_parts_of_an_accelerator_are_kept():
    assert parse_tres("gres/gpu:a100=0.5").gpu_types == "a100=0.5"
