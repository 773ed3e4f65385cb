"""Reads the people and addresses off one page or feed. Runs in the parser's own process, like `app.fetch.page`.

What a reader cannot see is not read: addresses in hidden elements, comments and scripts are put there for programs. What Cloudflare
veils (`data-cfemail`) is what every reader sees, so it is read.
JSON-LD is the exception, for it is meant for programs that ask who wrote the page.
"""

from __future__ import annotations

import html as entities
import json
import re
from typing import Any

from selectolax.lexbor import LexborHTMLParser, LexborNode

from app.domain.contact_rules import (
    ContactFacts,
    How,
    SeenAddress,
    fold,
    is_team,
    plausible,
    read_mailto,
    read_text,
)
from app.fetch.page import BLOCK_SILENT, INLINE, UNSEEN, hides, tokens
from app.fetch.urls import resolve

_MAX_LINKS = 3_000
_MAX_FOUND = 200
_MAX_TEXT = 1_000_000
_MAX_NODES = 20_000


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_OFF_PAGE = re.compile(
    r"opacity\s*:\s*0(?![.\d])|font-size\s*:\s*0(?![.\d])|(?:left|top|text-indent|right)\s*:\s*-\d{3,}|clip\s*:\s*rect\(0"
    r"|(?:max-)?(?:height|width)\s*:\s*0(?![.\d])",
    re.IGNORECASE,
)
_HIDING_CLASSES = _words(
    "hidden d-none visually-hidden sr-only screen-reader-text honeypot hp hide invisible is-hidden"
)
_RULE = re.compile(r"([.#])([\w-]{1,60})\s{0,5}\{([^{}]{0,300})\}")
_HIDING_RULE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
# Anybody may write there, in anybody's name.
_COMMENT_NAMES = _words(
    "comments comment comment-list commentlist comments-area comment-body comment-content comment-respond respond disqus_thread "
    "kommentare kommentar commentaires commentaire comentarios comentario commenti commento"
)
# What hangs on an article and was made by others: a picture's author is none of the page's.
_OF_OTHERS = _words(
    "image images thumbnail logo photo video audio associatedMedia comment comments review reviews citation mentions isBasedOn "
    "hasPart itemListElement suggestedAnswer acceptedAnswer subjectOf about"
)
_MADE_BY_OTHERS = _words("Comment Answer ImageObject VideoObject AudioObject Photograph Quotation")
_PROTECTION = re.compile(
    r"datenschutzbeauftragt|datenschutz-?koordinat|jugendschutzbeauftragt|data protection officer|\bdpo\b|protection des donnees|"
    r"proteccion de datos|protezione dei dati|encarregad[oa] (?:de|da|pelo|pela) |protecao de dados"
)
_ITEM = re.compile(r"<(?:item|entry)\b", re.IGNORECASE)
_ITEM_LINK = re.compile(
    r"<link>\s{0,20}([^<\s]{8,2000})|<link\b[^>]{0,300}?href=[\"']([^\"'\s]{8,2000})", re.IGNORECASE
)
_FEED_TYPES = frozenset({"application/rss+xml", "application/atom+xml"})
_FEED_AUTHOR = re.compile(
    r"<(author|dc:creator|managingEditor|itunes:author)\b[^<>]{0,200}>(.{0,600}?)</\1\s{0,5}>",
    re.DOTALL | re.IGNORECASE,
)
_TAG = re.compile(r"<[^<>]{0,300}>")
# Where an element inside a line begins or ends: its style may part what stands there ("email" of an icon and an address), or not
# (an address that is cut into pieces against programs).
_SEAM = "\u2063"
_ICONS = re.compile(
    r"(?:^|\s)(?:material-(?:icons|symbols)[\w-]*|(?:dashi|ion|mdi-?|ph-?|bi-?)icons?)(?:\s|$)", re.IGNORECASE
)
_VEIL = "/cdn-cgi/l/email-protection#"
_HEX = re.compile(r"(?:[0-9a-f]{2}){6,300}", re.IGNORECASE)


