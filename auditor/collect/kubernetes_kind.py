"""The kinds of objects that the Kubernetes API is asked to list."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """A kind of object: its resource and group, as RBAC has them, and the kind of its list."""

    resource: str
    group: str
    list_kind: str

    @property
    def path(self) -> str:
        """Path of the list over all namespaces."""
        root = f"/apis/{self.group}/v1" if self.group else "/api/v1"
        return f"{root}/{self.resource}"
