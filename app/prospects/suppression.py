"""Suppression: who must not be written to. The fact is a keyed hash, so it outlives the erasure of the address.

Four kinds of rule, each for one site or for all: an address, a registrable domain with everything below it, one host with
everything below it, and a glob over whole addresses. The sender asks for them inside its commit (`app.outbox.statements`),
by the same keys that are computed here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, func, literal, or_, select, text
from sqlmodel import Session, col

from app.audit import service as audit
from app.db.parts import parts
from app.db.vault import Vault
from app.db.work import UnitOfWork
from app.domain.inbound_opt_out import by_words
from app.domain.said import say
from app.domain.suppression_rules import (
    MOST_PATTERNS,
    WISHES,
    hosts_above,
    normal_address,
    pattern_problem,
    split_address,
    to_like,
)
from app.errors import BadInput, Conflict, FieldProblem, NotAllowed, NotFound, Skip
from app.installation import pepper
from app.keys import ascii_host, registrable_domain
from app.models import Site, Suppression, SuppressionKind, SuppressionRemoval

_PURPOSE = "suppression"
_READING = re.compile(r"message \d{1,19} \((.*)\)")
# The sender's commit holds this lock together with other senders; a new suppression takes it alone as its last act. So a
# mail whose commit begins after the suppression is stored always sees it (PostgreSQL; on SQLite the writer is alone).
LOCK = 7_208_153_005


@dataclass(frozen=True, slots=True)
class Spelling:
    """An address in the two forms that are compared: as written (lower case, A-label) and normal."""

    written: str
    normal: str
    host: str


def spell(email: str) -> Spelling:
    """The spellings of an address; what is no address is its own normal form."""
    local, host = split_address(email)
    host = ascii_host(host) or host
    return Spelling(f"{local}@{host}", normal_address(local, host), host)


class Keys:
    """Makes the stored keys of rules: one key of its own for the life of the installation (see app.installation.pepper)."""

    def __init__(self, session: Session, vault: Vault) -> None:
        self._pepper = pepper.stored(session, vault)
        self._vault = vault

    @property
    def lasting(self) -> bool:
        """Whether the installation has its own key already; before its first start hashes are made with the vault's."""
        return self._pepper is not None

    def of(self, kind: SuppressionKind, value: str, site_id: int | None) -> list[str]:
        """The keys under which this rule may be stored, the one for new rows first."""
        scope = pepper.scope(kind, value, site_id)
        if self._pepper is None:
            return self._vault.keyed_hashes(_PURPOSE, scope)
        return [pepper.keyed(self._pepper, scope)]

    def against(self, email: str, site_id: int | None) -> list[str]:
        """Every stored key that would forbid writing to `email` for this site (None: only the rules for all sites)."""
        said = spell(email)
        rules = [(SuppressionKind.ADDRESS, said.normal)]
        rules += [(SuppressionKind.DOMAIN, registrable_domain(said.host) or said.host)]
        rules += [(SuppressionKind.HOST, host) for host in hosts_above(said.host)]
        sites = (None,) if site_id is None else (None, site_id)
        return [key for kind, value in rules for site in sites for key in self.of(kind, value, site)]


def clean(kind: SuppressionKind, value: str) -> str:
    """The value in the form in which it is stored and compared. Raises BadInput (field `value`) with the fix."""
    if kind is SuppressionKind.PATTERN:
        pattern = value.strip().lower()
        problem = pattern_problem(pattern)
        if problem:
            raise BadInput(say("'{value}' cannot be used as a pattern", value=value), FieldProblem("value", problem))
        return pattern
    said = spell(value)
    if kind is SuppressionKind.ADDRESS:
        if "@" not in value or not said.normal.partition("@")[0] or not said.host or " " in said.normal:
            raise BadInput(
                say("'{value}' is not an address", value=value),
                FieldProblem("value", say("Write it as name@example.com")),
            )
        return said.normal
    host = ascii_host(said.host)
    if host is None or "." not in host or registrable_domain(host) is None:
        raise BadInput(
            say("'{value}' is not a domain that somebody owns", value=value),
            FieldProblem("value", say("Write it as example.com; for a whole ending use the pattern *@*.ending")),
        )
    return host.removeprefix("www.") if kind is SuppressionKind.HOST else registrable_domain(host) or host


