"""The checks of a sending domain: each asks the DNS (or the submission host) and answers with one line and its fix.

A check that could not ask says `unknown`. Sources of every rule: docs/explanation/deliverability.md.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from app.deliverability import spf as spf_tree
from app.deliverability.resolver import BadName, DnsDown, Resolver
from app.domain.checks import Check, CheckState
from app.domain.mail_dns import (
    SPF_LOOKUPS,
    SPF_VOID_LOOKUPS,
    DkimKey,
    Spf,
    is_dmarc,
    parse_dkim_key,
    parse_dmarc,
    parse_spf,
    provider_of,
)
from app.domain.said import say
from app.keys import registrable_domain
from app.models import Security

OK, WARN, FAIL, UNKNOWN = CheckState.OK, CheckState.WARN, CheckState.FAIL, CheckState.UNKNOWN
# Names that the DNS never holds (RFC 2606, RFC 6761): asking for them says nothing about a mail set-up.
RESERVED = (".test", ".example", ".invalid", ".localhost", ".local", ".internal")
# RFC 8301 3.2: verifiers ignore keys below 1024 bits; 2048 is what signers should use.
_SHORTEST_KEY, _GOOD_KEY = 1024, 2048


@dataclass(frozen=True, slots=True)
class Submission:
    """The server that a mailbox of the domain hands its mail to."""

    host: str
    port: int
    security: Security


@dataclass(frozen=True, slots=True)
class Subject:
    """What is checked: a domain, the servers that it sends through, and its DKIM selectors.

    `named` were given by the operator: one without a key is a fault. `learned` were seen in signatures; anybody can write a
    signature with our name on it, so one without a key says nothing.
    """

    domain: str
    servers: tuple[Submission, ...] = ()
    named: tuple[str, ...] = ()
    learned: tuple[str, ...] = ()


# Says what is wrong with a TLS session to a server, or None when it stands; raises OSError when it cannot be tried.
TlsProbe = Callable[[Submission], str | None]


def check_domain(subject: Subject, resolver: Resolver, tls: TlsProbe) -> list[Check]:
    """Every line about one sending domain. Never raises: what cannot be looked at is `unknown`."""
    if subject.domain.endswith(RESERVED) and not resolver.is_chosen:
        found = f"{subject.domain} is a name for tests, which the public DNS does not hold"
        return [Check("dns", UNKNOWN, found)]
    spf = _guarded("spf", lambda: check_spf(subject, resolver))
    dkim = _guarded("dkim", lambda: check_dkim(subject, resolver))
    return [
        *spf,
        *dkim,
        *_guarded("dmarc", lambda: check_dmarc(subject, resolver)),
        check_alignment(spf, dkim),
        *_guarded("ptr", lambda: check_ptr(subject, resolver)),
        *_guarded("mx", lambda: check_mx(subject, resolver)),
        *check_tls(subject, tls),
    ]


def _guarded(name: str, run: Callable[[], Iterator[Check]]) -> list[Check]:
    # All lines of a check or none: half of an answer is no answer.
    try:
        return list(run())
    except DnsDown as down:
        return [
            Check(
                name, UNKNOWN, down.detail, say("Look again later, or correct GAPBRIDGE_DNS_RESOLVERS."), transient=True
            )
        ]
    except BadName as wrong:
        return [Check(name, FAIL, str(wrong), say("Correct the name."))]


# --- SPF ----------------------------------------------------------------------------------------------------------------


def check_spf(subject: Subject, resolver: Resolver) -> Iterator[Check]:
    """`spf`: one record that receivers can evaluate, with an end; `spf-provider`: it names the servers that we send through."""
    domain = subject.domain
    includes = sorted({p.spf_include for s in subject.servers if (p := provider_of(s.host)) and p.spf_include})
    ours = " ".join(["v=spf1", *(f"include:{one}" for one in includes), *([] if includes else ["mx"]), "~all"])
    records = spf_tree.records_of(resolver, domain)
    if not records:
        yield Check(
            "spf",
            FAIL,
            say("{domain} has no SPF record", domain=domain),
            say('Publish at {domain} one TXT record: "{ours}"', domain=domain, ours=ours),
        )
        return
    if len(records) > 1:
        found = (
            f"{domain} has {len(records)} SPF records, which every receiver treats as an error: {' | '.join(records)}"
        )
        yield Check(
            "spf",
            FAIL,
            found,
            say('Keep one TXT record at {domain} that joins them: "{joined}"', domain=domain, joined=_joined(records)),
        )
        return
    record = records[0]
    spf = parse_spf(record)
    tree = spf_tree.walk(resolver, domain, spf)
    yield _spf_line(domain, record, spf, tree, resolver)
    yield from _spf_provider(subject, record, tree, resolver)


def _spf_line(domain: str, record: str, spf: Spf, tree: spf_tree.SpfTree, resolver: Resolver) -> Check:
    at = f"Correct the TXT record at {domain}"
    if tree.faults:
        return Check(
            "spf",
            FAIL,
            say("{record}: {names}", record=record, names="; ".join(tree.faults)),
            say("{at}: remove or correct that part.", at=at),
        )
    if tree.lookups > SPF_LOOKUPS:
        found = (
            f"{record}: it costs {tree.lookups} DNS look-ups with all that it includes; receivers stop at {SPF_LOOKUPS}"
        )
        return Check("spf", FAIL, found, say("{at}: remove includes of services that no longer send for you.", at=at))
    if tree.void > SPF_VOID_LOOKUPS:
        found = f"{record}: {tree.void} of its look-ups find nothing; receivers stop after {SPF_VOID_LOOKUPS}"
        return Check("spf", FAIL, found, say("{at}: remove the names that have no record.", at=at))
    end = _end_of(resolver, spf)
    if end == "+":
        better = record.replace("+all", "~all") if "+all" in record else record.removesuffix("all") + "~all"
        return Check(
            "spf",
            FAIL,
            say("{record}: +all lets anybody send as {domain}", record=record, domain=domain),
            say('{at} to: "{better}"', at=at, better=better),
        )
    if end not in ("-", "~"):
        said = "ends in ?all, which says nothing" if end == "?" else "has no all at its end, which says nothing"
        better = record.replace("?all", "~all") if end == "?" else f"{record} ~all"
        return Check(
            "spf",
            WARN,
            say("{record}: it {said} about other servers", record=record, said=said),
            say('{at} to: "{better}"', at=at, better=better),
        )
    return Check(
        "spf",
        OK,
        say(
            "{record} ({lookups} of {spf_lookups} look-ups)",
            record=record,
            lookups=tree.lookups,
            spf_lookups=SPF_LOOKUPS,
        ),
    )


def _end_of(resolver: Resolver, spf: Spf) -> str | None:
    # A redirect takes its reader to another record, whose end counts; walk() has proved that the chain ends.
    while spf.redirect is not None and "%" not in spf.redirect:
        spf = parse_spf(spf_tree.records_of(resolver, spf.redirect)[0])
    return spf.all_qualifier


def _joined(records: Sequence[str]) -> str:
    terms = dict.fromkeys(term for record in records for term in record.split()[1:] if not term.endswith("all"))
    return " ".join(["v=spf1", *terms, "~all"])


def _spf_provider(subject: Subject, record: str, tree: spf_tree.SpfTree, resolver: Resolver) -> Iterator[Check]:
    for host in sorted({server.host for server in subject.servers}):
        provider = provider_of(host)
        if provider is not None and provider.spf_include:
            if provider.spf_include in tree.names:
                yield Check("spf-provider", OK, say("{host}: {name} is included", host=host, name=provider.name))
                continue
            words = record.split()
            better = " ".join([words[0], f"include:{provider.spf_include}", *words[1:]])
            fix = f'Change the TXT record at {subject.domain} to: "{better}"'
            yield Check(
                "spf-provider",
                FAIL,
                say("{host}: the record does not include {name}", host=host, name=provider.name),
                fix,
            )
            continue
        addresses = _public(_addresses(resolver, host))
        if addresses and all(tree.allows(address) for address in addresses):
            yield Check("spf-provider", OK, say("{host}: its addresses are named", host=host))
            continue
        found = f"{host}: nothing tells from which addresses it passes mail on"
        fix = f"Ask its operator which `include:` belongs into the SPF record of {subject.domain}."
        yield Check("spf-provider", UNKNOWN, found, fix)


# --- DKIM ---------------------------------------------------------------------------------------------------------------


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
    looked = f"no key under the usual selectors ({', '.join(usual)})" if usual else "no selector is known yet"
    fix = (
        "Switch DKIM on at your provider and publish the record that it shows; name its selector: "
        f"gapbridge domain selectors {domain} SELECTOR"
    )
    yield Check("dkim", UNKNOWN, looked, fix)


def _dkim_line(name: str, selector: str, keys: list[DkimKey]) -> Check:
    if not keys:
        fix = f"Publish the TXT (or CNAME) record that your provider shows for {name}, or correct the selector."
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
        found = f"the key has {bits} bits, which receivers ignore, at {name}"
        return Check(
            "dkim",
            FAIL,
            found,
            say("Make a key of {good_key} bits at your provider and publish it.", good_key=_GOOD_KEY),
        )
    if key.testing:
        found = f"{selector}: the key is marked as a test (t=y): receivers may ignore it"
        return Check("dkim", WARN, found, say("Remove t=y from the TXT record at {name}.", name=name))
    if key.algorithm == "rsa" and bits < _GOOD_KEY:
        found = f"{selector}: a key of {bits} bits"
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


# --- DMARC --------------------------------------------------------------------------------------------------------------


def check_dmarc(subject: Subject, resolver: Resolver) -> Iterator[Check]:
    """`dmarc`: a policy at the domain, or at the organisation's domain that stands for it (RFC 7489 6.6.3)."""
    domain = subject.domain
    organisation = registrable_domain(domain) or domain
    ours = f'Publish at _dmarc.{organisation} one TXT record: "v=DMARC1; p=none; rua=mailto:postmaster@{organisation}"'
    for at in dict.fromkeys((domain, organisation)):
        records = [text for text in resolver.txt(f"_dmarc.{at}") if is_dmarc(text)]
        if len(records) > 1:
            yield Check(
                "dmarc",
                FAIL,
                say("_dmarc.{at} has {count} records, so none counts", at=at, count=len(records)),
                say("Keep one of them."),
            )
            return
        if not records:
            continue
        policy = parse_dmarc(records[0])
        asked = policy.policy if at == domain else policy.subdomain_policy
        where = f"_dmarc.{at}: {records[0]}"
        if not asked:
            yield Check("dmarc", FAIL, say("{where}: {fault}", where=where, fault=policy.fault), ours)
        elif policy.fault:
            yield Check(
                "dmarc", WARN, say("{where}: {fault}, so it counts as p=none", where=where, fault=policy.fault), ours
            )
        elif asked == "none":
            yield Check(
                "dmarc",
                OK,
                say("{where}: receivers report and do nothing; quarantine protects your name better", where=where),
            )
        else:
            yield Check("dmarc", OK, where)
        return
    yield Check("dmarc", FAIL, say("there is no DMARC record for {domain}", domain=domain), ours)


