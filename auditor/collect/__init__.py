"""Ask the outside world for accounting."""
