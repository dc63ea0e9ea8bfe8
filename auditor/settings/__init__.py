"""Typed configuration, its loader and the generated example."""
