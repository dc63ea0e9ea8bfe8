"""What labels of Kubernetes nodes call accelerators leads to the right device."""

import pytest

# Word and the device; spellings of the makers' and clouds' own labels (data/SOURCES.md).
FEATURE_DISCOVERY = [
    ("Tesla-T4", "NVIDIA T4"),
    ("Tesla-T4-SHARED", "NVIDIA T4"),
    ("Tesla-P4", "NVIDIA P4"),
    ("Tesla-P40", "NVIDIA P40"),
    ("Tesla-K80", "NVIDIA K80"),
    ("Tesla-M60", "NVIDIA M60"),
    ("Tesla-P100-PCIE-12GB", "NVIDIA P100-PCIE-12GB"),
    ("Tesla-P100-PCIE-16GB", "NVIDIA P100-PCIE-16GB"),
    ("Tesla-P100-SXM2-16GB", "NVIDIA P100-SXM2-16GB"),
    ("Tesla-V100-PCIE-16GB", "NVIDIA V100-PCIE-16GB"),
    ("Tesla-V100-PCIE-32GB", "NVIDIA V100-PCIE-32GB"),
    ("Tesla-V100S-PCIE-32GB", "NVIDIA V100S-PCIE-32GB"),
    ("Tesla-V100-SXM2-16GB", "NVIDIA V100-SXM2-16GB"),
    ("Tesla-V100-SXM2-32GB", "NVIDIA V100-SXM2-32GB"),
    ("Tesla-V100-SXM3-32GB", "NVIDIA V100-SXM3-32GB"),
    ("A100-SXM4-40GB", "NVIDIA A100-SXM4-40GB"),
    ("NVIDIA-A100-SXM4-40GB", "NVIDIA A100-SXM4-40GB"),
    ("NVIDIA-A100-SXM4-80GB", "NVIDIA A100-SXM4-80GB"),
    ("NVIDIA-A100-SXM4-80GB-SHARED", "NVIDIA A100-SXM4-80GB"),
    ("NVIDIA-A100-PCIE-40GB", "NVIDIA A100-PCIE-40GB"),
    ("NVIDIA-A100-80GB-PCIe", "NVIDIA A100 80GB PCIe"),
    ("NVIDIA-A800-SXM4-80GB", "NVIDIA A800-SXM4-80GB"),
    ("NVIDIA-A2", "NVIDIA A2"),
    ("NVIDIA-A10", "NVIDIA A10"),
    ("NVIDIA-A10G", "NVIDIA A10G"),
    ("NVIDIA-A16", "NVIDIA A16"),
    ("NVIDIA-A30", "NVIDIA A30"),
    ("NVIDIA-A40", "NVIDIA A40"),
    ("NVIDIA-L4", "NVIDIA L4"),
    ("NVIDIA-L40", "NVIDIA L40"),
    ("NVIDIA-L40S", "NVIDIA L40S"),
    ("NVIDIA-H100-80GB-HBM3", "NVIDIA H100 SXM5 80GB"),
    ("NVIDIA-H100-PCIe", "NVIDIA H100 PCIe 80GB"),
    ("NVIDIA-H100-NVL", "NVIDIA H100 NVL 94GB"),
    ("NVIDIA-H200-NVL", "NVIDIA H200 NVL 141GB"),
    ("NVIDIA-H20", "NVIDIA H20 96GB"),
    ("NVIDIA-GH200-480GB", "NVIDIA GH200 96GB"),
    ("NVIDIA-GH200-144G-HBM3e", "NVIDIA GH200 144GB"),
    ("NVIDIA-B200", "NVIDIA B200 SXM6 180GB"),
    ("NVIDIA-GB200", "NVIDIA GB200 186GB"),
    ("NVIDIA-B300-SXM6-AC", "NVIDIA B300 SXM6 288GB"),
    ("NVIDIA-GB300", "NVIDIA GB300 288GB"),
    ("Quadro-RTX-6000", "Quadro RTX 6000"),
    ("NVIDIA-RTX-A6000", "NVIDIA RTX A6000"),
    ("NVIDIA-RTX-6000-Ada-Generation", "NVIDIA RTX 6000 Ada Generation"),
    ("NVIDIA-GeForce-RTX-4090", "NVIDIA GeForce RTX 4090"),
    (
        "NVIDIA-RTX-PRO-6000-Blackwell-Server-Edition",
        "NVIDIA RTX PRO 6000 Blackwell Server Edition",
    ),
]
CLOUDS = [
    ("nvidia-tesla-k80", "NVIDIA K80"),
    ("nvidia-tesla-p4", "NVIDIA P4"),
    ("nvidia-tesla-p100", "NVIDIA P100-PCIE-16GB"),
    ("nvidia-tesla-v100", "NVIDIA V100-SXM2-16GB"),
    ("nvidia-tesla-t4", "NVIDIA T4"),
    ("nvidia-tesla-a100", "NVIDIA A100-SXM4-40GB"),
    ("nvidia-a100-80gb", "NVIDIA A100-SXM4-80GB"),
    ("nvidia-l4", "NVIDIA L4"),
    ("nvidia-h100-80gb", "NVIDIA H100 SXM5 80GB"),
    ("nvidia-h100-mega-80gb", "NVIDIA H100 SXM5 80GB"),
    ("nvidia-h200-141gb", "NVIDIA H200 SXM5 141GB"),
    ("nvidia-b200", "NVIDIA B200 SXM6 180GB"),
    ("nvidia-gb200", "NVIDIA GB200 186GB"),
    ("nvidia-rtx-pro-6000", "NVIDIA RTX PRO 6000 Blackwell Server Edition"),
    ("t4", "NVIDIA T4"),
    ("t4g", "NVIDIA T4G"),
    ("a10g", "NVIDIA A10G"),
    ("l4", "NVIDIA L4"),
    ("l40s", "NVIDIA L40S"),
    ("k80", "NVIDIA K80"),
    ("m60", "NVIDIA M60"),
]
OTHER_MAKERS = [
    ("AMD_Instinct_MI100", "AMD Instinct MI100"),
    ("AMD_Instinct_MI210", "AMD Instinct MI210"),
    ("AMD_Instinct_MI250X", "AMD Instinct MI250X"),
    ("AMD_Instinct_MI300A", "AMD Instinct MI300A"),
    ("AMD_Instinct_MI300X", "AMD Instinct MI300X"),
    ("AMD_Instinct_MI300X_OAM", "AMD Instinct MI300X"),
    ("AMD_Instinct_MI300X_VF", "AMD Instinct MI300X"),
    ("MI300X-O", "AMD Instinct MI300X"),
    ("AMD_Instinct_MI325X", "AMD Instinct MI325X"),
    ("AMD_Instinct_MI355X", "AMD Instinct MI355X"),
    ("HL-205", "Intel Gaudi"),
    ("HL-225", "Intel Gaudi 2"),
    ("HL-225H", "Intel Gaudi 2"),
    ("gaudi2", "Intel Gaudi 2"),
    ("HL-325", "Intel Gaudi 3"),
    ("HL-325L", "Intel Gaudi 3"),
    ("HL-338", "Intel Gaudi 3 PCIe"),
    ("Max_1550", "Intel Data Center GPU Max 1550"),
    ("Flex_170", "Intel Data Center GPU Flex 170"),
    ("tpu-v3-slice", "Google TPU v3"),
    ("tpu-v4-podslice", "Google TPU v4"),
    ("tpu-v5-lite-device", "Google TPU v5e"),
    ("tpu-v5-lite-podslice", "Google TPU v5e"),
    ("tpu-v5p-slice", "Google TPU v5p"),
]


