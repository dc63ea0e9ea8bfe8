import pytest

from auditor.normalize.kubernetes.people import is_platform_namespace, who

LABELS = {"example.org/user": "alice", "empty": "", "blank": "  ", "team": "ml"}
ANNOTATIONS = {"example.org/mail": "alice@example.org", "long": "x" * 129, "just": "y" * 128}
HOSTILE = {
    "control": "al\x1b[31mice",
    "newline": "alice\nbob",
    "reversed": "\u202eecila",
    "nul": "\0",
    "surrogate": "\ud800",
    "dots": "...",
    "platform": "(platform)",
    "PLATFORM": " (Platform) ",
    "wide": "\uff08platform\uff09",
    "nobody": "(unknown)",
    "number": 7,
    "none": None,
}


@pytest.mark.parametrize(
    ("sources", "name"),
    [
        (("label:example.org/user",), "alice"),
        (("label:missing", "label:empty", "label:blank", "label:team"), "ml"),
        (("annotation:example.org/mail", "label:team"), "alice@example.org"),
        (("annotation:long", "namespace"), "user-bob-gpu"),
        (("annotation:just",), "y" * 128),
        (("namespace",), "user-bob-gpu"),
        (("namespace:user-*",), "bob-gpu"),
        (("namespace:user-*-gpu",), "bob"),
        (("namespace:*-gpu",), "user-bob"),
        (("namespace:team-*", "label:team"), "ml"),
        (("namespace:user-bob-gpu*",), None),
        (("label:example.org/mail",), None),
        ((), None),
    ],
)
def test_the_first_that_says(sources, name):
    assert who(sources, "user-bob-gpu", LABELS, ANNOTATIONS) == name


@pytest.mark.parametrize("key", HOSTILE)
def test_what_is_no_name_counts_as_none(key):
    assert who((f"annotation:{key}", "label:team"), "ns", LABELS, HOSTILE) == "ml"
    assert who((f"label:{key}",), "ns", HOSTILE, {}) is None


@pytest.mark.parametrize(
    ("namespace", "is_platform"),
    [
        ("kube-system", True),
        ("gpu-operator", True),
        ("gpu-operators", False),
        ("Kube-system", False),
    ],
)
def test_namespaces_of_the_platform(namespace, is_platform):
    assert is_platform_namespace(namespace, ("kube-*", "*-operator")) is is_platform
