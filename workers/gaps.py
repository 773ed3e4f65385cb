"""The work of the gap: uploads to import, imports to take back, domains to verify, pulls that a person asked for or that repeat by
themselves, and data that a provider's terms do not let us keep."""

from __future__ import annotations

from datetime import timedelta

from app.gaps import asked_pulls, discoveries, pulls, retention, schedules, takebacks, uploads, verify
from app.jobs import Job
from workers.work import Work

WORK: tuple[Work, ...] = (
    Work(Job.GAPS_PULL, run=schedules.run_schedule, due=schedules.due_schedules, time_limit=timedelta(hours=5)),
    Work(Job.GAPS_ASKED_PULL, run=asked_pulls.run, due=asked_pulls.due, time_limit=timedelta(hours=5)),
    Work(Job.GAPS_DISCOVER, run=discoveries.run, due=discoveries.due, time_limit=timedelta(hours=5)),
    Work(Job.GAPS_IMPORT, run=uploads.run, due=uploads.due, time_limit=timedelta(minutes=55)),
    Work(Job.GAPS_TAKEBACK, run=takebacks.run, due=takebacks.due, time_limit=timedelta(minutes=55)),
    Work(Job.GAPS_VERIFY, run=verify.verify, due=verify.due, time_limit=timedelta(minutes=12)),
    Work(Job.GAPS_SETTLE, run=pulls.settle, due=pulls.due_settling),
    Work(Job.GAPS_EXPIRE, run=retention.expire, due=retention.due_expiries),
)