def suppress(
    uow: UnitOfWork,
    vault: Vault,
    value: str,
    *,
    kind: SuppressionKind,
    reason: str,
    source: str,
    actor: str,
    site_id: int | None = None,
) -> Suppression:
    """Never write to this address (or to whom the rule matches) again; doing it twice keeps the first.

    `site_id` None is for every site. A wish that comes after a mere bounce takes its place, and so does what they did or a
    person read after what a machine read out of their words, which alone can be taken back. Raises BadInput, NotFound.
    """
    if site_id is not None and uow.session.get(Site, site_id) is None:
        raise NotFound(say("there is no site {site_id}", site_id=site_id))
    normal = clean(kind, value)
    keys = lasting_keys(uow, vault).of(kind, normal, site_id)
    known: Suppression | None = (
        uow.session.execute(select(Suppression).where(col(Suppression.key).in_(keys))).scalars().first()
    )
    if known is not None:
        strengthen(uow, known, reason=reason, source=source, actor=actor)
        return known
    if kind is SuppressionKind.PATTERN:
        _room_for_patterns(uow)
    made = Suppression(
        key=keys[0],
        kind=kind,
        value=normal[:254],
        pattern=to_like(normal) if kind is SuppressionKind.PATTERN else None,
        site_id=site_id,
        reason=reason,
        source=source,
        created_by=actor,
        created_at=uow.now(),
    )
    uow.session.add(made)
    uow.session.flush()
    told = {"kind": kind, "reason": reason, "source": source, "site": site_id}
    audit.record(uow, "suppression.added", "suppression", made.id, name=made.value, after=told, actor=actor)
    last_in_line(uow)
    return made


def reading(inbound_id: int, rule: str | None) -> str:
    """The source of what a machine makes of a received message."""
    return f"message {inbound_id} ({rule})"[:200]


def is_reading(source: str) -> bool:
    """Whether the source is a machine's reading of what somebody wrote."""
    found = _READING.fullmatch(source)
    return found is not None and by_words(found.group(1))


def read_in(session: Session, inbound_id: int, rule: str | None) -> list[Suppression]:
    """The rules that stand for nothing but a machine's reading of this message."""
    statement = select(Suppression).where(col(Suppression.source) == reading(inbound_id, rule))
    return list(session.execute(statement).scalars())


def strengthen(uow: UnitOfWork, known: Suppression, *, reason: str, source: str, actor: str) -> None:
    """Let a wish take the place of a mere bounce, and a person's word that of a machine's reading; nothing else changes."""
    stronger = known.reason not in WISHES or (is_reading(known.source) and not is_reading(source))
    if reason not in WISHES or not stronger:
        return
    before, after = {"reason": known.reason, "source": known.source}, {"reason": reason, "source": source}
    known.reason, known.source, known.created_by = reason, source, actor
    audit.record(
        uow,
        "suppression.changed",
        "suppression",
        known.id,
        name=known.value,
        before=before,
        after=after,
        actor=actor,
    )


def lasting_keys(uow: UnitOfWork, vault: Vault) -> Keys:
    """The keys for new rows. The first call of an installation's life makes its own key and moves every row to it."""
    keys = Keys(uow.session, vault)
    if keys.lasting:
        return keys
    if not pepper.make(uow, vault):
        return Keys(uow.session, vault)
    keys = Keys(uow.session, vault)
    for row in uow.session.execute(select(Suppression).where(col(Suppression.value).is_not(None))).scalars():
        row.key = keys.of(row.kind, row.value or "", row.site_id)[0]
    uow.session.flush()
    last_in_line(uow)
    return keys


def last_in_line(uow: UnitOfWork) -> None:
    """Let this transaction commit only between the commits of senders, so that the next one sees it."""
    if uow.session.get_bind().dialect.name == "postgresql":
        statement = text("SELECT pg_advisory_xact_lock(:key)")

        def lock() -> None:
            uow.session.flush()
            uow.session.execute(statement, {"key": LOCK})

        uow.before_commit("suppression", lock)


def count_patterns(session: Session) -> int:
    """How many globs there are."""
    statement = select(func.count()).select_from(Suppression).where(col(Suppression.pattern).is_not(None))
    return int(session.execute(statement).scalar_one())


def with_keys(session: Session, keys: list[str]) -> list[Suppression]:
    """The rules that are stored under these keys."""
    found: list[Suppression] = []
    for some in parts(keys):
        found += session.execute(select(Suppression).where(col(Suppression.key).in_(some))).scalars()
    return found


def known_keys(session: Session, keys: list[str]) -> set[str]:
    """Which of the keys are stored already."""
    found: set[str] = set()
    for some in parts(keys):
        found.update(session.execute(select(col(Suppression.key)).where(col(Suppression.key).in_(some))).scalars())
    return found


def _room_for_patterns(uow: UnitOfWork) -> None:
    if count_patterns(uow.session) >= MOST_PATTERNS:
        raise Conflict(
            say(
                "there are {most_patterns} patterns already, and each mail is compared with all of them; "
                "remove some, or suppress domains instead",
                most_patterns=MOST_PATTERNS,
            )
        )


