import pytest

from auditor.deliver.recipients import address_book
from auditor.pipeline.mailing import Issue, Postbox, post_of, unreached_text
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
    text = unreached_text([f"u{n}" for n in range(25)])
    assert text.startswith("25 users without a mail address got nothing: u0, u1")
    assert text.endswith("u19 and 5 more")
