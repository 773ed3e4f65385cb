"""The work of the look for reasons, and the draft that rests on them."""

from __future__ import annotations

from datetime import timedelta

from app.evidence import repository
from app.jobs import Job
from app.pitches import replacement
from workers.work import Work

# The limit is below the claim (15 minutes), so that a look that went astray is over before another may begin.
WORK: tuple[Work, ...] = (
    Work(Job.EVIDENCE_LOOK, run=replacement.renew, due=repository.due, time_limit=timedelta(minutes=10)),
)
