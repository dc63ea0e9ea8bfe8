"""The configuration of a table that no scheduler's dialect describes: which column is what."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from auditor.domain.job import ENDED_STATES, OPEN_STATES
from auditor.settings.base import Name, Section

Unit = Literal[
    "s", "ms", "min", "h", "d", "B", "KiB", "MiB", "GiB", "kB", "MB", "GB", "m", "%", "1"
]
# What brings a number to seconds, bytes, a count or a ratio.
UNIT_FACTORS: Mapping[Unit, float] = {
    "s": 1.0, "ms": 1e-3, "min": 60.0, "h": 3600.0, "d": 86400.0,
    "B": 1.0, "KiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30, "kB": 1e3, "MB": 1e6, "GB": 1e9,
    "m": 1e-3, "%": 1e-2, "1": 1.0,
}  # fmt: skip
_TIMES = ("1", "s", "ms", "min", "h", "d")
_SIZES = ("1", "B", "KiB", "MiB", "GiB", "kB", "MB", "GB")
_SHARES = ("1", "m", "%")
_UNITS_OF = {
    "elapsed": _TIMES, "time_limit": _TIMES, "cpu_time": _TIMES,
    "memory": _SIZES, "max_memory": _SIZES,
    "n_cpus": _SHARES, "n_gpu": _SHARES, "gpu_share": _SHARES, "gpu_utilisation": _SHARES,
    "n_nodes": ("1",),
}  # fmt: skip
_NO_UNIT = ("1",)


def _known_state(word: str) -> str:
    if word not in ENDED_STATES | OPEN_STATES:
        msg = f"{word!r} is no state; there are {', '.join(sorted(ENDED_STATES | OPEN_STATES))}"
        raise ValueError(msg)
    return word


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        msg = "it needs an offset, as in 2023-01-01T00:00:00Z"
        raise ValueError(msg)
    return moment.astimezone(UTC)


class ColumnOf(Section):
    """A column of the table, and the unit of its numbers."""

    column: Name = Field(description="Name of the column.", examples=["cpu_milli"])
    unit: Unit = Field("1", description="Unit; `m` is a thousandth, `%` a hundredth.")


class TableSection(Section):
    """How a table is read: columns by name, lines as CSV. docs/tables.md has examples."""

    delimiter: str = Field(",", min_length=1, max_length=1, description="Between two cells.")
    times: Literal["iso", "s", "ms"] = Field(
        "iso",
        examples=["s"],
        description="How times are written: iso (ISO 8601, the default), or s or ms from an epoch.",
    )
    epoch: Annotated[datetime, AfterValidator(_aware)] | None = Field(
        None,
        examples=["2023-01-01T00:00:00Z"],
        description="What seconds are counted from; default 1970-01-01T00:00:00Z.",
    )
    columns: dict[
        Literal[
            "job_id", "user", "account", "partition", "qos", "state", "job_name", "nodes",
            "submit", "start", "end", "elapsed", "time_limit", "n_cpus", "n_nodes", "n_gpu",
            "gpu_share", "gpu_model", "memory", "cpu_time", "max_memory", "gpu_utilisation",
        ],
        Name | ColumnOf,
    ] = Field(
        description="Which column is what: NAME, or { column = NAME, unit = UNIT } where it is not "
        "in seconds, bytes, whole ones or 0..1. Units are ms, s, min, h, d; B, KiB, MiB, GiB, kB, "
        "MB, GB; m for thousandths and %. Needs job_id; start or submit; end or elapsed. The rest: "
        "user, account, partition, qos, state, job_name, nodes (as a Slurm host list), time_limit, "
        "n_cpus, n_nodes, n_gpu, gpu_share (multiplies n_gpu), gpu_model, memory, cpu_time, "
        "max_memory, gpu_utilisation.",
        examples=[
            {
                "job_id": "name",
                "submit": "creation_time",
                "start": "scheduled_time",
                "end": "deletion_time",
                "n_cpus": {"column": "cpu_milli", "unit": "m"},
            }
        ],
    )  # fmt: skip
    states: dict[Name, Annotated[Name, AfterValidator(_known_state)]] = Field(
        default_factory=dict,
        examples=[{"Succeeded": "COMPLETED"}],
        description="What its words for states mean, in Slurm's.",
    )

    @model_validator(mode="after")
    def _says_enough(self) -> "TableSection":
        if "job_id" not in self.columns:
            msg = "columns must name job_id"
            raise ValueError(msg)
        if not {"start", "submit"} & set(self.columns):
            msg = "columns must name start or submit"
            raise ValueError(msg)
        if not {"end", "elapsed"} & set(self.columns):
            msg = "columns must name end or elapsed"
            raise ValueError(msg)
        for name in ("gpu_share", "gpu_model"):
            if name in self.columns and "n_gpu" not in self.columns:
                msg = f"{name} says nothing without n_gpu"
                raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _can_be_measured(self) -> "TableSection":
        for name, column in self.columns.items():
            units = _UNITS_OF.get(name, _NO_UNIT)
            if isinstance(column, ColumnOf) and column.unit not in units:
                msg = f"columns.{name} cannot be in {column.unit}; it is one of {', '.join(units)}"
                raise ValueError(msg)
        if self.times == "iso" and self.epoch is not None:
            msg = 'epoch is for times = "s" or "ms"'
            raise ValueError(msg)
        return self
