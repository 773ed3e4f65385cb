"""The audit: who did what to which thing, newest first, with its filters in the address, and the same as a file."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import TextIO
from urllib.parse import urlencode

from starlette.responses import Response, StreamingResponse

from app.db.work import Database
from app.domain.said import say
from app.errors import BadInput, FieldProblem
from app.reports import audit
from app.web import i18n
from app.web.door import Pages, Visit, moment
from app.web.i18n import _, mark

pages = Pages()

PAGE = 50
KINDS = {
    "prospect": mark("Prospects"),
    "user": mark("Users"),
    "key": mark("API keys"),
    "mailbox": mark("Mailboxes"),
    "domain": mark("Sending domains"),
    "message": mark("Messages"),
    "suppression": mark("Suppression"),
    "site": mark("Sites"),
    "competitor": mark("Competitors"),
    "page": mark("Pages"),
    "template": mark("Templates"),
    "sequence": mark("Sequences"),
    "snapshot": mark("Imports"),
    "pull": mark("Pulls"),
    "upload": mark("Uploads"),
    "removal": mark("Removals"),
    "person": mark("Erasures"),
    "job": mark("Jobs"),
    "installation": mark("Installation"),
}
VERBS = {
    "user.created": mark("added the user"),
    "user.changed": mark("changed the user"),
    "user.password_set": mark("set a new password for"),
    "user.signed_in": mark("signed in"),
    "user.signed_out": mark("signed out"),
    "user.sign_in_failed": mark("did not sign in, at the account of"),
    "user.code_failed": mark("gave a wrong code, at the account of"),
    "user.passkey_failed": mark("showed a passkey that opens nothing here"),
    "user.passkey_added": mark("added a passkey of"),
    "user.passkey_removed": mark("removed a passkey of"),
    "user.passkeys_reset": mark("took away the passkeys of"),
    "user.factor_added": mark("set up the second factor of"),
    "user.factor_removed": mark("switched off the second factor of"),
    "user.factor_reset": mark("took away the second factor of"),
    "user.sessions_ended": mark("ended sessions of"),
    "key.created": mark("made the key"),
    "key.revoked": mark("revoked the key"),
    "mailbox.connected": mark("connected the mailbox"),
    "mailbox.signed_in": mark("signed in the mailbox"),
    "mailbox.resumed": mark("let go on"),
    "mailbox.off": mark("switched off"),
    "mailbox.moved": mark("changed the servers of"),
    "mailbox.paused": mark("put to rest"),
    "mailbox.stopped": mark("stopped the mailbox"),
    "mailbox.aliases": mark("changed the further addresses of"),
    "mailbox.renamed": mark("renamed the sender of"),
    "mailbox.folder": mark("changed which folders are read of"),
    "mailbox.paced": mark("changed the limits of"),
    "domain.overridden": mark("overrode the checks of"),
    "domain.override_lifted": mark("lifted the override of"),
    "domain.selectors_named": mark("named DKIM selectors of"),
    "message.no_opt_out": mark("said that it is no opt-out, a message of"),
    "suppression.added": mark("suppressed"),
    "suppression.changed": mark("changed the suppression of"),
    "suppression.removed": mark("removed the suppression of"),
    "suppression.imported": mark("imported the suppression list"),
    "site.created": mark("added the site"),
    "site.changed": mark("changed the site"),
    "site.archived": mark("put away the site"),
    "site.restored": mark("brought back the site"),
    "site.paced": mark("changed the sending rules of"),
    "competitor.added": mark("added the competitor"),
    "competitor.changed": mark("changed the competitor"),
    "competitor.removed": mark("removed the competitor"),
    "page.added": mark("added the page"),
    "page.changed": mark("changed the page"),
    "page.archived": mark("put away the page"),
    "page.restored": mark("brought back the page"),
    "page.checked": mark("checked the page"),
    "template.saved": mark("saved the template"),
    "sequence.saved": mark("saved the sequence"),
    "sequence.moved": mark("moved people onto the sequence"),
    "snapshot.imported": mark("imported"),
    "snapshot.replaced": mark("read in another way"),
    "snapshot.removed": mark("took back the import"),
    "snapshot.expired": mark("forgot, as its provider's terms say,"),
    "snapshot.redated": mark("corrected the day of"),
    "pull.scheduled": mark("scheduled pulls from"),
    "pull.unscheduled": mark("stopped pulls from"),
    "pull.paused": mark("paused pulls from"),
    "pull.resumed": mark("resumed pulls from"),
    "pull.asked": mark("asked for a pull from"),
    "pull.cancelled": mark("stopped the pull from"),
    "site.floors": mark("changed the floors of"),
    "removal.taken-back": mark("took a removal back:"),
    "removal.applied-again": mark("applied a removal again:"),
    "mentions.listed": mark("took pages that may name us from"),
    "upload.started": mark("started the import of"),
    "upload.cancelled": mark("stopped the import of"),
    "takeback.asked": mark("asked to take back the import"),
    "takeback.cancelled": mark("stopped taking back the import"),
    "gap.verification-asked": mark("asked to verify domains"),
    "gap.verification-stopped": mark("stopped verifying domains"),
    "discovery.asked": mark("asked to read the web graph"),
    "discovery.cancelled": mark("stopped reading the web graph"),
    "prospect.queued": mark("asked to look at"),
    "prospect.accepted": mark("took on without a link"),
    "reasons.asked": mark("asked to look for reasons at"),
    "contacts.asked": mark("asked to look for contacts at"),
    "user.digest": mark("changed the digest of"),
    "person.erased": mark("erased a person"),
    "job.retried": mark("retried the job"),
    "backup.made": mark("made a backup"),
    "suppression.kept": mark("kept whom the replaced data must not write to"),
    "installation.ruled": mark("changed the rules of the installation"),
    "installation.held": mark("stopped all sending"),
    "installation.released": mark("let sending go on"),
}
# Where a thing has a page of its own.
_PLACES = {
    "prospect": "/prospects/{}",
    "mailbox": "/mailboxes/{}",
    "message": "/inbox/{}",
    "user": "/settings/users/{}",
    "site": "/sites/{}",
    "page": "/pages/{}",
    "template": "/templates/{}",
    "sequence": "/sequences/{}",
}
_FIELDS = ("actor", "kind", "key", "verb", "since", "until")


def _asked(visit: Visit) -> dict[str, str]:
    given = visit.request.query_params
    return {name: value for name in _FIELDS if (value := given.get(name, "").replace("\0", "").strip()[:200])}


def _day(text: str | None, field: str, on: timedelta = timedelta()) -> datetime | None:
    if not text:
        return None
    try:
        return datetime.combine(date.fromisoformat(text), time(), tzinfo=i18n.zone()).astimezone(UTC) + on
    except (ValueError, OverflowError):
        raise BadInput(
            say("this is no day"),
            FieldProblem(field, _("“{given}” is no day and was left out. Enter one as 2026-06-01", given=text[:40])),
        ) from None


def _wanted(asked: dict[str, str]) -> audit.Wanted:
    # The last day counts whole.
    until = _day(asked.get("until"), "until", timedelta(days=1))
    return audit.Wanted(
        actor=asked.get("actor"),
        kind=asked.get("kind"),
        key=asked.get("key"),
        verb=asked.get("verb"),
        since=_day(asked.get("since"), "since"),
        until=until,
    )


def _position(text: str) -> audit.Position | None:
    parts = text.split("_")
    if len(parts) != 3 or not (parts[1] in ("0", "1") and parts[2].isdecimal() and len(parts[2]) < 19):
        return None
    at = moment(parts[0])
    return (at, int(parts[1]), int(parts[2])) if at is not None else None


def _named(position: audit.Position) -> str:
    at, source, key = position
    return f"{at.astimezone(UTC).isoformat()}_{source}_{key}"


@pages.get("/audit", needs="audit:read")
def timeline(visit: Visit) -> Response:
    """The lines that fit the filters, newest first."""
    asked, lines, status = _asked(visit), [], 200
    try:
        after = _position(visit.request.query_params.get("before", ""))
        lines = audit.listing(visit.uow, _wanted(asked), after=after, limit=PAGE + 1)
    except BadInput as wrong:
        visit.error, status = wrong, 422
    more = {**asked, "before": _named(audit.position(lines[PAGE - 1]))} if len(lines) > PAGE else None
    return visit.page(
        "audit.html",
        status,
        lines=lines[:PAGE],
        more=f"/audit?{urlencode(more)}" if more else None,
        asked=asked,
        kinds=KINDS,
        verbs=VERBS,
        places={name: place for name, place in _PLACES.items() if name != "user" or visit.who.may("team:write")},
        export=urlencode(asked),
    )


def _file(visit: Visit, name: str, media: str, write: Callable[[Iterator[audit.Line], TextIO], None]) -> Response:
    wanted, db = _wanted(_asked(visit)), visit.container.db
    return StreamingResponse(
        _text(db, wanted, write),
        media_type=f"{media}; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )


def _text(db: Database, wanted: audit.Wanted, write: Callable[[Iterator[audit.Line], TextIO], None]) -> Iterator[str]:
    with tempfile.TemporaryFile("w+", encoding="utf-8", newline="") as out:
        write(audit.every(db, wanted), out)
        out.seek(0)
        yield from iter(lambda: out.read(65_536), "")


@pages.get("/audit/export.csv", needs="audit:read")
def export_csv(visit: Visit) -> Response:
    """The same lines as CSV; no cell of it acts as a formula."""
    return _file(visit, "audit.csv", "text/csv", audit.write_csv)


@pages.get("/audit/export.json", needs="audit:read")
def export_json(visit: Visit) -> Response:
    """The same lines, one JSON object each."""
    return _file(visit, "audit.jsonl", "application/x-ndjson", audit.write_json)
