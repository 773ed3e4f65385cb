"""Every resource of the API, in the order of the document."""

from __future__ import annotations

from app.api.door import Door
from app.api.v1 import prospects, sites

DOORS: tuple[Door, ...] = (sites.door, prospects.door)
PREFIX = "/api/v1"
