from dataclasses import replace
from email import message_from_bytes, policy

import pytest

from auditor.deliver.recipients import (
    AddressBook,
    AddressesUnavailableError,
    Answer,
    address_book,
)
from auditor.domain.job import PLATFORM
from auditor.domain.mail import Told
from auditor.pipeline.mailing import Issue, Post, Postbox, post_of, unreached_lines
from auditor.report.build import totals_of
from auditor.report.model import Restated
from auditor.report.page import PageInput, Subject
from tests.pipeline.site import utc
from tests.report.fakes import report_of, week_of_runs

NOW = utc(2026, 11, 24, 11)
ROWS = week_of_runs(4)
BOX = Postbox("Example HPC", "carbon@example.org", address_book(pattern="{user}@example.org"))


def page(kind: str = "user", name: str = "alice", **changes: object) -> PageInput:
    return PageInput(Subject(kind, name), report_of(ROWS, **changes))


@pytest.mark.parametrize(("kind", "name"), [("user", "alice"), ("account", "ml")])
def test_the_platform_gets_no_mail_whoever_has_an_address_for_it(kind, name):
    everybody = replace(BOX, book=AddressBook((_Everybody(),)), leads_of=lambda _: ("all@x.org",))
    asked = [page(kind, name), page(kind, PLATFORM)]
    post = post_of(asked, Issue("2026-W47", 1, NOW), everybody, lambda: False)
    assert [(mail.kind, mail.name) for mail in post.mails] == [(kind, name)]
    assert (post.unreached, post.unled) == ((), ())


class _Everybody:
    """Knows an address of everybody."""

    def answer(self, user: str) -> Answer:
        return Answer("all@example.org")


def test_message_ids_follow_from_what_a_mail_is_about():
    def ids(*pages: PageInput, revision: int = 1, label: str = "2026-W47") -> list[str]:
        restated = Restated(revision, None, 1, 0, 0, 0, ()) if revision > 1 else None
        told = [page(p.subject.kind, p.subject.name, restated=restated) for p in pages]
        post = post_of(told, Issue(label, revision, NOW), BOX, lambda: False)
        return [mail.message_id for mail in post.mails]

    first = ids(page(), page(name="bob"))
    assert first == ids(page(), page(name="bob"))
    others = [*first, *ids(page(), revision=2), *ids(page(), label="2026-W48")]
    assert len(set(others)) == 4
    assert all(one.endswith("@example.org>") for one in others)


@pytest.mark.parametrize(
    ("before_factor", "is_mailed"),
    [
        pytest.param(1.0, False, id="the same carbon"),
        pytest.param(1 / 1.09, False, id="nine percent"),
        pytest.param(1 / 1.11, True, id="eleven percent more"),
        pytest.param(1.2, True, id="less"),
        pytest.param(0.0, True, id="nothing before"),
        pytest.param(None, True, id="nobody knows what was before"),
    ],
)
def test_restated_pages_are_mailed_where_carbon_moved(before_factor, is_mailed):
    previous = None
    if before_factor is not None:
        rows = ROWS.assign(carbon_g=ROWS["carbon_g"] * before_factor)
        previous = totals_of(rows)
    restated = Restated(2, previous, 1, 0, 0, 0, ("1 run came in late.",))
    post = post_of([page(restated=restated)], Issue("2026-W47", 2, NOW), BOX, lambda: False)
    assert bool(post.mails) is is_mailed


def test_leads_get_their_projects_and_nobody_gets_clusters():
    box = Postbox(
        "Example HPC",
        "carbon@example.org",
        BOX.book,
        leads_of=lambda account: ("a@example.org", "b@example.org") if account == "ml" else (),
    )
    pages = [page("account", "ml"), page("account", "bio"), page("cluster", "alpha"), page("site")]
    post = post_of(pages, Issue("2026-W47", 1, NOW), box, lambda: False)
    assert [(mail.kind, mail.recipient) for mail in post.mails] == [
        ("account", "a@example.org"),
        ("account", "b@example.org"),
    ]


