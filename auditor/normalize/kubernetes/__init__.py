"""Pods, from what Kubernetes says of them, as runs."""
