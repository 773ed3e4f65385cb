"""Pitches: proposed from evidence, edited by staff, held to every gate, and approved into the outbox in one transaction."""

from __future__ import annotations

from dataclasses import dataclass

from app.db.vault import Vault
from app.db.work import UnitOfWork
from app.domain.angles import propose as propose_angle
from app.domain.pitch_contract import BrokenRule
from app.errors import Skip
from app.mail.render import versions
from app.mail.render.drafts import Draft, judge
from app.mail.render.templates import TemplateSource, load, render
from app.models import (
    Pitch,
    TemplateVersion,
)
from app.pitches import facts, gates
from app.pitches.approving import approve, undo
from app.pitches.drafting import (
    choose,
    choose_angle,
    chosen_page,
    edit,
    get,
    propose,
    rests_on_evidence,
    withdraw,
)
from app.prospects import service as prospects
from app.settings import Settings

__all__ = [
    "approve",
    "choose",
    "choose_angle",
    "chosen_page",
    "edit",
    "get",
    "propose",
    "rests_on_evidence",
    "undo",
    "withdraw",
]


@dataclass(frozen=True, slots=True)
class PitchView:
    """A pitch with what a person needs to decide: counted words, broken contract rules, and everything that refuses it."""

    pitch: Pitch
    words: int
    broken: tuple[BrokenRule, ...]
    skips: tuple[Skip, ...]


def view(uow: UnitOfWork, vault: Vault, settings: Settings, pitch: Pitch) -> PitchView:
    """What would happen if this pitch were approved now."""
    words, broken = gates.contract(uow, pitch)
    return PitchView(pitch, words, broken, tuple(gates.gates(uow, vault, settings, pitch)))


def save_template_version(
    uow: UnitOfWork,
    name: str,
    source: TemplateSource,
    *,
    actor: str,
    note: str | None = None,
    after: int | None = None,
) -> TemplateVersion:
    """Keep a new version of a template for new drafts; raises BadInput that names part and line. Drafts keep their text.

    With `after`, the version that was edited, it raises Conflict when somebody saved another one meanwhile.
    """
    return versions.save(uow, name, source, actor=actor, note=note, after=after)


def preview(uow: UnitOfWork, name: str, source: TemplateSource, prospect_id: int) -> Draft:
    """How `source` would read for a real prospect, and what the contract says; nothing is stored."""
    load(name)
    evidence = facts.gather(uow, prospects.get(uow, prospect_id))
    proposal = propose_angle(evidence.angle, by_hand=True)
    values = facts.values_of(evidence, proposal.reason if proposal else None)
    message = render(source, values)
    words, broken = judge(message, values, our_domains=evidence.site.domains)
    return Draft(name, message, words, broken)
