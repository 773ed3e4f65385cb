"""Counters of the workers, read at `/metrics` of the web process (each process counts its own)."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

BELLS = Counter("gapbridge_bells", "Jobs announced to the broker, by outcome: rung or missed.", ["job", "outcome"])
JOBS = Counter("gapbridge_jobs", "Jobs run, by outcome: done, refused (a named error) or failed.", ["job", "outcome"])
JOB_SECONDS = Histogram(
    "gapbridge_job_seconds", "Time that a job ran.", ["job"], buckets=(0.01, 0.05, 0.2, 1, 5, 20, 60, 300, 900)
)
DUE = Gauge("gapbridge_due_rows", "Due rows that the last sweep of the clock found.", ["job"])
SWEEPS = Counter(
    "gapbridge_clock_sweeps", "Sweeps, by outcome: done, failed, or idle (another process ticks).", ["outcome"]
)