def check_alignment(spf: Sequence[Check], dkim: Sequence[Check]) -> Check:
    """`alignment`: SPF or DKIM passes in the name of the domain in From. Ours are the same domain, so one of them is enough."""
    spf_states = [line.state for line in spf]
    dkim_states = [line.state for line in dkim]
    if spf_states and all(state in (OK, WARN) for state in spf_states):
        return Check("alignment", OK, say("SPF passes for the domain in From (the bounce address is the same)"))
    if any(state in (OK, WARN) for state in dkim_states):
        return Check("alignment", OK, say("DKIM can pass for the domain in From"))
    if FAIL in spf_states and FAIL in dkim_states:
        return Check(
            "alignment",
            FAIL,
            say("neither SPF nor DKIM can pass for the domain in From"),
            say("Mend spf or dkim first."),
        )
    found = "SPF is not sure for the servers that you send through, and no DKIM key was seen"
    return Check("alignment", UNKNOWN, found, transient=any(line.transient for line in (*spf, *dkim)))


# --- PTR, MX, TLS -------------------------------------------------------------------------------------------------------


def check_ptr(subject: Subject, resolver: Resolver) -> Iterator[Check]:
    """`ptr`: a sending server of our own has names forth and back that agree; a provider's is the provider's business."""
    own = registrable_domain(subject.domain)
    for host in sorted({server.host for server in subject.servers}):
        if _is_literal(host) or registrable_domain(host) != own:
            yield Check(
                "ptr", OK, say("{host} is not a server of {own}: its operator answers for its name", host=host, own=own)
            )
            continue
        addresses = _addresses(resolver, host)
        if not addresses:
            yield Check(
                "ptr", FAIL, say("{host} has no address", host=host), say("Publish the A record of {host}.", host=host)
            )
        for address in addresses:
            names = resolver.names_of(address)
            fix = f"Ask whoever gave you {address} to set its reverse name (PTR) to {host}."
            if not names:
                yield Check("ptr", FAIL, say("{address} ({host}) has no reverse name", address=address, host=host), fix)
            elif not any(address in resolver.addresses(name) for name in names):
                yield Check(
                    "ptr",
                    FAIL,
                    say("{address} calls itself {names}, which is another machine", address=address, names=names[0]),
                    fix,
                )
            else:
                yield Check(
                    "ptr", OK, say("{address} is {names}, and {names} is {address}", address=address, names=names[0])
                )


