"""The text that an answer begins with: one for each class of reply, filled with what the pitch was about. A person sends it, or not."""

from __future__ import annotations

import hashlib
import re
from datetime import date

from app.db.work import UnitOfWork
from app.domain.pitch_contract import BRACKET
from app.domain.said import say
from app.errors import BadInput, FieldProblem
from app.mail.render import versions
from app.mail.render.drafts import draft
from app.mail.render.templates import TemplateSource, answer_to, template_names, use_of
from app.models import Contact, Inbound, Pitch, TemplateVersion
from app.pitches import facts

# No mail of ours leaves with these (`app.mail.mime`): here they are named while the text can still be changed.
_VARIABLE = re.compile(r"\{\{[^{}\n]{0,80}(?:\}\})?|\}\}")


def text_for(
    message: Inbound,
    contact: Contact | None,
    wanted: str,
    pitch: Pitch | None,
    version: TemplateVersion | None,
    *,
    sent_on: date | None = None,
) -> str:
    """What the answer to `message` begins with when they want `wanted` (a `ReplyClass`), filled from the `pitch` that began the conversation;
    `version` is the newest one of that text (None: as it is delivered), `sent_on` the day of our first mail. "" where nothing is prepared for it, without a pitch, and where the
    pitch has no value for a variable of the text.
    """
    name = answer_to(wanted)
    if name is None or pitch is None:
        return ""
    values = facts.afterwards(pitch, sent_on=sent_on)
    if contact is None or (message.from_address or "").casefold() != contact.email.casefold():
        # The name is that of the person whom we wrote to, and somebody else has answered.
        values["first_name"] = None
    source = TemplateSource(version.subject, version.body_text) if version is not None else None
    made = draft(name, values, source=source)
    return "" if made.broken else made.message.body_text


def mark_of(text: str) -> str:
    """A mark by which a form tells whether its text is still the prepared one, however a browser ends its lines; "" for no text."""
    flat = " ".join(text.split())
    return hashlib.sha256(flat.encode()).hexdigest()[:16] if flat else ""


def check_finished(uow: UnitOfWork, body_text: str) -> None:
    """Raises BadInput (field `body_text`) while something of a prepared text is left to fill in: a variable, or one of its brackets.

    Other brackets are the writer's own.
    """
    left = [found.group() for found in BRACKET.finditer(body_text)]
    if left:
        ours = [versions.newest(uow, name)[0].body_text for name in template_names() if use_of(name) == "answer"]
        gaps = {found.group() for text in ours for found in BRACKET.finditer(text)}
        left = [one for one in left if one in gaps]
    left += [found.group() for found in _VARIABLE.finditer(body_text)]
    if left:
        raise BadInput(
            say("the answer is not finished, and was not sent"),
            FieldProblem(
                "body_text",
                say("Put your own words in the place of {names}, or take it out", names=", ".join(dict.fromkeys(left))),
            ),
        )
