"""Every resource of the API, in the order of the document."""

from __future__ import annotations

from app.api.door import Door
from app.api.v1 import (
    audit,
    contacts,
    gap,
    gap_changes,
    import_jobs,
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
    pulls,
    removals,
    reports,
    sending_domains,
    sequences,
    sites,
    suppressions,
    web_graph,
)

DOORS: tuple[Door, ...] = (
    sites.door,
    imports.door,
    gap.door,
    import_jobs.door,
    gap_changes.door,
    pulls.door,
    web_graph.door,
    removals.door,
    prospects.door,
    contacts.door,
    mentions.door,
    pitches.door,
    sequences.door,
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
