"""Every resource of the API, in the order of the document."""

from __future__ import annotations

from app.api.door import Door
from app.api.v1 import (
    audit,
    gap_changes,
    imports,
    installation,
    links,
    mailboxes,
    mentions,
    messages,
    outbox,
    pacing,
    people,
    pitches,
    prospects,
    removals,
    reports,
    sending_domains,
    sites,
    suppressions,
)

DOORS: tuple[Door, ...] = (
    sites.door,
    imports.door,
    gap_changes.door,
    removals.door,
    prospects.door,
    mentions.door,
    pitches.door,
    outbox.door,
    pacing.door,
    messages.door,
    links.door,
    reports.door,
    mailboxes.door,
    sending_domains.door,
    suppressions.door,
    people.door,
    installation.door,
    audit.door,
)
PREFIX = "/api/v1"
