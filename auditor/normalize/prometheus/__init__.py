"""Pods and their meters, from the series of a Prometheus."""
