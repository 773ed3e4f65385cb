"""Takes stock at the end of the demo: what the database says, what the mailboxes hold, and each prospect's path. Reads only."""

from __future__ import annotations

from collections import Counter, defaultdict

from sqlalchemy import select
from sqlmodel import Session, col

from app.domain.pipeline import Event, Stage
from app.models import Link, Outbound, Prospect, StageEvent
from app.outbox.service import wire_bytes
from app.sandbox import cast
from app.sandbox.editors import Desk
from app.sandbox.ledger import Balance, Entry, Held, balance, digest, held_in, returned_in
from app.sandbox.screen import PathLine

_NOISE = {
    "listing": "(a directory)",
    "weak": "(a page of links)",
    "nofollow": "(a forum)",
    "spam": "(marked as spam)",
    "lost": "(the link is lost)",
}


def outbox_entries(session: Session) -> list[Entry]:
    """Every message of the outbox."""
    rows = session.execute(select(Outbound).order_by(col(Outbound.id))).scalars()
    return [Entry(row.message_id, row.to_address, digest(wire_bytes(row)), row.state.value) for row in rows]


def world_holds(desk: Desk) -> list[Held]:
    """Every mail in every editor's mailbox, read by IMAP."""
    accounts = [editor.address for editor in desk.editors if editor.address in desk.server.passwords]
    return [held for account in accounts for held in held_in(account, desk.mailbox(account))]


def compare(session: Session, desk: Desk) -> Balance:
    """The ledger against the world."""
    return balance(outbox_entries(session), world_holds(desk), returned_in(desk.mailbox(cast.OUR_MAILBOX)))


def paths(session: Session) -> list[PathLine]:
    """Every prospect with its stages in order, by domain."""
    moves: dict[int, list[StageEvent]] = defaultdict(list)
    for line in session.execute(select(StageEvent).order_by(col(StageEvent.id))).scalars():
        moves[line.prospect_id].append(line)
    sent = Counter(
        session.execute(select(col(Outbound.prospect_id)).where(col(Outbound.state) == "SENT")).scalars().all()
    )
    linked = set(session.execute(select(col(Link.prospect_id))).scalars().all())
    parts = {editor.domain: editor.story for editor in cast.EVERYBODY}
    parts |= {noise.domain: _NOISE[noise.flaw] for noise in cast.NOISE}
    lines = []
    for prospect in session.execute(select(Prospect).order_by(col(Prospect.domain))).scalars():
        stages: list[str] = [Stage.PROSPECT.value]
        reason = ""
        for line in moves[prospect.id]:
            if line.to_stage != line.from_stage or line.event in set(Event):
                stages.append(Stage(line.to_stage).value)
                reason = line.reason or ""
        end = prospect.stage.value
        if prospect.stage is Stage.LOST:
            end = f"lost: {reason}"
        elif prospect.stage is Stage.WON and prospect.id in linked:
            end = "won, link seen"
        lines.append(PathLine(prospect.domain, parts.get(prospect.domain, ""), tuple(stages), end, sent[prospect.id]))
    return lines
