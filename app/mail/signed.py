"""The line about the DKIM signature of a message that a mailbox has sent to itself: the only one that we see as receivers do."""

from __future__ import annotations

from email.parser import BytesHeaderParser
from email.policy import compat32

from app.domain.checks import Check, CheckState
from app.domain.dkim_signature import Signature, parse_signature
from app.domain.said import say
from app.keys import registrable_domain

NAME = "dkim-signature"
_MOST_BYTES = 262_144
_MOST = 20
_ONE_CLICK = ("list-unsubscribe", "list-unsubscribe-post")
# What stays inside of one organisation is not signed there.
_SIGNS_ONLY_WHAT_LEAVES = (".office365.com", ".outlook.com", ".outlook.office.com")


def signatures(raw: bytes) -> list[Signature]:
    """The DKIM signatures in the header of a message, at most 20."""
    message = BytesHeaderParser(policy=compat32).parsebytes(raw[:_MOST_BYTES])
    found = (parse_signature(str(value)) for value in (message.get_all("DKIM-Signature") or [])[:_MOST])
    return [signature for signature in found if signature is not None]


def judge(raw: bytes, email: str, smtp_host: str) -> Check:
    """What receivers see of who has signed `raw`, a message from `email` that came back."""
    domain = email.rpartition("@")[2].lower()
    found = signatures(raw)
    mine = [one for one in found if _house(one.domain) == _house(domain)]
    fix = say(
        "Switch DKIM on for {domain} at your provider, and publish the key that it shows: large receivers refuse or hide mail without it.",
        domain=domain,
    )
    if not found and smtp_host.casefold().endswith(_SIGNS_ONLY_WHAT_LEAVES):
        said = say("it came back without a signature, as all mail that stays inside of this provider does")
        look = say("Send one to an address elsewhere, and look for DKIM-Signature in its header.")
        return Check(NAME, CheckState.UNKNOWN, said, look)
    if not found:
        return Check(NAME, CheckState.FAIL, say("it came back without a DKIM signature"), fix)
    if not mine:
        others = ", ".join(sorted({one.domain for one in found}))
        return Check(
            NAME,
            CheckState.FAIL,
            say("it is signed by {others}, and not by {domain}", others=others, domain=domain),
            fix,
        )
    best = max(mine, key=lambda one: len(one.headers.intersection(_ONE_CLICK)))
    missing = [name for name in _ONE_CLICK if name not in best.headers]
    if missing:
        return Check(
            NAME,
            CheckState.WARN,
            say(
                "{domain} signs ({selector}), but the signature does not cover {fields}",
                domain=best.domain,
                selector=best.selector,
                fields=", ".join(missing),
            ),
            say(
                "Add both to the fields that your server signs; where the provider decides, receivers show no unsubscribe "
                "button of their own, and the link in the mail still works (RFC 8058)."
            ),
        )
    return Check(NAME, CheckState.OK, say("{domain} signs ({selector})", domain=best.domain, selector=best.selector))


def _house(domain: str) -> str:
    return registrable_domain(domain) or domain
