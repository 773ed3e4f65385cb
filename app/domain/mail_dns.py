"""The records by which receivers judge a sending domain, read as their standards say. Pure: texts in, facts out.

SPF is RFC 7208, DMARC RFC 7489 (its tag `pct` and the other tags of reports are not judged), DKIM keys RFC 6376 and RFC 8301.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

SPF_LOOKUPS = 10  # RFC 7208 4.6.4: terms that ask the DNS, over all included records
SPF_VOID_LOOKUPS = 2  # RFC 7208 4.6.4: of those, answers without a record
_ASKS = frozenset({"include", "a", "mx", "ptr", "exists", "redirect"})
_MECHANISM = re.compile(r"^([+?~-]?)([a-z0-9]+)(?:([:/])(.*))?$", re.IGNORECASE)
_MODIFIER = re.compile(r"^([a-z][a-z0-9_.-]*)=(.*)$", re.IGNORECASE)
_DOMAIN_ENDS = re.compile(r"^[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?$")


@dataclass(frozen=True, slots=True)
class SpfTerm:
    """One mechanism or modifier. `domain` is "" where the record's own domain is meant, `qualifier` one of + - ~ ?."""

    name: str
    qualifier: str
    domain: str
    network: ipaddress.IPv4Network | ipaddress.IPv6Network | None = None

    @property
    def asks(self) -> bool:
        """Whether evaluating it costs one of the ten look-ups."""
        return self.name in _ASKS

    @property
    def is_macro(self) -> bool:
        """Whether its domain depends on the message, so that nobody can ask for it beforehand."""
        return "%" in self.domain


@dataclass(frozen=True, slots=True)
class Spf:
    """The terms of one record; `fault` says what makes it a permanent error for every receiver, or None."""

    terms: tuple[SpfTerm, ...]
    fault: str | None = None

    @property
    def heard(self) -> tuple[SpfTerm, ...]:
        """The terms that a receiver comes to: `all` always matches, so what stands behind it counts for nothing (RFC 7208 5.1)."""
        names = [term.name for term in self.terms]
        return self.terms[: names.index("all") + 1] if "all" in names else self.terms

    @property
    def idle(self) -> tuple[SpfTerm, ...]:
        """The mechanisms behind `all`."""
        return tuple(term for term in self.terms[len(self.heard) :] if term.name != "redirect")

    @property
    def all_qualifier(self) -> str | None:
        """The qualifier of `all`, or None when the record has none."""
        return next((term.qualifier for term in self.terms if term.name == "all"), None)

    @property
    def redirect(self) -> str | None:
        """Where the record sends its reader when it has no `all` (RFC 7208 6.1)."""
        if self.all_qualifier is not None:
            return None
        return next((term.domain for term in self.terms if term.name == "redirect"), None)


def is_spf(text: str) -> bool:
    """Whether a TXT record is an SPF record at all: `v=spf1` followed by a space or the end (RFC 7208 4.5)."""
    return text.lower() == "v=spf1" or text.lower().startswith("v=spf1 ")


def parse_spf(text: str) -> Spf:
    """The terms of an SPF record, up to the first one that is wrong."""
    terms: list[SpfTerm] = []
    for word in text.split()[1:]:
        term = _spf_term(word)
        if isinstance(term, str):
            return Spf(tuple(terms), term)
        if term is None:
            continue
        if term.name == "redirect" and any(known.name == "redirect" for known in terms):
            return Spf(tuple(terms), "it has two `redirect` modifiers")
        terms.append(term)
    return Spf(tuple(terms))


