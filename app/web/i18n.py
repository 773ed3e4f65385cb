"""The words of the pages: `app.i18n`, under the name by which the pages know it."""

from __future__ import annotations

from app.i18n import (
    CATALOGS,
    COOKIE,
    PSEUDO,
    Reader,
    _,
    amount,
    best,
    day,
    figure,
    finalize,
    language,
    mark,
    ngettext,
    read_by,
    there,
    when,
    zone,
)

__all__ = [
    "CATALOGS",
    "COOKIE",
    "PSEUDO",
    "Reader",
    "_",
    "amount",
    "best",
    "day",
    "figure",
    "finalize",
    "language",
    "mark",
    "ngettext",
    "read_by",
    "there",
    "when",
    "zone",
]
