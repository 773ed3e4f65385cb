"""The work of the gap: uploads to import, domains to verify, pulls that repeat by themselves, and data that a provider's terms do not let us keep."""

from __future__ import annotations

from datetime import timedelta

from app.gaps import pulls, uploads, verify
from app.jobs import Job
from workers.work import Work

WORK: tuple[Work, ...] = (
    Work(Job.GAPS_PULL, run=pulls.run_schedule, due=pulls.due_schedules, time_limit=timedelta(hours=5)),
    Work(Job.GAPS_IMPORT, run=uploads.run, due=uploads.due, time_limit=timedelta(minutes=55)),
    Work(Job.GAPS_VERIFY, run=verify.verify, due=verify.due, time_limit=timedelta(minutes=12), cut_short=True),
    Work(Job.GAPS_EXPIRE, run=pulls.expire, due=pulls.due_expiries),
)