def parse_contacts(html: str, url: str, *, feed: bool = False) -> ContactFacts:
    """The people and addresses of the page (or, with `feed`, of the RSS or Atom feed) at `url`."""
    if feed:
        return _feed(html)
    parser = LexborHTMLParser(html)
    reader = _Reader(url, _hiding_rules(html))
    if parser.root is not None:
        reader.walk(parser.root)
    return reader.facts()


class _Reader:
    """One walk over one tree, without recursion."""

    def __init__(self, url: str, hiding: frozenset[str]) -> None:
        self.url = url
        self.hiding = hiding
        self.pieces: list[str] = []
        self.size = 0
        self.addresses: dict[str, SeenAddress] = {}
        self.authors: dict[str, str] = {}
        self.links: list[tuple[str, str, tuple[str, ...]]] = []
        self.feeds: list[str] = []
        self.persons: dict[str, tuple[str, str]] = {}
        self.author_ids: list[str] = []

    def walk(self, root: LexborNode) -> None:
        node: LexborNode | None = root
        depth = 0
        while node is not None:
            down = self._enter(node)
            if down is not None:
                node, depth = down, depth + 1
                continue
            while node is not None:
                if node.is_element_node:
                    self._text("\n" if (node.tag or "") not in INLINE else _SEAM)
                if depth == 0:
                    return
                after = node.next
                if after is not None:
                    node = after
                    break
                node, depth = node.parent, depth - 1

    def _text(self, text: str) -> None:
        if self.size < _MAX_TEXT:
            self.pieces.append(text)
            self.size += len(text)

    def _enter(self, node: LexborNode) -> LexborNode | None:
        tag = node.tag or ""
        if tag == "-text":
            self._text(node.text_content or "")
            return None
        if not node.is_element_node:
            return None
        attrs = node.attributes
        if tag == "script":
            if (attrs.get("type") or "").strip().lower() == "application/ld+json":
                self._json_ld(node.text() or "")
            return None
        if tag == "meta" and (attrs.get("name") or "").lower() == "author":
            self._author(attrs.get("content") or "")
        if tag == "link":
            self._link_tag(attrs)
        if tag == "head":
            return node.first_child
        if tag in BLOCK_SILENT or _is_icon(attrs) or self._hidden(attrs) or (tag not in _WHOLE and _is_comment(attrs)):
            return None
        self._text("\n" if tag not in INLINE else _SEAM)
        if veiled := unveiled(attrs.get("data-cfemail") or ""):
            self._text(f" {veiled} ")
            return None
        if tag in {"a", "area"}:
            self._anchor(node, attrs)
        return node.first_child

    def _hidden(self, attrs: dict[str, str | None]) -> bool:
        if not attrs:
            return False
        if hides(attrs) or _OFF_PAGE.search((attrs.get("style") or "")[:2_000]):
            return True
        classes = {name.lower() for name in (attrs.get("class") or "").split()[:50]}
        if classes & _HIDING_CLASSES or any(f".{name}" in self.hiding for name in classes):
            return True
        return f"#{(attrs.get('id') or '').lower()}" in self.hiding

    def _link_tag(self, attrs: dict[str, str | None]) -> None:
        rel = tokens(attrs.get("rel"))
        address = resolve(self.url, attrs.get("href") or "")
        if address is None:
            return
        if "alternate" in rel and (attrs.get("type") or "").strip().lower() in _FEED_TYPES and len(self.feeds) < 5:
            self.feeds.append(address)
        elif "author" in rel:
            self.links.append((address, "", rel))

    def _anchor(self, node: LexborNode, attrs: dict[str, str | None]) -> None:
        href = attrs.get("href") or ""
        words = " ".join((node.text(deep=True) or "")[:300].split())
        rel = tokens(attrs.get("rel"))
        _, veil, code = href.partition(_VEIL)
        for email in [unveiled(code)] if veil else read_mailto(href):
            # A link that shows a person's name instead of the address says whose it is.
            self._address(email, How.MAILTO, words if _is_name(words) else "")
        if "author" in rel and _is_name(words):
            self._author(words, resolve(self.url, href) or "")
        if len(self.links) < _MAX_LINKS:
            address = resolve(self.url, href)
            if address is not None:
                self.links.append((address, words, rel))

    def _address(self, email: str, how: How, name: str = "") -> None:
        clean = " ".join(email.translate(UNSEEN).split())
        key = clean.lower()
        known = self.addresses.get(key)
        if known is None and plausible(clean) and len(self.addresses) < _MAX_FOUND:
            self.addresses[key] = SeenAddress(clean, how, name)
        elif known is not None and name and not known.name:
            self.addresses[key] = SeenAddress(known.email, known.how, name)

    def _author(self, name: str, url: str = "") -> None:
        plain = " ".join(name.split())
        if _is_name(plain) and len(self.authors) < 10:
            self.authors[plain] = self.authors.get(plain) or url

    def _json_ld(self, text: str) -> None:
        try:
            loaded = json.loads(text[:_MAX_TEXT])
        except (ValueError, RecursionError):
            return
        # Each waits with whether it is an author, or belongs to one.
        waiting: list[tuple[Any, str]] = [(loaded, "")]
        for _ in range(_MAX_NODES):
            if not waiting:
                return
            item, role = waiting.pop(0) if len(waiting) < 100 else waiting.pop()
            if isinstance(item, str):
                if role == "author":
                    self._author(item)
            elif isinstance(item, list):
                waiting += [(one, role) for one in item[:500]]
            elif isinstance(item, dict) and not _kinds(item) & _MADE_BY_OTHERS:
                self._thing(item, role)
                waiting += [
                    (value, "author" if key in {"author", "creator", "editor"} else "")
                    for key, value in item.items()
                    if key not in _OF_OTHERS
                    if isinstance(value, dict | list) or (key in {"author", "creator"} and isinstance(value, str))
                ]

    def _thing(self, item: dict[str, Any], role: str) -> None:
        kinds = _kinds(item)
        person = "Person" in kinds
        said_name = item.get("name")
        name = said_name if isinstance(said_name, str) else ""
        url, number = item.get("url"), item.get("@id")
        place = (resolve(self.url, url) or "") if isinstance(url, str) else ""
        if role == "author" and name and (person or not kinds):
            self._author(name, place)
        if isinstance(number, str) and len(self.persons) < _MAX_FOUND:
            # Graphs name a person once and point to it elsewhere.
            if person and name:
                self.persons[number] = (name, place)
            if role == "author" and (not name or not place):
                self.author_ids.append(number)
        emails = item.get("email")
        for email in (emails if isinstance(emails, list) else [emails])[:20]:
            if isinstance(email, str) and "@" in email:
                said = read_mailto(email.strip()) or [email.strip()]
                self._address(said[0], How.JSON_LD, name if person else "")

    def facts(self) -> ContactFacts:
        """What was read."""
        for number in self.author_ids:
            if number in self.persons:
                self._author(*self.persons[number])
        text = "".join(self.pieces).translate(UNSEEN)
        parted, joined = (
            [" ".join(line.split()) for line in text.replace(_SEAM, between).splitlines()] for between in (" ", "")
        )
        over_seams = list(read_text("\n".join(joined)))
        longer = [seen.email.lower() for seen in over_seams]
        # What stands within one element is whole, unless its domain goes on in the next one.
        sure = [
            seen
            for seen in read_text("\n".join(parted))
            if not any(one.startswith(f"{seen.email.lower()}.") for one in longer)
        ]
        known = [seen.email.lower() for seen in sure] + list(self.addresses)
        for seen in [*sure, *(one for one in over_seams if not any(email in one.email.lower() for email in known))]:
            self._address(seen.email, seen.how)
        for lines in (parted, joined):
            for email in _for_protection([line for line in lines if line]):
                self.addresses.pop(email.lower(), None)
        return ContactFacts(
            tuple(self.addresses.values()), tuple(self.authors.items()), tuple(self.links), tuple(self.feeds)
        )


