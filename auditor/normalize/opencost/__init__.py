"""Allocations of OpenCost as runs."""
