"""The checks of a domain's SPF record: that there is one, that it ends, stays within its look-ups and names who sends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from app.deliverability import spf as spf_tree
from app.deliverability.resolver import Resolver
from app.deliverability.subjects import Subject, addresses_of, public
from app.domain.checks import Check, CheckState
from app.domain.mail_dns import SPF_LOOKUPS, SPF_VOID_LOOKUPS, Spf, parse_spf, provider_of
from app.domain.said import say

OK, WARN, FAIL, UNKNOWN = CheckState.OK, CheckState.WARN, CheckState.FAIL, CheckState.UNKNOWN


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
        found = say(
            "{domain} has {count} SPF records, which every receiver treats as an error: {records}",
            domain=domain,
            count=len(records),
            records=" | ".join(records),
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
    at = say("Correct the TXT record at {domain}", domain=domain)
    if tree.faults:
        return Check(
            "spf",
            FAIL,
            say("{record}: {names}", record=record, names="; ".join(tree.faults)),
            say("{at}: remove or correct that part.", at=at),
        )
    if tree.lookups > SPF_LOOKUPS:
        found = say(
            "{record}: it costs {lookups} DNS look-ups with all that it includes; receivers stop at {most}",
            record=record,
            lookups=tree.lookups,
            most=SPF_LOOKUPS,
        )
        return Check("spf", FAIL, found, say("{at}: remove includes of services that no longer send for you.", at=at))
    if tree.void > SPF_VOID_LOOKUPS:
        found = say(
            "{record}: {void} of its look-ups find nothing; receivers stop after {most}",
            record=record,
            void=tree.void,
            most=SPF_VOID_LOOKUPS,
        )
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
        said = (
            say("ends in ?all, which says nothing") if end == "?" else say("has no all at its end, which says nothing")
        )
        better = record.replace("?all", "~all") if end == "?" else f"{record} ~all"
        return Check(
            "spf",
            WARN,
            say("{record}: it {said} about other servers", record=record, said=said),
            say('{at} to: "{better}"', at=at, better=better),
        )
    if spf.idle:
        found = say(
            "{record}: receivers read no further than `all`, and what stands behind it counts for nothing",
            record=record,
        )
        return Check("spf", WARN, found, say('{at} to: "{better}"', at=at, better=_with_all_last(record)))
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


def _with_all_last(record: str) -> str:
    words = record.split()
    ends = [word for word in words if word.lower().lstrip("+-~?") == "all"]
    return " ".join([*(word for word in words if word not in ends), ends[0]])


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
            fix = say('Change the TXT record at {domain} to: "{better}"', domain=subject.domain, better=better)
            yield Check(
                "spf-provider",
                FAIL,
                say("{host}: the record does not include {name}", host=host, name=provider.name),
                fix,
            )
            continue
        addresses = public(addresses_of(resolver, host))
        if addresses and all(tree.allows(address) for address in addresses):
            yield Check("spf-provider", OK, say("{host}: its addresses are named", host=host))
            continue
        found = say("{host}: nothing tells from which addresses it passes mail on", host=host)
        fix = say("Ask its operator which `include:` belongs into the SPF record of {domain}.", domain=subject.domain)
        yield Check("spf-provider", UNKNOWN, found, fix)