def _spf_term(word: str) -> SpfTerm | str | None:
    """The term, None for a modifier that says nothing about senders, or what is wrong with the word."""
    modifier = _MODIFIER.match(word)
    if modifier:
        name, value = modifier.group(1).lower(), modifier.group(2)
        if name != "redirect":
            return None
        return SpfTerm(name, "", value) if _is_domain_spec(value) else f"'{word}' names no domain"
    found = _MECHANISM.match(word)
    if found is None:
        return f"'{word}' is no mechanism"
    qualifier, name, mark, rest = found.group(1) or "+", found.group(2).lower(), found.group(3), found.group(4) or ""
    if name == "all":
        return SpfTerm(name, qualifier, "") if mark is None else f"'{word}' must be plain `all`"
    if name in ("ip4", "ip6"):
        return _spf_network(word, name, qualifier, rest if mark == ":" else "")
    if name in ("include", "exists"):
        good = mark == ":" and _is_domain_spec(rest)
        return SpfTerm(name, qualifier, rest) if good else f"'{word}' names no domain"
    if name in ("a", "mx", "ptr"):
        domain = rest.partition("/")[0] if mark == ":" and "%" not in rest else rest if mark == ":" else ""
        if mark == ":" and not _is_domain_spec(domain):
            return f"'{word}' names no domain"
        return SpfTerm(name, qualifier, domain)
    return f"'{word}' is no mechanism"


def _spf_network(word: str, name: str, qualifier: str, rest: str) -> SpfTerm | str:
    try:
        network = ipaddress.ip_network(rest, strict=False)
    except ValueError:
        return f"'{word}' holds no address"
    if network.version != int(name[2]):
        return f"'{word}' holds an address of the other family"
    return SpfTerm(name, qualifier, "", network)


def _is_domain_spec(value: str) -> bool:
    return "%{" in value or bool(_DOMAIN_ENDS.match(value))


@dataclass(frozen=True, slots=True)
class Dmarc:
    """What a DMARC record asks for. `subdomain_policy` is `policy` where the record has no `sp`."""

    policy: str
    subdomain_policy: str
    strict_dkim: bool
    strict_spf: bool
    reports: bool
    fault: str | None = None


_POLICIES = ("none", "quarantine", "reject")


def is_dmarc(text: str) -> bool:
    """Whether a TXT record is a DMARC record: the first tag is `v=DMARC1` (RFC 7489 6.6.3)."""
    return bool(re.match(r"^v\s*=\s*DMARC1\s*(;|$)", text))


def parse_dmarc(text: str) -> Dmarc:
    """The policy of a DMARC record. A record without a usable `p` but with `rua` counts as `p=none` (RFC 7489 6.6.3)."""
    tags = _tags(text)
    policy = tags.get("p", "").lower()
    fault = None
    if policy not in _POLICIES:
        if tags.get("rua"):
            policy = "none"
        fault = (
            f"its policy p={tags.get('p', '')} is none of {', '.join(_POLICIES)}" if tags.get("p") else "it has no p="
        )
    below = tags.get("sp", "").lower()
    return Dmarc(
        policy=policy if policy in _POLICIES else "",
        subdomain_policy=below if below in _POLICIES else policy if policy in _POLICIES else "",
        strict_dkim=tags.get("adkim", "r").lower() == "s",
        strict_spf=tags.get("aspf", "r").lower() == "s",
        reports=bool(tags.get("rua")),
        fault=fault,
    )


@dataclass(frozen=True, slots=True)
class DkimKey:
    """A published key: its algorithm, and the public key as base64, "" once it was revoked (RFC 6376 3.6.1)."""

    algorithm: str
    public_key: str
    testing: bool


def parse_dkim_key(text: str) -> DkimKey | None:
    """The key in a TXT record below `_domainkey`, or None when the text is none that a receiver uses for mail (RFC 6376 3.6.1)."""
    tags = _tags(text)
    if "p" not in tags or tags.get("v", "DKIM1") != "DKIM1":
        return None
    services, hashes = (
        {one.strip().lower() for one in tags.get(name, given).split(":")}
        for name, given in (("s", "*"), ("h", "sha256"))
    )
    if not services & {"*", "email"} or "sha256" not in hashes:
        return None
    flags = [flag.strip() for flag in tags.get("t", "").split(":")]
    return DkimKey(tags.get("k", "rsa").lower(), re.sub(r"\s+", "", tags["p"]), "y" in flags)