@pytest.mark.parametrize(("label", "name"), [*FEATURE_DISCOVERY, *CLOUDS, *OTHER_MAKERS])
def test_a_label_leads_to_one_device(catalogue, label, name):
    assert [device.name for device in catalogue.find_accelerator(label).candidates] == [name]


# Slice, its device, and what of its power falls to it.
SLICES = [
    ("NVIDIA-A100-SXM4-80GB-MIG-1g.10gb", "NVIDIA A100-SXM4-80GB", 400 / 7),
    ("NVIDIA-A100-SXM4-40GB-MIG-3g.20gb-SHARED", "NVIDIA A100-SXM4-40GB", 400 * 3 / 7),
    ("NVIDIA-H100-80GB-HBM3-MIG-1g.10gb.me", "NVIDIA H100 SXM5 80GB", 700 / 7),
    ("NVIDIA-H100-80GB-HBM3-MIG-7g.80gb", "NVIDIA H100 SXM5 80GB", 700),
    ("NVIDIA-A30-MIG-2g.12gb", "NVIDIA A30", 165 / 2),
    ("nvidia-tesla-a100-MIG-1g.5gb", "NVIDIA A100-SXM4-40GB", 400 / 7),
    ("nvidia-h100-80gb-MIG-2g.20gb", "NVIDIA H100 SXM5 80GB", 700 * 2 / 7),
]


@pytest.mark.parametrize(("label", "name", "max_w"), SLICES)
def test_a_slice_has_its_share_of_one_device(catalogue, label, name, max_w):
    assert [device.name for device in catalogue.find_accelerator(label).candidates] == [name]
    assert catalogue.accelerator(label).max_w == pytest.approx(max_w)


@pytest.mark.parametrize(
    "label", ["nvidia", "NVIDIA-A10-4Q", "GRID-A100X-4C", "tpu-v6e-slice", "tpu7x"]
)
def test_a_label_that_names_no_known_device_is_unknown(catalogue, label):
    assert catalogue.find_accelerator(label) is None
