"""The work of the digest."""

from __future__ import annotations

from datetime import timedelta

from app.digest import service
from app.jobs import Job
from workers.work import Work

# Above the ten minutes that a server may take for its answer to the dot.
WORK: tuple[Work, ...] = (Work(Job.DIGEST_SEND, run=service.send, due=service.due, time_limit=timedelta(minutes=14)),)
