"""The configuration of what the auditor does by itself: collecting, closing weeks, the daemon."""

from datetime import date

from pydantic import Field

from auditor.settings.base import ConfigPath, Section


class CollectSection(Section):
    """How accounting is asked for jobs."""

    since: date | None = Field(
        None,
        examples=["2026-01-01"],
        description="First day to collect, in the site's time zone; default the Monday four weeks "
        "before the first collection.",
    )
    lookback_hours: int = Field(
        6, ge=1, le=24 * 31, description="How far each collection looks back for late records."
    )
    deep_lookback_days: int = Field(
        7, ge=1, le=400, description="How far one collection a day looks back."
    )
    timeout_s: int = Field(
        1800, ge=1, le=86_400, description="How long one call of a Slurm command may take. [s]"
    )


class WeekSection(Section):
    """When a week is closed, and where its pages go."""

    grace_hours: int = Field(
        36,
        ge=0,
        le=24 * 14,
        description="How long late records are waited for after a week, before it is published "
        "and mailed; 9 is Monday morning at nine.",
    )
    restate_for_days: int = Field(
        90, ge=0, le=3650, description="How long after its end a closed week is still restated."
    )
    pages: ConfigPath | None = Field(
        None,
        examples=["/var/lib/auditor/pages"],
        description="Folder of the pages, one folder a week; default `pages` in the ledger's. Who "
        "may read it, or the web server that serves it, sees the jobs of everybody.",
    )


class DaemonSection(Section):
    """How often the daemon looks what is due."""

    collect_every_minutes: int = Field(
        15, ge=1, le=1440, description="Time between two collections. [min]"
    )
    publish_every_minutes: int = Field(
        10, ge=1, le=1440, description="Time between two looks for weeks to publish. [min]"
    )
    send_every_minutes: int = Field(
        2, ge=1, le=1440, description="Time between two looks into the outbox. [min]"
    )