_SIGNATURE_HEADER = re.compile(rb"^DKIM-Signature:((?:.*\r?\n)(?:[ \t].*\r?\n)*)", re.IGNORECASE | re.MULTILINE)
_SELECTOR = re.compile(r"^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,120}[A-Za-z0-9])?$")


def selectors_in(raw: bytes, domain: str) -> list[str]:
    """The selectors of the DKIM signatures of a message that were made in the name of `domain`, each once."""
    head = re.split(rb"\r?\n\r?\n", raw[:65536], maxsplit=1)[0] + b"\n"
    found: dict[str, None] = {}
    for match in _SIGNATURE_HEADER.finditer(head):
        tags = _tags(match.group(1).decode("ascii", "replace"))
        selector = re.sub(r"\s+", "", tags.get("s", ""))
        if re.sub(r"\s+", "", tags.get("d", "")).lower() == domain and is_selector(selector):
            found[selector.lower()] = None
    return list(found)[:10]


def is_selector(text: str) -> bool:
    """Whether `text` can be a DKIM selector."""
    return bool(_SELECTOR.match(text))


def _tags(text: str) -> dict[str, str]:
    # The first of a repeated tag counts; both standards call the repetition an error of the whole record.
    tags: dict[str, str] = {}
    for pair in text.split(";"):
        name, equals, value = pair.partition("=")
        if equals:
            tags.setdefault(name.strip().lower(), value.strip())
    return tags


@dataclass(frozen=True, slots=True)
class Provider:
    """What is known of a large mailbox provider, by the name of its submission host.

    `mx` and `dkim` are the records that it wants published, with {domain} and {dashed} (its dots as dashes) to fill; empty where
    only the provider can show them. `dkim_shown` says where it does.
    """

    name: str
    hosts: tuple[str, ...]
    spf_include: str
    selectors: tuple[str, ...]
    mx: tuple[str, ...] = ()
    dkim: tuple[str, ...] = ()
    dkim_shown: str = ""


# Each from the provider's own pages for administrators; docs/explanation/deliverability.md names them.
PROVIDERS: tuple[Provider, ...] = (
    Provider(
        "Google Workspace",
        ("gmail.com", "google.com", "googlemail.com"),
        "_spf.google.com",
        ("google",),
        mx=("1 smtp.google.com.",),
        dkim_shown="Admin console, Apps, Google Workspace, Gmail, Authenticate email",
    ),
    Provider(
        "Microsoft 365",
        ("office365.com", "outlook.com", "office.com"),
        "spf.protection.outlook.com",
        ("selector1", "selector2"),
        mx=("0 {dashed}.mail.protection.outlook.com.",),
        dkim_shown="Defender portal, Email & collaboration, Policies, Email authentication settings, DKIM",
    ),
    Provider("Zoho Mail", ("zoho.com", "zoho.eu", "zoho.in", "zohomail.com"), "", ("zmail", "zoho")),
    Provider(
        "Fastmail",
        ("fastmail.com", "messagingengine.com"),
        "spf.messagingengine.com",
        ("fm1", "fm2", "fm3"),
        mx=("10 in1-smtp.messagingengine.com.", "20 in2-smtp.messagingengine.com."),
        dkim=tuple(f"fm{n}._domainkey.{{domain}} CNAME fm{n}.{{domain}}.dkim.fmhosted.com." for n in (1, 2, 3)),
    ),
    Provider("Amazon SES", ("amazonaws.com",), "amazonses.com", ()),
)


def provider_of(host: str) -> Provider | None:
    """The provider whose submission host this is, or None."""
    name = host.rstrip(".").lower()
    return next((one for one in PROVIDERS if any(name == end or name.endswith(f".{end}") for end in one.hosts)), None)


def fill(record: str, domain: str) -> str:
    """A provider's record with the domain in its place."""
    return record.format(domain=domain, dashed=domain.replace(".", "-"))
