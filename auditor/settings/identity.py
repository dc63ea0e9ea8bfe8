"""The configuration of who is who: one person under several names, one project under several."""

from pydantic import Field, model_validator

from auditor.domain.job import PLATFORM
from auditor.settings.base import Name, Section


def _name_of_alias(names: dict[str, tuple[str, ...]], what: str) -> None:
    seen: dict[str, str] = {}
    for name, aliases in names.items():
        if name == PLATFORM:
            msg = f"{what} {name!r} is the platform, and nobody's name"
            raise ValueError(msg)
        for alias in aliases:
            if alias == PLATFORM or alias.endswith(f":{PLATFORM}"):
                msg = f"{what} {name!r} cannot be the platform, {PLATFORM!r}"
                raise ValueError(msg)
            if seen.setdefault(alias, name) != name:
                msg = f"{what} {alias!r} is both {seen[alias]!r} and {name!r}"
                raise ValueError(msg)
            if alias in names and alias != name:
                msg = f"{what} {alias!r} is an alias of {name!r} and has aliases itself"
                raise ValueError(msg)


class IdentitySection(Section):
    """Who is who across clusters: the name in reports, and what accounting calls it."""

    users: dict[Name, tuple[Name, ...]] = Field(
        default_factory=dict,
        examples=[{"alice": ["alice@example.org", "gpu-cloud:alice-m"]}],
        description="Names of one person: NAME = [ALIAS, ...]; `CLUSTER:ALIAS` holds there only.",
    )
    projects: dict[Name, tuple[Name, ...]] = Field(
        default_factory=dict,
        examples=[{"ml": ["gpu-cloud:team-ml"]}],
        description="The same for projects (accounts, namespaces).",
    )

    @model_validator(mode="after")
    def _nobody_is_two(self) -> "IdentitySection":
        _name_of_alias(self.users, "user")
        _name_of_alias(self.projects, "project")
        return self
