"""Work out what a cluster's jobs emitted, whose they were, and what would have helped."""

__version__ = "0.1.0"
