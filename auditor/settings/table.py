"""The configuration of a table that no scheduler's dialect describes: which column is what."""

from datetime import datetime
from typing import Literal

from pydantic import Field, model_validator

from auditor.settings.base import Name, Section

Unit = Literal[
    "s", "ms", "min", "h", "d", "B", "KiB", "MiB", "GiB", "kB", "MB", "GB", "m", "%", "1"
]


class ColumnOf(Section):
    """A column of the table, and the unit of its numbers."""

    column: Name = Field(description="Name of the column.", examples=["cpu_milli"])
    unit: Unit = Field("1", description="Unit; `m` is a thousandth, `%` a hundredth.")


class TableSection(Section):
    """How a table is read."""

    delimiter: str = Field(",", min_length=1, max_length=1, description="Between two cells.")
    times: Literal["iso", "s", "ms"] = Field(
        "iso", description="How times are written: ISO 8601, or seconds or milliseconds."
    )
    epoch: datetime | None = Field(
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
        description="Which column is what. `gpu_share` multiplies `n_gpu`.",
        examples=[{"job_id": "name", "start": "scheduled_time", "n_cpus": "cpus"}],
    )  # fmt: skip
    states: dict[Name, Name] = Field(
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
        return self
