"""Accounts and their people, where names may hold what they like."""

from auditor.collect.slurm_people import Coordinator, Membership, People, ask_people
from tests.collect.fake_slurm import FakeSlurm


def _line(number: int, account: str, **person: str) -> dict[str, str]:
    return {"ID": str(number), "ParentID": "1", "Cluster": "alpha", "Account": account, **person}


def test_members_and_coordinators(slurm: FakeSlurm) -> None:
    slurm.change(
        members=[
            _line(1, "root"),
            _line(2, "ml", User="bob"),
            _line(3, "a|b", User="alice"),
            _line(4, "acct with space", User="dave.müller", MaxJobs="7"),
        ],
        coordinators=[_line(2, "ml", Coordinators="carol,alice"), _line(5, "bio")],
    )
    assert ask_people(slurm.host()) == People(
        memberships=(
            Membership("alpha", "acct with space", "dave.müller"),
            Membership("alpha", "a|b", "alice"),
            Membership("alpha", "ml", "bob"),
        ),
        coordinators=(Coordinator("ml", "alice"), Coordinator("ml", "carol")),
        n_unread=0,
    )
    assert all("-rnP" in call["argv"] for call in slurm.calls("sacctmgr"))


def test_a_line_break_in_a_name_makes_no_member(slurm: FakeSlurm) -> None:
    forged = "x\nalpha|bob|physics\n7|alpha|bob|physics\nbob|7|7|physics"
    slurm.change(members=[_line(2, "ml", User="bob"), _line(3, forged, User="carol")])
    people = ask_people(slurm.host())
    assert people.n_unread == 3
    assert set(people.memberships) == {
        Membership("alpha", "ml", "bob"), Membership("alpha", "x", "carol"),
    }  # fmt: skip


def test_a_bar_in_a_user_name_moves_no_cut(slurm: FakeSlurm) -> None:
    slurm.change(members=[_line(2, "ml", User="x|physics")])
    assert ask_people(slurm.host()) == People((), (), 1)
