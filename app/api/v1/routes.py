"""Every resource of the API, in the order of the document."""

from __future__ import annotations

from app.api.door import Door
from app.api.v1 import sites

DOORS: tuple[Door, ...] = (sites.door,)
PREFIX = "/api/v1"
