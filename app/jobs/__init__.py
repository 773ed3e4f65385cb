"""The port through which work is announced: names of jobs and the bell that wakes a worker."""
