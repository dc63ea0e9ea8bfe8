"""Work out what a cluster's jobs emitted, whose they were, and what would have helped."""

from importlib.metadata import version

__version__ = version("cluster-auditor")
