"""The work of the outbox: sending, and looking up the fate of what may have been sent."""

from __future__ import annotations

from workers.work import Work

# Each entry is four lines: Work(Job.NOUN_VERB, run=service.verb, due=repository.due_verb); see workers/work.py.
WORK: tuple[Work, ...] = ()
