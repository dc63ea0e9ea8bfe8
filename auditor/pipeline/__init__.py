"""The line from raw text to a report; the daemon and every command call it and nothing else."""
