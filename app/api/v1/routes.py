"""Every resource of the API, in the order of the document."""

from __future__ import annotations

from app.api.door import Door
from app.api.v1 import links, mailboxes, outbox, pitches, prospects, sites

DOORS: tuple[Door, ...] = (
    sites.door,
    prospects.door,
    pitches.door,
    outbox.door,
    links.door,
    mailboxes.door,
)
PREFIX = "/api/v1"