def check_mx(subject: Subject, resolver: Resolver) -> Iterator[Check]:
    """`mx`: answers and bounces can be delivered to the domain that we write from."""
    domain = subject.domain
    found = resolver.mx(domain)
    fix = f"Publish at {domain} the MX records that your provider shows; without them no answer reaches you."
    if any(host == "" for _, host in found):
        yield Check("mx", FAIL, say("{domain} says that it takes no mail (null MX)", domain=domain), fix)
    elif not found and not resolver.addresses(domain):
        yield Check("mx", FAIL, say("{domain} has no MX record", domain=domain), fix)
    elif not found:
        yield Check(
            "mx",
            WARN,
            say("{domain} has no MX record; some servers deliver to its address instead", domain=domain),
            fix,
        )
    elif dead := [host for _, host in found if _is_literal(host) or not resolver.addresses(host)]:
        state = FAIL if len(dead) == len(found) else WARN
        yield Check(
            "mx",
            state,
            say("no server answers to the name {names}", names=", ".join(dead)),
            say("Correct the MX records of {domain}.", domain=domain),
        )
    else:
        yield Check("mx", OK, ", ".join(f"{preference} {host}" for preference, host in found))


def check_tls(subject: Subject, probe: TlsProbe) -> list[Check]:
    """`tls`: the submission hosts speak TLS with a certificate of their name."""
    lines = []
    for server in subject.servers:
        where = f"{server.host}:{server.port} ({server.security.value})"
        if server.security is Security.NONE:
            near = _is_literal(server.host) and ipaddress.ip_address(server.host).is_loopback
            lines.append(
                Check("tls", OK, say("{where}: on this machine", where=where))
                if near or server.host == "localhost"
                else Check(
                    "tls",
                    FAIL,
                    say("{where}: mail travels unencrypted", where=where),
                    say("Use tls (465) or starttls (587)."),
                )
            )
            continue
        try:
            fault = probe(server)
        except OSError as error:
            lines.append(
                Check(
                    "tls",
                    UNKNOWN,
                    say("{where}: no connection ({error})", where=where, error=error),
                    say("Look again later."),
                    transient=True,
                )
            )
            continue
        fix = "Use the host name that the certificate is made for, or have the certificate renewed."
        lines.append(
            Check("tls", FAIL, say("{where}: {fault}", where=where, fault=fault), fix)
            if fault
            else Check("tls", OK, where)
        )
    return list(dict.fromkeys(lines))


def _addresses(resolver: Resolver, host: str) -> list[str]:
    return [host] if _is_literal(host) else resolver.addresses(host)


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _public(addresses: Sequence[str]) -> list[str]:
    return [address for address in addresses if ipaddress.ip_address(address).is_global]
