"""Turn settings into working parts: the only place that names concrete classes."""
