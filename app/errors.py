"""The one tree of errors that users meet: each has a stable code, an HTTP status and a sentence that says the fix.

GapbridgeError
├── BadInput            422  the caller's data is malformed: names the file, line or field
├── NotFound            404
├── Conflict            409  the state does not allow it (illegal transition, lost race)
│   ├── IllegalTransition
│   └── Stale                somebody else saved what is being saved; `changes` say what differs
├── Refused             409  a gate said no; `skip` holds the named reason
├── NotAllowed          403  the role or scope does not permit it
├── NotSignedIn         401
├── TooMany             429
└── Unavailable         503  something that we depend on does not answer
    └── MailboxFault         the mailbox (not the message) is at fault
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Skip:
    """A named refusal: `reason` is stable and counted, `sentence` is for people, `until` (ISO 8601) when it may end."""

    reason: str
    sentence: str
    until: str | None = None


class GapbridgeError(Exception):
    """Base of every error that is shown to a user. `code` is stable; `detail` is a sentence that names the fix."""

    code = "error"
    status = 500

    def __init__(self, detail: str, **extra: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.extra = extra


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """What is wrong with one field of the input, as `field` (dotted path) and a sentence."""

    field: str
    problem: str


class BadInput(GapbridgeError):
    """The caller's data is malformed."""

    code = "bad-input"
    status = 422

    def __init__(self, detail: str, *problems: FieldProblem, **extra: Any) -> None:
        super().__init__(detail, **extra)
        self.problems = problems


class NotFound(GapbridgeError):
    """There is no such object, or the caller may not know of it."""

    code = "not-found"
    status = 404


class Conflict(GapbridgeError):
    """The present state does not allow this, or somebody else was faster."""

    code = "conflict"
    status = 409


class IllegalTransition(Conflict):
    """The pipeline has no such move from this stage."""

    code = "illegal-transition"


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that differs between what is kept now and what was sent."""

    field: str
    theirs: Any
    yours: Any


class Stale(Conflict):
    """Somebody else saved the same thing since it was read. Nothing was changed; `version` is the present one."""

    code = "stale"

    def __init__(self, detail: str, version: int, *changes: Difference, **extra: Any) -> None:
        super().__init__(detail, **extra)
        self.version = version
        self.changes = changes


class Refused(GapbridgeError):
    """A gate said no. `skips` are the named reasons, each with its sentence."""

    code = "refused"
    status = 409

    def __init__(self, detail: str, *skips: Skip, **extra: Any) -> None:
        super().__init__(detail, **extra)
        self.skips = skips


class NotAllowed(GapbridgeError):
    """The role or the key's scope does not permit this."""

    code = "not-allowed"
    status = 403


class NotSignedIn(GapbridgeError):
    """No valid session or API key came with the request."""

    code = "not-signed-in"
    status = 401


class TooMany(GapbridgeError):
    """A limit was reached; `retry_after` is in seconds."""

    code = "too-many"
    status = 429

    def __init__(self, detail: str, retry_after: int, **extra: Any) -> None:
        super().__init__(detail, **extra)
        self.retry_after = retry_after


class Unavailable(GapbridgeError):
    """Something that we depend on does not answer now."""

    code = "unavailable"
    status = 503


class MailboxFault(Unavailable):
    """The mailbox cannot send or be read (sign-in, TLS, rate); the message itself is untouched."""

    code = "mailbox-fault"
