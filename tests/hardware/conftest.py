import pytest

from auditor.domain.hardware import HardwareDefaults
from auditor.hardware.catalogue import Catalogue
from auditor.hardware.inventory import read_node_listing
from auditor.hardware.match import match_hardware
from tests.hardware.sample_jobs import job, jobs_of


@pytest.fixture(scope="session")
def catalogue():
    return Catalogue.load()


@pytest.fixture(scope="session")
def defaults():
    return HardwareDefaults(
        unknown_gpu_max_w=(70.0, 250.0, 700.0),
        unknown_gpu_idle_w=(8.0, 40.0, 100.0),
        unknown_cpu_w_per_core=(2.0, 5.0, 12.0),
        gpu_idle_ratio=(0.05, 0.1, 0.2),
        cpu_idle_ratio=(0.1, 0.3, 0.5),
    )


@pytest.fixture
def match(catalogue, defaults):
    def call(*rows, rules=(), listing=None, index=None):
        inventory = read_node_listing(listing) if listing else None
        jobs = jobs_of(*rows, index=index)
        return match_hardware(jobs, rules, inventory, catalogue, defaults)

    return call


@pytest.fixture
def only(match):
    """Match one job and return its row."""

    def call(*arguments, rules=(), listing=None, **keywords):
        matched = match(job(*arguments, **keywords), rules=rules, listing=listing)
        return matched.frame.iloc[0]

    return call
