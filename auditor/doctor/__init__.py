"""Can this host do its job: what the auditor depends on, tried out one by one."""