def unveiled(code: str) -> str:
    """The address that Cloudflare hides from programs and shows to every reader: bytes in hex, each mixed with the first; "" for none."""
    digits = code.partition("?")[0].partition("&")[0].strip()
    if not _HEX.fullmatch(digits):
        return ""
    key, *rest = bytes.fromhex(digits)
    text = bytes(one ^ key for one in rest).decode("utf-8", errors="replace")
    return text.partition("?")[0] if plausible(text.partition("?")[0]) else ""


def _kinds(item: dict[str, Any]) -> set[str]:
    said = item.get("@type")
    return {one for one in (said if isinstance(said, list) else [said]) if isinstance(one, str)}


def _is_icon(attrs: dict[str, str | None]) -> bool:
    """Whether the words of an element are the name of a sign that its font draws."""
    return _ICONS.search((attrs.get("class") or "")[:500]) is not None


def _is_comment(attrs: dict[str, str | None]) -> bool:
    named = {*(attrs.get("class") or "").lower().split()[:50], (attrs.get("id") or "").lower()}
    return bool(named & _COMMENT_NAMES) or (attrs.get("itemtype") or "").rstrip("/").endswith("schema.org/Comment")


def _for_protection(lines: list[str]) -> set[str]:
    """Addresses that stand only with whoever protects data or the young: on the line that says so and the two below it."""
    theirs: list[str] = []
    others: list[str] = []
    left = 0
    for line in lines:
        left = 3 if _PROTECTION.search(fold(line[:500])) else left - 1
        (theirs if left > 0 else others).append(line)
    if not theirs:
        return set()
    elsewhere = {seen.email.lower() for seen in read_text("\n".join(others))}
    return {seen.email for seen in read_text("\n".join(theirs)) if seen.email.lower() not in elsewhere}


