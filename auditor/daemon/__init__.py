"""Do on a schedule what can be done by hand."""