def matching(session: Session, keys: Keys, email: str, site_id: int | None) -> Any:
    """The rules that forbid writing to `email` for this site, the oldest first."""
    said = spell(email)
    return (
        select(Suppression)
        .where(
            or_(
                col(Suppression.key).in_(keys.against(email, site_id)),
                and_(
                    col(Suppression.pattern).is_not(None),
                    or_(col(Suppression.site_id).is_(None), col(Suppression.site_id) == site_id),
                    or_(
                        literal(said.written).like(col(Suppression.pattern), escape="!"),
                        literal(said.normal).like(col(Suppression.pattern), escape="!"),
                    ),
                ),
            )
        )
        .order_by(col(Suppression.id))
    )


def rules_against(session: Session, vault: Vault, email: str, site_id: int | None = None) -> list[Suppression]:
    """Every rule that forbids writing to `email` (for this site; None: only rules for all sites)."""
    return list(session.execute(matching(session, Keys(session, vault), email, site_id)).scalars())


def refusal(session: Session, vault: Vault, email: str, site_id: int | None = None) -> Skip | None:
    """Why `email` must not be written to for this site, or None."""
    found = next(iter(rules_against(session, vault, email, site_id)), None)
    return None if found is None else Skip("suppressed", sentence(found))


def against_domain(session: Session, vault: Vault, domain: str, site_id: int | None = None) -> list[Suppression]:
    """The rules that forbid writing to anybody at `domain`: those for the domain or a host above it, no patterns."""
    # Any local part stands for all of them; what only fits this one is left out.
    whole = (SuppressionKind.DOMAIN, SuppressionKind.HOST)
    return [rule for rule in rules_against(session, vault, f"anybody@{domain}", site_id) if rule.kind in whole]


def sentence(rule: Suppression) -> str:
    """The rule in words."""
    what = {
        SuppressionKind.ADDRESS: "this address",
        SuppressionKind.DOMAIN: f"everybody at {rule.value or 'this domain'}",
        SuppressionKind.HOST: f"everybody at the host {rule.value}",
        SuppressionKind.PATTERN: f"every address like {rule.value}",
    }[rule.kind]
    where = "" if rule.site_id is None else f" for site {rule.site_id}"
    return f"{what} must not be written to{where}: {rule.reason} ({rule.source}, {rule.created_at:%d %b %Y})"


def remove(uow: UnitOfWork, suppression_id: int, *, reason: str, actor: str, is_lead: bool) -> SuppressionRemoval:
    """Take a rule away, on record. An unsubscribe, a complaint or an erasure is lifted by a lead only.

    Raises NotFound, NotAllowed, and BadInput (field `reason`) without a reason.
    """
    row = get(uow.session, suppression_id)
    if not reason.strip():
        raise BadInput(say("say why it may be removed"), FieldProblem("reason", say("A sentence; it is kept")))
    if row.reason in WISHES and not is_lead:
        raise NotAllowed(say("they {reason}: only a lead may lift that, with a reason", reason=row.reason))
    kept = SuppressionRemoval(
        key=row.key,
        kind=row.kind,
        site_id=row.site_id,
        reason_was=row.reason,
        reason=reason.strip(),
        removed_by=actor,
        at=uow.now(),
    )
    audit.record(
        uow,
        "suppression.removed",
        "suppression",
        row.id,
        name=row.value,
        before={"kind": row.kind, "reason": row.reason, "site": row.site_id},
        reason=kept.reason,
        actor=actor,
    )
    uow.session.add(kept)
    uow.session.delete(row)
    uow.session.flush()
    return kept


def find(session: Session, vault: Vault, kind: SuppressionKind, value: str, site_id: int | None) -> Suppression | None:
    """The one rule with this very value, or None. Raises BadInput for a value that cannot be one."""
    keys = Keys(session, vault).of(kind, clean(kind, value), site_id)
    found: Suppression | None = (
        session.execute(select(Suppression).where(col(Suppression.key).in_(keys))).scalars().first()
    )
    return found


def get(session: Session, suppression_id: int) -> Suppression:
    """The rule with this id; raises NotFound."""
    found: Suppression | None = session.get(Suppression, suppression_id)
    if found is None:
        raise NotFound(say("there is no suppression {suppression_id}", suppression_id=suppression_id))
    return found


def newest(
    session: Session, *, before: int | None = None, site_id: int | None = None, limit: int, holding: str = ""
) -> list[Suppression]:
    """Rules, newest first; with `site_id` only those of that site, with `holding` those whose value or reason holds it."""
    statement = select(Suppression).order_by(col(Suppression.id).desc()).limit(limit)
    if before is not None:
        statement = statement.where(col(Suppression.id) < before)
    if site_id is not None:
        statement = statement.where(col(Suppression.site_id) == site_id)
    if holding:
        wanted = holding.lower()
        statement = statement.where(
            or_(
                col(Suppression.value).contains(wanted, autoescape=True),
                col(Suppression.reason).contains(wanted, autoescape=True),
            )
        )
    return list(session.execute(statement).scalars())
