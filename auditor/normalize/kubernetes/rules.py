"""What says whose a pod is, as a site configures it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PodRules:
    """Whose a pod is.

    `user` and `project` name what says so, the first that a pod has: `label:KEY`,
    `annotation:KEY`, `namespace`, `namespace:PRE*POST` (the part at the star). Pods of namespaces
    that one of the globs `platform_namespaces` fits are the platform's own.
    """

    user: tuple[str, ...] = ()
    project: tuple[str, ...] = ("namespace",)
    platform_namespaces: tuple[str, ...] = ("kube-system", "kube-public", "kube-node-lease")
