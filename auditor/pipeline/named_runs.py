"""Runs of the ledger under the names that people have in reports.

The book holds what accounting says; the site's map of names is applied here, so that a change of
it shows in the next report and nothing is loaded again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd

from auditor.domain.identity import Identity
from auditor.domain.period import Period
from auditor.ledger.interface import Filters
from auditor.ledger.ledger import Ledger


@dataclass(frozen=True)
class Wanted:
    """Which runs, which columns and of which version of the book: as `Ledger.read` takes them.

    Users and projects of the filters are people's names, in whichever spelling.
    """

    period: Period | None = None
    filters: Filters = Filters()  # noqa: RUF009  (frozen)
    columns: Sequence[str] | None = None
    version: int | None = None


def read_named(ledger: Ledger, identity: Identity, wanted: Wanted) -> pd.DataFrame:
    """Return the runs as `Ledger.read` does, with user and account as reports call them."""
    period, columns, version = wanted.period, wanted.columns, wanted.version
    if identity.is_empty:
        return ledger.read(period, wanted.filters, columns, version)
    filters = in_reports(wanted.filters, identity)
    # What accounting calls somebody may be somebody else's name elsewhere: cut again by the names.
    spelt = replace(
        filters,
        user=identity.user_spellings(filters.user),
        account=identity.project_spellings(filters.account),
    )
    rows = named(ledger.read(period, spelt, columns, version), identity)
    if filters.user:
        rows = rows[rows["user"].isin(filters.user)]
    if filters.account:
        rows = rows[rows["account"].isin(filters.account)]
    return rows.reset_index(drop=True)


def in_reports(filters: Filters, identity: Identity) -> Filters:
    """Return filters that name people as reports do: an alias stands for the person."""
    return replace(
        filters,
        user=tuple(dict.fromkeys(identity.asked_user(name) for name in filters.user)),
        account=tuple(dict.fromkeys(identity.asked_project(name) for name in filters.account)),
    )


def named(rows: pd.DataFrame, identity: Identity) -> pd.DataFrame:
    """Return runs with user and account as reports call them."""
    return rows.assign(
        user=identity.name_users(rows["cluster"], rows["user"]),
        account=identity.name_projects(rows["cluster"], rows["account"]),
    )