def _is_name(text: str) -> bool:
    """Whether this reads like the name of a person: two to five words that begin with a capital, and no address or group."""
    words = text.split()
    joined = all(word[0].isupper() or word.lower() in _PARTICLES or _SHORT_PARTICLE.match(word) for word in words)
    shaped = 2 <= len(words) <= 5 and len(text) <= 60 and joined and not re.search(r"[@/\d:|!?]", text)
    return shaped and not is_team(text)


_WHOLE = _words("html body main")
_PARTICLES = _words(
    "af al bin ben da dal das de degli dei del della den der di do dos du e el la le ten ter van von y zu zum zur"
)
_SHORT_PARTICLE = re.compile(r"[dlo]['’]\w")


def _hiding_rules(html: str) -> frozenset[str]:
    """The plain class and id selectors that the page's own styles hide, outside of media queries."""
    found: set[str] = set()
    at = html.find("<style")
    for _ in range(20):
        if at < 0:
            break
        end = html.find("</style", at)
        block = html[at : min(end if end > 0 else at + 100_000, at + 100_000)].partition("@media")[0]
        found |= {f"{rule[1]}{rule[2].lower()}" for rule in _RULE.finditer(block) if _HIDING_RULE.search(rule[3])}
        at = html.find("<style", at + 6)
    return frozenset(found)


def _feed(text: str) -> ContactFacts:
    """`authors` are (name, page of the item), one for each item; the page is empty where the whole feed names somebody."""
    authors: dict[tuple[str, str], None] = {}
    addresses: dict[str, SeenAddress] = {}
    for number, piece in enumerate(_ITEM.split(text[:_MAX_TEXT])[:200]):
        link = _ITEM_LINK.search(piece) if number else None
        page = entities.unescape(link[1] or link[2]) if link else ""
        for found in list(_FEED_AUTHOR.finditer(piece))[:10]:
            # A tag ends a word; RSS 2.0 writes "jane@site.test (Jane Doe)", Atom has <name> and <email>.
            said = " ".join(
                entities.unescape(_TAG.sub(" ", found[2].replace("<![CDATA[", "").replace("]]>", ""))).split()
            )
            emails = read_text(said)
            name = said
            for seen in emails:
                name = name.replace(seen.email, " ")
            name = " ".join(re.sub(r"[()<>\[\]]|https?://\S+", " ", name).split())
            known = name if _is_name(name) else ""
            if known:
                authors.setdefault((known, page))
            for seen in emails:
                addresses.setdefault(seen.email.lower(), SeenAddress(seen.email, How.FEED, known))
    return ContactFacts(tuple(addresses.values())[:_MAX_FOUND], tuple(authors)[:_MAX_FOUND])
