"""Write the example configuration from the types, so that it cannot drift from them."""

import re
import textwrap
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from auditor.settings.base import Section
from auditor.settings.cluster import Cluster, Node
from auditor.settings.models import Band, ConstantIntensity, CsvIntensity, Settings

_HEADER = """\
# Configuration of auditor. Keys that are commented out show their default or an example.
# Relative paths are relative to this file and unknown keys are errors: `auditor config check`.
"""
# What the example states, beyond defaults: one small GPU cluster.
_STATED: dict[type[BaseModel], dict[str, Any]] = {
    Cluster: {"name": "alpha", "timezone": "Europe/Oslo", "zone": "DE", "pue": 1.3},
    Node: {
        "match": "gpu[001-016]",
        "partition": "gpu*",
        "gpu": "NVIDIA A100-SXM4-80GB",
        "cpu": "AMD EPYC 7763",
    },
    ConstantIntensity: {"zone": "NO", "source": "constant", "g_per_kwh": 30},
    CsvIntensity: {"zone": "DE", "source": "csv", "path": "de-2026.csv"},
}
_SITE = {"name": "Example HPC", "timezone": "Europe/Berlin"}


def _literal(value: Any) -> str:  # noqa: ANN401  (any TOML value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, BaseModel):
        value = value.model_dump()
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_literal, value))}]"
    if isinstance(value, dict):
        pairs = (f"{_key(key)} = {_literal(item)}" for key, item in value.items())
        return "{ " + ", ".join(pairs) + " }"
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _literal(name)


def _shown_value(field: FieldInfo) -> str:
    if field.examples:
        return _literal(field.examples[0])
    default = field.get_default(call_default_factory=True, validated_data={})
    if default is not None:
        return _literal(default)
    msg = "a key without default needs an example"
    raise ValueError(msg)


def _table(
    section: type[Section], stated: dict[str, Any], indent: str = "", *, is_there: bool = True
) -> list[str]:
    """Write the keys of a table; all of them commented out where the table is not there."""
    lines: list[str] = []
    for key, field in section.model_fields.items():
        if key in {"clusters", "intensity", "nodes"} or _section_of(field) is not None:
            continue
        comment = indent + "# "
        lines += textwrap.wrap(
            field.description or "", 96, initial_indent=comment, subsequent_indent=comment
        )
        if key in stated:
            lines.append(f"{indent}{key} = {_literal(stated[key])}")
        elif field.is_required() and is_there:
            lines.append(f"{indent}{key} = {_shown_value(field)}")
        else:
            lines.append(f"{indent}# {key} = {_shown_value(field)}")
    return lines


def _section_of(field: FieldInfo) -> type[Section] | None:
    """Return the type of a key that is a table of its own, whether it must be there or not."""
    kinds = get_args(field.annotation) if _is_union(field) else (field.annotation,)
    sections = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Section)]
    return sections[0] if sections and sections[0] is not Band else None


def _is_union(field: FieldInfo) -> bool:
    return get_origin(field.annotation) in {Union, UnionType}


def _tables(name: str, section: type[Section]) -> list[str]:
    """Write a table, then those inside it."""
    lines = _heading(f"[{name}]", section) + _table(section, _SITE if name == "site" else {})
    for key, field in section.model_fields.items():
        inner = _section_of(field)
        if inner is not None:
            lines += _tables(f"{name}.{key}", inner)
    return lines


def _tables_of_cluster() -> list[str]:
    lines = []
    for key, field in Cluster.model_fields.items():
        section = _section_of(field)
        if section is None:
            continue
        is_there = not _is_union(field)
        mark = "" if is_there else "# "
        lines += _heading(f"{mark}[clusters.{key}]", section, "  ")
        lines += _table(section, {}, "  ", is_there=is_there)
    return lines


def _heading(name: str, section: type[Section], indent: str = "") -> list[str]:
    about = (section.__doc__ or "").splitlines()[0]
    return ["", f"{indent}# {about}", f"{indent}{name}"]


def example_text() -> str:
    """Return a valid configuration file with every key, its meaning and its default."""
    lines = _HEADER.splitlines()
    for name, field in Settings.model_fields.items():
        section = _section_of(field)
        if section is not None:
            lines += _tables(name, section)
    lines += _heading("[[clusters]]", Cluster) + _table(Cluster, _STATED[Cluster])
    lines += _tables_of_cluster()
    lines += _heading("[[clusters.nodes]]", Node, "  ") + _table(Node, _STATED[Node], "  ")
    for entry in (CsvIntensity, ConstantIntensity):
        lines += _heading("[[intensity]]", entry) + _table(entry, _STATED[entry])
    return "\n".join(lines) + "\n"