def test_no_half_of_a_week_is_posted():
    assert post_of([page()], Issue("2026-W47", 1, NOW), BOX, lambda: True) is None


def test_many_without_address_are_counted():
    post = Post(unreached=tuple(f"u{n}" for n in range(25)), unled=("carol (ml)",))
    users, leads = unreached_lines(post)
    assert users.startswith("25 users without a mail address got nothing: u0, u1")
    assert users.endswith("u19 and 5 more")
    assert leads == "1 project lead without a mail address got nothing: carol (ml)"


@pytest.mark.parametrize(
    ("told_factor", "is_mailed"),
    [
        pytest.param(1.0, False, id="as told"),
        pytest.param(1 / 1.09, False, id="nine percent"),
        pytest.param(1 / 1.11, True, id="eleven percent in small steps"),
    ],
)
def test_what_was_told_last_counts_and_not_the_last_revision(told_factor, is_mailed):
    now = page(restated=Restated(3, totals_of(ROWS), 1, 0, 0, 0, ("1 run came in late.",)))
    told = Told("user", "alice", 1, now.report.totals.carbon_g * told_factor)
    issue = Issue("2026-W47", 3, NOW, told={("user", "alice"): told})
    post = post_of([now], issue, BOX, lambda: False)
    assert bool(post.mails) is is_mailed
    if is_mailed:
        message = message_from_bytes(post.mails[0].content, policy=policy.default)
        text = message.get_body(("plain",)).get_content()
        assert "in the mail of revision 1 (11 % more)" in " ".join(text.split())
        assert post.told == (Told("user", "alice", 3, now.report.totals.carbon_g),)


def test_a_first_mail_about_a_restated_week_says_that_it_is_one():
    late = replace(totals_of(ROWS), n_jobs=0, carbon_g=0.0)
    restated = Restated(2, late, 1, 0, 0, 0, ("1 run came in late.",))
    post = post_of([page(restated=restated)], Issue("2026-W47", 2, NOW), BOX, lambda: False)
    message = message_from_bytes(post.mails[0].content, policy=policy.default)
    text = message.get_body(("plain",)).get_content()
    assert "This is the first mail about it: its report is revision 2." in text
    assert "1 run came in late." in text
    assert "Restated" not in text
    assert "nothing before" not in text
    assert "restated" not in message["Subject"]


def test_without_addresses_of_users_nobody_misses_one():
    box = replace(BOX, book=address_book(), operators=("ops@example.org",), reaches_users=False)
    post = post_of([page(), page("site")], Issue("2026-W47", 1, NOW), box, lambda: False)
    assert [mail.recipient for mail in post.mails] == ["ops@example.org"]
    assert unreached_lines(post) == ()
    assert b"without a mail address" not in post.mails[0].content


def test_leads_without_address_are_told_to_operators():
    box = replace(BOX, operators=("ops@example.org",), unled_of=lambda _account: ("carol",))
    pages = [page("account", "ml"), page("site")]
    post = post_of(pages, Issue("2026-W47", 1, NOW), box, lambda: False)
    (mail,) = post.mails
    message = message_from_bytes(mail.content, policy=policy.default)
    assert "got nothing: carol (ml)" in message.get_body(("plain",)).get_content()


class Silent:
    """A book that knows alice and cannot be asked for anybody else."""

    def answer(self, user: str) -> Answer:
        if user != "alice":
            msg = "the directory is away"
            raise AddressesUnavailableError(msg)
        return Answer("alice@example.org")


def test_who_cannot_be_asked_for_holds_up_all_until_the_issue_gives_up():
    box = replace(BOX, book=AddressBook([Silent()]))
    pages = [page(), page(name="bob")]
    issue = Issue("2026-W47", 1, NOW)
    with pytest.raises(AddressesUnavailableError):
        post_of(pages, issue, box, lambda: False)
    post = post_of(pages, replace(issue, gives_up=True), box, lambda: False)
    assert [mail.recipient for mail in post.mails] == ["alice@example.org"]
    assert post.unreached == ("bob",)
