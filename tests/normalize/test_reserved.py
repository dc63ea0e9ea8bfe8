import pytest

from auditor.domain.job import NOBODY, PLATFORM
from auditor.normalize.reserved import is_reserved, unreserved

POSING = [
    pytest.param(PLATFORM, id="the platform"),
    pytest.param(NOBODY, id="nobody"),
    pytest.param(" (PLATFORM) ", id="case and blanks"),
    pytest.param("( plat form )", id="blanks within"),
    pytest.param("\uff08platform\uff09", id="full width"),
    pytest.param("\uff08\uff55\uff4e\uff4b\uff4e\uff4f\uff57\uff4e\uff09", id="all of it"),
    pytest.param("(plat\u200bform)", id="zero width"),
    pytest.param("(unknown\u00ad)", id="soft hyphen"),
    pytest.param("\u3164(unknown)", id="a letter without a shape"),
    pytest.param("(pl\u00e1tform)", id="accent"),
]


@pytest.mark.parametrize("name", POSING)
def test_nobody_poses_as_the_platform_or_as_nobody(name):
    assert is_reserved(name)
    assert unreserved(name) is None


@pytest.mark.parametrize(
    "name", ["platform", "unknown", "Unknown", "(none)", "alice (ml)", "(platform) team", "a(b)c"]
)
def test_other_names_stand_as_they_are(name):
    assert unreserved(name) == name


def test_nothing_is_no_name():
    assert unreserved("") is None
