"""Carbon intensity of electricity: one file per source, no arithmetic."""
