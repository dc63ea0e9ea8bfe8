"""Where CI is set nothing may be missing: a test that skips for a missing part fails there."""

import os
from collections.abc import Generator

import pytest


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: builds packages or environments")


def _nothing_may_be_missing() -> bool:
    return os.environ.get("CI", "").lower() in {"1", "true", "yes"}


def _as_failure(report: pytest.TestReport | pytest.CollectReport) -> None:
    reason = report.longrepr[-1] if isinstance(report.longrepr, tuple) else report.longrepr
    report.outcome = "failed"
    report.longrepr = f"would skip, but CI is set and nothing may be missing there: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    optional = item.get_closest_marker("shared") is not None
    expected = hasattr(report, "wasxfail")
    if report.skipped and _nothing_may_be_missing() and not optional and not expected:
        _as_failure(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if report.skipped and _nothing_may_be_missing():
        _as_failure(report)
    return report
