"""Turn raw accounting of every dialect into one frame of jobs, and rejects."""
