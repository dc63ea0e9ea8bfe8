"""MIG: how a slice of a device is named, and its share of the device's power."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from auditor.domain.hardware import Accelerator
from auditor.units import BYTES_PER_GB

_NAME = re.compile(
    r"^(?P<parent>.*?)[-_.\s]*(?:mig[-_.\s]*)?(?P<n_slices>\d)g[._](?P<memory_gb>\d+)gb"
    r"(?P<extra>[+.](?:me|gfx)(?:\.all)?)?(?:-shared)?$"
)
_SEVEN = 7
_ROUNDING_GB = 0.5
# Of eight slices of memory, by slices of compute, on a device with seven of those.
_MEMORY_SLICES_OF_EIGHT = {3: 4, 7: 8}


@dataclass(frozen=True)
class MigProfile:
    """One slice of a device: slices of compute and memory as its name says them."""

    n_slices: int
    memory_gb: int
    label: str


def split_mig(word: str) -> tuple[str, MigProfile] | None:
    """Split the name of a MIG slice into its parent and its profile; None for anything else.

    `nvidia_a100_1g.10gb` is a slice of `nvidia_a100`, `NVIDIA-A100-SXM4-40GB-MIG-1g.5gb` one of
    `NVIDIA-A100-SXM4-40GB`; the parent is '' where the word names none (`mig-1g.5gb`).
    """
    found = _NAME.match(word.strip().casefold())
    if not found:
        return None
    n_slices, memory_gb = int(found["n_slices"]), int(found["memory_gb"])
    label = f"{n_slices}g.{memory_gb}gb{found['extra'] or ''}"
    return found["parent"], MigProfile(n_slices, memory_gb, label)


def slice_share(device: Accelerator, mig: MigProfile) -> float:
    """Return a slice's share of its device: its slices of compute over those of the whole.

    Memory does not count: slices of 3 x 2g.10gb + 1g.10gb fill a device of 40 GB in compute and in
    memory, so that a greater share for the last would make more than the device of them.
    """
    return mig.n_slices / device.max_mig_slices


def sliced(device: Accelerator, mig: MigProfile) -> Accelerator:
    """Return one slice as a device of its own, with its share of maximum and idle power."""
    share = slice_share(device, mig)
    return replace(
        device,
        name=f"{device.name} MIG {mig.label}",
        max_w=device.max_w * share,
        idle_w=device.idle_w * share,
        memory_bytes=mig.memory_gb * BYTES_PER_GB,
        max_mig_slices=0,
        calculator_name="",
        calculator_w=math.nan,
    )


def fitting_parents(devices: Sequence[Accelerator], mig: MigProfile) -> tuple[Accelerator, ...]:
    """Keep the devices that can be cut so: those whose memory fits, else all with the slices."""
    able = tuple(device for device in devices if 0 < mig.n_slices <= device.max_mig_slices)
    for memory_factor in (1, 2):
        fits = tuple(one for one in able if _memory_fits(one, mig, memory_factor))
        if fits:
            return fits
    return able


def _memory_fits(device: Accelerator, mig: MigProfile, memory_factor: int) -> bool:
    """Tell whether the profile's memory is that of such a slice, within NVIDIA's rounding.

    Devices with seven slices of compute have eight of memory: 3g takes four, 7g all. The larger
    variant of a profile (1g.20gb of an 80 GB device) takes twice the memory. Source: NVIDIA
    Multi-Instance GPU User Guide, supported profiles.
    """
    wanted, whole = mig.n_slices, device.max_mig_slices
    if whole == _SEVEN:
        wanted, whole = _MEMORY_SLICES_OF_EIGHT.get(wanted, wanted), _SEVEN + 1
    expected_gb = device.memory_bytes / BYTES_PER_GB * wanted * memory_factor / whole
    return abs(expected_gb - mig.memory_gb) <= _ROUNDING_GB
