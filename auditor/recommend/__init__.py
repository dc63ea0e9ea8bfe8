"""What would have helped: one file per rule, over history."""
