"""The checks of a sending domain: each asks the DNS (or the submission host) and answers with one line and its fix.

A check that could not ask says `unknown`. Sources of every rule: docs/explanation/deliverability.md.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator, Sequence

from app.deliverability.dkim_checks import check_dkim
from app.deliverability.resolver import BadName, DnsDown, Resolver
from app.deliverability.spf_checks import check_spf
from app.deliverability.subjects import Subject, TlsProbe, addresses_of, is_literal
from app.domain.checks import Check, CheckState
from app.domain.mail_dns import fill, is_dmarc, parse_dmarc, provider_of
from app.domain.said import say
from app.keys import registrable_domain
from app.models import Security

OK, WARN, FAIL, UNKNOWN = CheckState.OK, CheckState.WARN, CheckState.FAIL, CheckState.UNKNOWN
# Names that the DNS never holds (RFC 2606, RFC 6761): asking for them says nothing about a mail set-up.
RESERVED = (".test", ".example", ".invalid", ".localhost", ".local", ".internal")


def check_domain(subject: Subject, resolver: Resolver, tls: TlsProbe) -> list[Check]:
    """Every line about one sending domain. Never raises: what cannot be looked at is `unknown`."""
    if subject.domain.endswith(RESERVED) and not resolver.is_chosen:
        found = say("{domain} is a name for tests, which the public DNS does not hold", domain=subject.domain)
        fix = say(
            "Nothing to publish. To have it looked at all the same, name DNS servers that hold it in GAPBRIDGE_DNS_RESOLVERS."
        )
        return [Check("dns", UNKNOWN, found, fix)]
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


# --- DMARC --------------------------------------------------------------------------------------------------------------


def check_dmarc(subject: Subject, resolver: Resolver) -> Iterator[Check]:
    """`dmarc`: a policy at the domain, or at the organisation's domain that stands for it (RFC 7489 6.6.3)."""
    domain = subject.domain
    organisation = registrable_domain(domain) or domain
    ours = say(
        'Publish at _dmarc.{organisation} one TXT record: "v=DMARC1; p=none; rua=mailto:postmaster@{organisation}"',
        organisation=organisation,
    )
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
    found = say("SPF is not sure for the servers that you send through, and no DKIM key was seen")
    fix = say("Do what the lines spf-provider and dkim say; one of the two is enough.")
    return Check("alignment", UNKNOWN, found, fix, transient=any(line.transient for line in (*spf, *dkim)))


# --- PTR, MX, TLS -------------------------------------------------------------------------------------------------------


def check_ptr(subject: Subject, resolver: Resolver) -> Iterator[Check]:
    """`ptr`: a sending server of our own has names forth and back that agree; a provider's is the provider's business."""
    own = registrable_domain(subject.domain)
    for host in sorted({server.host for server in subject.servers}):
        if is_literal(host) or registrable_domain(host) != own:
            yield Check(
                "ptr", OK, say("{host} is not a server of {own}: its operator answers for its name", host=host, own=own)
            )
            continue
        addresses = addresses_of(resolver, host)
        if not addresses:
            yield Check(
                "ptr", FAIL, say("{host} has no address", host=host), say("Publish the A record of {host}.", host=host)
            )
        for address in addresses:
            names = resolver.names_of(address)
            fix = say(
                "Ask whoever gave you {address} to set its reverse name (PTR) to {host}.", address=address, host=host
            )
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
    if any(host == "" for _, host in found):
        yield Check(
            "mx", FAIL, say("{domain} says that it takes no mail (null MX)", domain=domain), _mx_fix(subject, resolver)
        )
    elif not found and not resolver.addresses(domain):
        yield Check("mx", FAIL, say("{domain} has no MX record", domain=domain), _mx_fix(subject, resolver))
    elif not found:
        yield Check(
            "mx",
            WARN,
            say("{domain} has no MX record; some servers deliver to its address instead", domain=domain),
            _mx_fix(subject, resolver),
        )
    elif dead := [host for _, host in found if is_literal(host) or not resolver.addresses(host)]:
        state = FAIL if len(dead) == len(found) else WARN
        yield Check(
            "mx",
            state,
            say("no server answers to the name {names}", names=", ".join(dead)),
            say("Correct the MX records of {domain}.", domain=domain),
        )
    else:
        yield Check("mx", OK, ", ".join(f"{preference} {host}" for preference, host in found))


def _mx_fix(subject: Subject, resolver: Resolver) -> str:
    """The records to publish: those of the provider that mail is sent through, or our own server that holds the mailboxes."""
    domain = subject.domain
    providers = [one for server in subject.servers if (one := provider_of(server.host)) is not None and one.mx]
    if providers:
        records = "; ".join(f"{domain} MX {fill(record, domain)}" for record in providers[0].mx)
        return say("Publish what {name} wants: {records}", name=providers[0].name, records=records)
    own = [
        server.host
        for server in subject.servers
        if not is_literal(server.host) and registrable_domain(server.host) == registrable_domain(domain)
    ]
    if own and resolver.addresses(own[0]):
        return say("If {host} takes your mail, publish: {domain} MX 10 {host}.", host=own[0], domain=domain)
    return say(
        "Publish the MX records that your provider shows: {domain} MX 10 SERVER. Without them no answer reaches you.",
        domain=domain,
    )


def check_tls(subject: Subject, probe: TlsProbe) -> list[Check]:
    """`tls`: the submission hosts speak TLS with a certificate of their name."""
    lines = []
    for server in subject.servers:
        where = f"{server.host}:{server.port} ({server.security.value})"
        if server.security is Security.NONE:
            near = is_literal(server.host) and ipaddress.ip_address(server.host).is_loopback
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
        fix = say("Use the host name that the certificate is made for, or have the certificate renewed.")
        lines.append(
            Check("tls", FAIL, say("{where}: {fault}", where=where, fault=fault), fix)
            if fault
            else Check("tls", OK, where)
        )
    return list(dict.fromkeys(lines))
