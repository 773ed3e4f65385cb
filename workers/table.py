"""The table of all work: the actors are declared from it and the clock sweeps by it."""

from __future__ import annotations

from workers import contacts, digest, domains, evidence, gaps, inbox, links, mentions, outbox, sequences, sites
from workers.work import Work

TABLE: tuple[Work, ...] = (
    *outbox.WORK,
    *inbox.WORK,
    *sequences.WORK,
    *mentions.WORK,
    *contacts.WORK,
    *evidence.WORK,
    *digest.WORK,
    *links.WORK,
    *sites.WORK,
    *gaps.WORK,
    *domains.WORK,
)
