"""Wh times g/kWh over time."""
