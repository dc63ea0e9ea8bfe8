import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.domain.identity import Identity
from auditor.domain.job import PLATFORM

WHO = Identity(
    users={
        "alice": ("alice@example.org", "gpu-cloud:alice-m"),
        "robert": ("gpu-cloud:bob",),
        "carol": ("system:serviceaccount:ml:carol", "gpu-cloud:ops:carol"),
    },
    projects={"ml": ("gpu-cloud:team-ml", "machine-learning")},
    clusters=frozenset(("alpha", "gpu-cloud")),
)

USERS = [
    pytest.param("alpha", "alice", "alice", id="by her name"),
    pytest.param("alpha", "alice@example.org", "alice", id="an alias on every cluster"),
    pytest.param("gpu-cloud", "alice@example.org", "alice", id="and on this one"),
    pytest.param("gpu-cloud", "alice-m", "alice", id="an alias of one cluster"),
    pytest.param("alpha", "alice-m", "alice-m", id="which says nothing of another"),
    pytest.param("alpha", "bob", "bob", id="bob on Slurm"),
    pytest.param("gpu-cloud", "bob", "robert", id="is not bob on the other"),
    pytest.param("alpha", "Alice", "Alice", id="letters are told apart"),
    pytest.param("alpha", "system:serviceaccount:ml:carol", "carol", id="a name with colons"),
    pytest.param("gpu-cloud", "ops:carol", "carol", id="with colons on one cluster"),
    pytest.param("alpha", "ml", "ml", id="a project is no user"),
    pytest.param("alpha", "gpu-cloud:alice-m", "gpu-cloud:alice-m", id="a name like an alias"),
    pytest.param("gpu-cloud", "gpu-cloud:bob", "gpu-cloud:bob", id="even where the alias holds"),
]


def series(*values: str | None) -> pd.Series:
    return pd.Series(values, dtype="str").astype("category")


@pytest.mark.parametrize(("cluster", "user", "expected"), USERS)
def test_one_person_under_several_names(cluster, user, expected):
    assert WHO.user(user, cluster) == expected
    assert WHO.name_users(series(cluster), series(user)).tolist() == [expected]


def test_columns_are_named_row_by_row_and_keep_what_is_missing():
    clusters = series("gpu-cloud", "alpha", "gpu-cloud", "alpha", "gpu-cloud")
    users = series("bob", "bob", None, "alice@example.org", PLATFORM)
    users.index = [9, 3, 5, 1, 0]
    named = WHO.name_users(clusters, users)
    assert named.astype(object).where(named.notna(), None).tolist() == [
        "robert", "bob", None, "alice", PLATFORM
    ]  # fmt: skip
    assert named.dtype == "category"
    assert named.index.tolist() == [9, 3, 5, 1, 0]
    projects = WHO.name_projects(series("gpu-cloud", "alpha"), series("team-ml", "team-ml"))
    assert projects.tolist() == ["ml", "team-ml"]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("alice",), {"alice", "alice@example.org", "alice-m", "gpu-cloud:alice-m"}),
        (("dave",), {"dave"}),
        ((), set()),
    ],
)
def test_all_that_accounting_may_call_somebody(names, expected):
    assert set(WHO.user_spellings(names)) == expected


def test_an_alias_stands_for_the_person_but_one_of_a_cluster_for_itself():
    assert WHO.user("alice@example.org") == "alice"
    assert WHO.user("bob") == "bob"
    assert WHO.project("machine-learning") == "ml"


def test_whoever_asks_may_say_of_which_cluster_an_alias_is():
    assert WHO.asked_user("gpu-cloud:bob") == "robert"
    assert WHO.asked_user("alice@example.org") == "alice"
    assert WHO.asked_project("gpu-cloud:team-ml") == "ml"
    assert WHO.user("gpu-cloud:bob") == "gpu-cloud:bob"
    assert Identity(users={"x": (PLATFORM,)}).asked_user(PLATFORM) == PLATFORM


def test_a_cluster_that_nobody_configured_makes_no_alias():
    who = Identity(users={"robert": ("old:bob",)}, clusters=frozenset(("alpha",)))
    assert who.user("bob", "old") == "bob"
    assert who.user("old:bob", "alpha") == "robert"


def test_without_a_map_every_name_stays():
    column = series("alice", None)
    assert Identity().is_empty
    assert Identity().name_users(series("alpha", "alpha"), column) is column
    assert Identity(users={"alice": ("alice",)}).is_empty


NAME = st.sampled_from(("a", "b", "c", "x:a", "x:b", "y:a", "x:y:a"))
MAPS = st.dictionaries(NAME, st.lists(NAME, max_size=3).map(tuple), max_size=3)


@given(MAPS, st.sampled_from(("x", "y", "x:y")), NAME)
def test_whoever_is_called_so_is_among_the_spellings(users, cluster, user):
    who = Identity(users=users, clusters=frozenset(("x", "y", "x:y")))
    assert user in who.user_spellings((who.user(user, cluster),))
    assert who.name_users(series(cluster), series(user)).tolist() == [who.user(user, cluster)]
