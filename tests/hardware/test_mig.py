import pytest

from auditor.hardware.mig import MigProfile, fitting_parents, slice_share, sliced, split_mig


@pytest.mark.parametrize(
    ("word", "parent", "label"),
    [
        ("nvidia_a100_1g.10gb", "nvidia_a100", "1g.10gb"),
        ("a100_3g.20gb", "a100", "3g.20gb"),
        ("nvidia_a100-sxm4-40gb_1g.5gb", "nvidia_a100-sxm4-40gb", "1g.5gb"),
        ("NVIDIA-A100-SXM4-40GB-MIG-1g.5gb", "nvidia-a100-sxm4-40gb", "1g.5gb"),
        ("NVIDIA-A100-SXM4-40GB-MIG-1g.5gb-SHARED", "nvidia-a100-sxm4-40gb", "1g.5gb"),
        ("mig-1g.5gb", "", "1g.5gb"),
        ("nvidia_com_mig_1g_5gb".removeprefix("nvidia_com_"), "", "1g.5gb"),
        ("1g.12gb", "", "1g.12gb"),
        ("h100_1g.10gb+me", "h100", "1g.10gb+me"),
    ],
)
def test_slice_names(word, parent, label):
    found = split_mig(word)
    assert found is not None
    assert (found[0], found[1].label) == (parent, label)


@pytest.mark.parametrize("word", ["a100", "a100_80gb", "10gb", "rtx_4070", "v100-sxm2-16gb", ""])
def test_no_slice(word):
    assert split_mig(word) is None


@pytest.mark.parametrize(
    ("name", "profile", "share"),
    [
        ("NVIDIA A100-SXM4-80GB", "1g.10gb", 1 / 7),
        ("NVIDIA A100-SXM4-80GB", "1g.20gb", 1 / 7),
        ("NVIDIA A100-SXM4-80GB", "3g.40gb", 3 / 7),
        ("NVIDIA A100-SXM4-80GB", "7g.80gb", 1.0),
        ("NVIDIA A100-SXM4-40GB", "2g.10gb", 2 / 7),
        ("NVIDIA H200 SXM5 141GB", "1g.18gb", 1 / 7),
        ("NVIDIA H200 SXM5 141GB", "3g.71gb", 3 / 7),
        ("NVIDIA H100 NVL 94GB", "1g.12gb", 1 / 7),
        ("NVIDIA B200 SXM6 180GB", "1g.23gb", 1 / 7),
        ("NVIDIA A30", "1g.6gb", 1 / 4),
        ("NVIDIA A30", "2g.12gb", 1 / 2),
        ("NVIDIA RTX PRO 6000 Blackwell Server Edition", "1g.24gb", 1 / 4),
    ],
)
def test_profiles_of_the_makers_table_fit_and_have_their_share(catalogue, name, profile, share):
    device = catalogue.accelerator(name)
    _, mig = split_mig(profile)
    assert fitting_parents([device], mig) == (device,)
    assert slice_share(device, mig) == pytest.approx(share)
    cut = sliced(device, mig)
    assert cut.name == f"{name} MIG {profile}"
    assert cut.max_w == pytest.approx(device.max_w * share)
    assert cut.idle_w == pytest.approx(device.idle_w * share)
    assert cut.memory_bytes == mig.memory_gb * 1e9
    assert cut.max_mig_slices == 0


@pytest.mark.parametrize(
    ("layout", "share"),
    [
        pytest.param({"1g.5gb": 7}, 1.0, id="seven"),
        pytest.param({"3g.20gb": 1, "4g.20gb": 1}, 1.0, id="two that fill it"),
        pytest.param({"2g.10gb": 3, "1g.5gb": 1}, 1.0, id="all of the compute"),
        pytest.param({"2g.10gb": 3, "1g.10gb": 1}, 1.0, id="all of the compute and the memory"),
        pytest.param({"3g.20gb": 2}, 6 / 7, id="the memory in two"),
        pytest.param({"1g.10gb": 4}, 4 / 7, id="the memory in four"),
    ],
)
def test_slices_that_fill_a_device_never_bear_more_than_it(catalogue, layout, share):
    device = catalogue.accelerator("NVIDIA A100-SXM4-40GB")
    found = [(split_mig(profile)[1], n_slices) for profile, n_slices in layout.items()]
    total = sum(slice_share(device, mig) * n_slices for mig, n_slices in found)
    assert total == pytest.approx(share)
    idle_w = sum(sliced(device, mig).idle_w * n_slices for mig, n_slices in found)
    assert idle_w == pytest.approx(device.idle_w * share)


def test_memory_tells_the_parents_apart(catalogue):
    parents = [
        catalogue.accelerator(name) for name in ("NVIDIA A100-SXM4-40GB", "NVIDIA A100-SXM4-80GB")
    ]
    assert fitting_parents(parents, MigProfile(1, 5, "1g.5gb")) == (parents[0],)
    # 1g.10gb of the 40 GB device exists too (twice the memory), but the plain profile is meant.
    assert fitting_parents(parents, MigProfile(1, 10, "1g.10gb")) == (parents[1],)


def test_no_parent_for_a_device_that_cannot_be_cut(catalogue):
    v100 = catalogue.accelerator("NVIDIA V100-SXM2-32GB")
    assert fitting_parents([v100], MigProfile(1, 5, "1g.5gb")) == ()
    a30 = catalogue.accelerator("NVIDIA A30")
    assert fitting_parents([a30], MigProfile(7, 24, "7g.24gb")) == ()
