"""Worker processes, clusters and the schedule of jobs."""
