"""Tables of any other system, by a map of their columns."""
