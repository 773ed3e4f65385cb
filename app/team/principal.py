"""Who calls, and what they may do: one check, the same for people and for programs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from app.domain.people import Preferences
from app.domain.said import say
from app.errors import NotAllowed
from app.models import Role

RESOURCES = (
    "sites",
    "imports",
    "prospects",
    "pitches",
    "outbox",
    "messages",
    "links",
    "mailboxes",
    "suppressions",
    "installation",
    "events",
    "reports",
    "audit",
)
# What nobody can write: it follows from everything else.
_READ_ONLY = ("events", "reports", "audit")
READS = frozenset(f"{name}:read" for name in RESOURCES)
# Every scope that a key can have. `team:write` (users and keys) is for people only.
SCOPES = READS | frozenset(f"{name}:write" for name in RESOURCES if name not in _READ_ONLY)

_VIEWER = frozenset({"sites:read", "prospects:read", "links:read", "events:read", "reports:read"})
_OUTREACH = (READS - {"audit:read"}) | {
    "prospects:write",
    "pitches:write",
    "outbox:write",
    "messages:write",
    "links:write",
}
# `queue:lead` (pins, take-over, approving several), `templates:write` and `system:write` are for people only.
_LEAD = _OUTREACH | {
    "queue:lead",
    "templates:write",
    "audit:read",
    "sites:write",
    "imports:write",
    "suppressions:write",
}
_OPERATOR = SCOPES | {"queue:lead", "templates:write", "team:write", "system:write"}

ROLE_SCOPES = {
    Role.VIEWER: _VIEWER,
    Role.OUTREACH: _OUTREACH,
    Role.LEAD: _LEAD,
    Role.OPERATOR: _OPERATOR,
}


@dataclass(frozen=True, slots=True)
class Principal:
    """A person with a session or a program with a key. What stands below `role` belongs to people's browsers."""

    kind: Literal["user", "key"]
    id: int
    name: str
    scopes: frozenset[str]
    role: Role | None = None
    csrf_token: str = field(default="", repr=False)
    theme: str = "system"
    full_name: str = ""
    preferences: Preferences = field(default_factory=Preferences)
    # By which the list of their sessions marks this one: the hash of its secret id.
    session: str = field(default="", repr=False)
    second_factor: bool = False
    # Up to when this person has read the list of notices.
    notices_seen_at: datetime | None = None

    @property
    def actor(self) -> str:
        """How this caller stands in the history."""
        return self.name if self.kind == "user" else f"key:{self.name}"

    @property
    def caller(self) -> str:
        """A short, unique name of the caller (at most 64 characters), for keys that must not mix between callers."""
        return f"{self.kind}:{self.id}"

    def may(self, scope: str) -> bool:
        """Whether `scope` (such as "prospects:write") is among this caller's."""
        return scope in self.scopes

    def require(self, scope: str) -> None:
        """Raise NotAllowed unless the caller has `scope`."""
        if not self.may(scope):
            if self.role:
                words = say("as {role} you may not do this: it needs {scope}", role=self.role.value, scope=scope)
            else:
                words = say("this API key does not have the scope '{scope}'", scope=scope)
            raise NotAllowed(words, scope=scope)
