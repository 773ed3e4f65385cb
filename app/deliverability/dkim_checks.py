"""The checks of a domain's DKIM keys: that each selector has one, and how strong it is."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Sequence

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from app.deliverability.resolver import Resolver
from app.deliverability.subjects import Subject
from app.domain.checks import Check, CheckState
from app.domain.mail_dns import DkimKey, Provider, fill, parse_dkim_key, provider_of
from app.domain.said import say

OK, WARN, FAIL, UNKNOWN = CheckState.OK, CheckState.WARN, CheckState.FAIL, CheckState.UNKNOWN
# RFC 8301 3.2: verifiers ignore keys below 1024 bits; 2048 is what signers should use.
_SHORTEST_KEY, _GOOD_KEY = 1024, 2048


def check_dkim(subject: Subject, resolver: Resolver) -> Iterator[Check]:
    """`dkim`: a usable key under a selector that was named, was seen in a signature, or that the provider always uses."""
    domain = subject.domain
    providers = {p.name: p for s in subject.servers if (p := provider_of(s.host))}
    usual = [selector for provider in providers.values() for selector in provider.selectors]
    lines: list[Check] = []
    for selector in dict.fromkeys((*subject.named, *subject.learned, *usual)):
        name = f"{selector}._domainkey.{domain}"
        keys = [key for text in resolver.txt(name) if (key := parse_dkim_key(text)) is not None]
        line = _dkim_line(name, selector, keys)
        # An old selector without a key is no fault while another signs; only the operator's word says which one must be there.
        if line.state is not FAIL or selector in subject.named:
            lines.append(line)
    if lines:
        yield from lines
        return
    # Nobody can ask the DNS which selectors there are.
    looked = (
        say("no key under the usual selectors ({names})", names=", ".join(usual))
        if usual
        else say("no selector is known yet")
    )
    yield Check("dkim", UNKNOWN, looked, _first_key(domain, list(providers.values())))


def _first_key(domain: str, providers: Sequence[Provider]) -> str:
    """What to publish where no key was seen: the provider's records, or where it shows them, or the form that they have."""
    known = next((one for one in providers if one.dkim), None)
    if known is not None:
        records = "; ".join(fill(record, domain) for record in known.dkim)
        return say("Switch DKIM on at {name} and publish: {records}", name=known.name, records=records)
    shown = next((one for one in providers if one.dkim_shown), None)
    if shown is not None:
        names = ", ".join(f"{selector}._domainkey.{domain}" for selector in shown.selectors)
        return say(
            "Switch DKIM on at {name} ({where}) and publish the records that it shows at: {names}",
            name=shown.name,
            where=shown.dkim_shown,
            names=names,
        )
    return say(
        "Switch DKIM on at your provider or mail server and publish the key that it shows, for the selector mail: "
        'mail._domainkey.{domain} TXT "v=DKIM1; k=rsa; p=KEY". Then name the selector: gapbridge domain selectors {domain} mail',
        domain=domain,
    )


def _dkim_line(name: str, selector: str, keys: list[DkimKey]) -> Check:
    if not keys:
        fix = say(
            "Publish the TXT (or CNAME) record that your provider shows for {name}, or correct the selector.", name=name
        )
        return Check("dkim", FAIL, say("there is no key at {name}", name=name), fix)
    key = keys[0]
    if len(keys) > 1:
        return Check(
            "dkim",
            FAIL,
            say("several keys stand at {name}", name=name),
            say("Keep one TXT record at {name}.", name=name),
        )
    if not key.public_key:
        return Check(
            "dkim",
            FAIL,
            say("the key was revoked (an empty p=) at {name}", name=name),
            say("Publish a new key at {name}.", name=name),
        )
    bits = _key_bits(key)
    if bits is None:
        return Check(
            "dkim",
            FAIL,
            say("no {algorithm} key can be read at {name}", algorithm=key.algorithm, name=name),
            say("Publish the key at {name} again.", name=name),
        )
    if key.algorithm == "rsa" and bits < _SHORTEST_KEY:
        found = say("the key has {bits} bits, which receivers ignore, at {name}", bits=bits, name=name)
        return Check(
            "dkim",
            FAIL,
            found,
            say("Make a key of {good_key} bits at your provider and publish it.", good_key=_GOOD_KEY),
        )
    if key.testing:
        found = say("{selector}: the key is marked as a test (t=y): receivers may ignore it", selector=selector)
        return Check("dkim", WARN, found, say("Remove t=y from the TXT record at {name}.", name=name))
    if key.algorithm == "rsa" and bits < _GOOD_KEY:
        found = say("{selector}: a key of {bits} bits", selector=selector, bits=bits)
        return Check(
            "dkim",
            WARN,
            found,
            say(
                "Make a key of {good_key} bits at your provider and publish it at {name}.",
                good_key=_GOOD_KEY,
                name=name,
            ),
        )
    return Check(
        "dkim", OK, say("{selector}: {algorithm}, {bits} bits", selector=selector, algorithm=key.algorithm, bits=bits)
    )


def _key_bits(key: DkimKey) -> int | None:
    try:
        raw = base64.b64decode(key.public_key, validate=True)
        if key.algorithm == "ed25519":
            return len(raw) * 8 if len(raw) == 32 else None
        loaded = load_der_public_key(raw)
    except (binascii.Error, ValueError, UnsupportedAlgorithm):
        return None
    return loaded.key_size if key.algorithm == "rsa" and isinstance(loaded, RSAPublicKey) else None
