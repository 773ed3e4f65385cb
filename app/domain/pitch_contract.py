"""The pitch contract: what a message must be before it may be approved. Pure rules, each with a name and a sentence.

The word rule: every run of characters between Unicode white space (the 25 characters of the property `White_Space`) is one
word, so a URL is one word and text without spaces is one word; a run of invisible characters alone is none. Greeting and
sign-off count. The signature (from a line that is only `--` to the end), the opt-out line and quoted lines (`>`) do not.
The browser counts with the same rule; both are held to `tests/domain/data/pitch-words.json`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import SplitResult, parse_qsl, urlsplit

from app.domain.said import say

MAX_WORDS = 149
MAX_SUBJECT = 120
MAX_SIGNATURE_WORDS = 60
_SHOWN = 5
# Filters distrust these because spam hides behind them, and readers cannot see where they lead.
SHORTENERS = frozenset(
    [
        "bit.ly",
        "bl.ink",
        "buff.ly",
        "cutt.ly",
        "goo.gl",
        "is.gd",
        "lnkd.in",
        "ow.ly",
        "rb.gy",
        "rebrand.ly",
        "s.id",
        "shorturl.at",
        "t.co",
        "t.ly",
        "tiny.cc",
        "tinyurl.com",
        "v.gd",
    ]
)
_LETTERS_IN_SUBJECT, _LETTERS_IN_BODY = 8, 40

_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_WORD = re.compile(f"[^{_SPACE}]+")
_INVISIBLE = re.compile("^[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufe00-\ufe0f\ufeff]+$")
_LINE = re.compile("\r\n|[\n\r\v\f\x85\u2028\u2029]")
# Control characters, line and paragraph separators, and the marks that reorder text: none has business in a header.
_NOT_IN_SUBJECT = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_URL = re.compile(r"(?:https?://|(?<![\w@./-])www\.)[^\s<>\"{}|\\^`\[\]]+", re.IGNORECASE)
# What may stand between the marks is bounded, so that a text of nothing but opening marks costs no more than another.
_VARIABLE = re.compile(r"\{\{.{0,80}?\}\}|\{%.{0,80}?%\}|\{#.{0,80}?#\}|\$\{[^}]{0,80}\}|%[A-Za-z_]{2,40}%|[{}]")
_BRACKET = re.compile(r"\[[^\]\n]{0,80}\]?|\]")
_PLACEHOLDER = re.compile(r"<[A-Za-z][A-Za-z _-]{0,40}>")
_TRACKING_PARAMETER = re.compile(r"^(utm_.*|gclid|fbclid|msclkid|mc_[ce]id|_hs(enc|mi)|vero_id|oly_\w+_id|trk|sc_cid)$")
_HOMEPAGE_PATH = re.compile(r"^/*((index|default|home)(\.[a-z0-9]{1,5})?/*)?$", re.IGNORECASE)
_PAGE_PARAMETERS = frozenset({"p", "page_id", "page", "id", "q"})

RULES: dict[str, str] = {
    "empty-body": "The message has words.",
    "too-long": f"The body has at most {MAX_WORDS} words.",
    "hidden-words": f"Nothing hides from the count: a first message quotes nothing, a signature has at most {MAX_SIGNATURE_WORDS} words.",
    "subject-empty": "There is a subject.",
    "subject-not-one-line": "The subject is one line without control characters or encoded words.",
    "subject-too-long": f"The subject has at most {MAX_SUBJECT} characters.",
    "shouting": "Neither the subject nor the message is written in capitals.",
    "our-page-missing": "The message links to one of our pages.",
    "our-page-many": "It links to one of our pages, not several.",
    "our-page-other": "The linked page of ours is the page that the pitch is about.",
    "our-homepage": "The linked page of ours is not the homepage.",
    "their-page-missing": "The message names one of their pages by its address.",
    "their-page-many": "It names one of their pages, not several.",
    "their-page-other": "The named page of theirs is the page that the pitch is about.",
    "other-link": "It links to nobody else, except to a page that the facts name.",
    "tracked-link": "No link carries tracking parameters.",
    "short-link": "No link hides where it leads behind a service that shortens addresses.",
    "remote-content": "The HTML part loads nothing and runs nothing.",
    "links-differ": "The text part and the HTML part hold the same links.",
    "parts-differ": "The text part and the HTML part say the same words.",
    "no-reason": "The message states the concrete reason that the evidence gives.",
    "unresolved-variable": "No variable is left unfilled.",
    "bracket": "No [bracket] or <placeholder> is left to fill in.",
    "no-opt-out": "The message has its opt-out line.",
}


@dataclass(frozen=True, slots=True)
class BrokenRule:
    """A rule of `RULES` that the message breaks, with a sentence that says what to change."""

    name: str
    sentence: str


@dataclass(frozen=True, slots=True)
class PitchDraft:
    """A rendered message with the facts that it is held against.

    `body_text` is the whole text part with opt-out line and signature; `body_html` the whole HTML part, or "" for a mail
    without one. `our_domains` and `their_domain` are host names; a sub-domain counts as the domain. `evidence` are the
    concrete facts of which the body must state one word for word. `other_pages` are further URLs that the facts name.
    `first` is False for a follow-up, which may quote.
    """

    subject: str
    body_text: str
    body_html: str
    our_domains: tuple[str, ...]
    our_page: str
    their_domain: str
    their_page: str
    evidence: tuple[str, ...]
    opt_out: str
    other_pages: tuple[str, ...] = ()
    first: bool = True


def words(text: str) -> list[str]:
    """The words of `text` by the word rule, with nothing left out."""
    return [word for word in _WORD.findall(text) if not _INVISIBLE.match(word)]


def lines(text: str) -> list[str]:
    """The lines of `text`, split at every character that ends a line somewhere."""
    return _LINE.split(text)


def counted_text(text: str, opt_out: str = "") -> str:
    """The part of a message that counts: without signature, opt-out line and quoted lines."""
    kept = []
    for line in lines(text):
        if line.strip() == "--":
            break
        if line.startswith(">") or (opt_out and _flat(line) == _flat(opt_out)):
            continue
        kept.append(line)
    return "\n".join(kept)


def count_words(text: str, opt_out: str = "") -> int:
    """How many words of a message count against `MAX_WORDS`."""
    return len(words(counted_text(text, opt_out)))


def find_urls(text: str) -> list[str]:
    """The addresses in a text, in order, without the punctuation that follows them in a sentence."""
    return [_trim_url(found) for found in _URL.findall(text)]


def host_of(url: str) -> str:
    """The host name in a URL, in lower case and punycode; "" when there is none."""
    host = (_split(url).hostname or "").rstrip(".").lower()
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:
        return host


def belongs_to(url: str, domain: str) -> bool:
    """Whether the URL's host is the domain or below it."""
    host, wanted = host_of(url), host_of(domain)
    return bool(wanted) and (host == wanted or host.endswith(f".{wanted}"))


def is_homepage(url: str) -> bool:
    """Whether a URL is the front page of its host: no path, or an index file; `/?p=12` names a page."""
    parts = _split(url)
    named = any(key in _PAGE_PARAMETERS for key, _ in parse_qsl(parts.query))
    return bool(_HOMEPAGE_PATH.match(parts.path)) and not named


def page_key(url: str) -> str:
    """What makes two URLs the same page: host without `www.`, path without a last slash, query; not scheme or fragment."""
    parts = _split(url)
    return (
        f"{host_of(url).removeprefix('www.')}{parts.path.rstrip('/') or '/'}{'?' + parts.query if parts.query else ''}"
    )


def check(message: PitchDraft) -> list[BrokenRule]:
    """Every rule that the message breaks, in the order of `RULES`; an empty list means that it may be approved."""
    html = _read_html(message.body_html)
    text_links = find_urls(message.body_text)
    broken = [
        *_check_length(message),
        *_check_subject(message.subject),
        *_check_capitals(message),
        *_check_links(message, [*text_links, *html.links, *find_urls(message.subject)]),
        *(_check_html(message.body_text, html, text_links) if message.body_html else ()),
        *_check_reason(message),
        *_check_leftovers(message, html),
    ]
    order = list(RULES)
    return sorted(broken, key=lambda rule: order.index(rule.name))


def _check_length(message: PitchDraft) -> Iterable[BrokenRule]:
    count = count_words(message.body_text, message.opt_out)
    if count == 0:
        yield BrokenRule("empty-body", say("The message has no words. Write the message."))
    if count > MAX_WORDS:
        yield BrokenRule(
            "too-long",
            say("Message must be under {max_words} words. It has {count}.", max_words=MAX_WORDS + 1, count=count),
        )
    rows = lines(message.body_text)
    if message.first and any(row.startswith(">") for row in rows):
        yield BrokenRule(
            "hidden-words", say("A first message has nothing to quote. Remove the lines that start with '>'.")
        )
    marks = [number for number, row in enumerate(rows) if row.strip() == "--"]
    if marks:
        signature = count_words("\n".join(row for row in rows[marks[0] :] if row.strip() != "--"), message.opt_out)
        if signature > MAX_SIGNATURE_WORDS:
            yield BrokenRule(
                "hidden-words",
                say(
                    "What follows the line '--' is the signature; it has {signature} words, at most "
                    "{max_signature_words}.",
                    signature=signature,
                    max_signature_words=MAX_SIGNATURE_WORDS,
                ),
            )


def _check_subject(subject: str) -> Iterable[BrokenRule]:
    if not words(subject):
        yield BrokenRule("subject-empty", say("The message has no subject. Write one."))
    if _NOT_IN_SUBJECT.search(subject):
        yield BrokenRule("subject-not-one-line", say("The subject must be one line without control characters."))
    elif "=?" in subject:
        yield BrokenRule(
            "subject-not-one-line", say("The subject holds '=?', which mail servers read as an encoded word.")
        )
    if len(subject) > MAX_SUBJECT:
        yield BrokenRule(
            "subject-too-long",
            say(
                "The subject has {count} characters, at most {max_subject}.",
                count=len(subject),
                max_subject=MAX_SUBJECT,
            ),
        )


def _check_capitals(message: PitchDraft) -> Iterable[BrokenRule]:
    body = _URL.sub("", counted_text(message.body_text, message.opt_out))
    for what, text, least in (("subject", message.subject, _LETTERS_IN_SUBJECT), ("message", body, _LETTERS_IN_BODY)):
        cased = [letter for letter in text if letter.isupper() or letter.islower()]
        if len(cased) >= least and sum(letter.isupper() for letter in cased) * 2 > len(cased):
            yield BrokenRule(
                "shouting", say("The {what} is written in capitals, as spam is. Write it in small letters.", what=what)
            )


def _check_links(message: PitchDraft, links: list[str]) -> Iterable[BrokenRule]:
    ours = {page_key(link): link for link in links if any(belongs_to(link, own) for own in message.our_domains)}
    theirs = {
        page_key(link): link for link in links if belongs_to(link, message.their_domain) and page_key(link) not in ours
    }
    named = {page_key(link) for link in message.other_pages}
    theirs = {key: link for key, link in theirs.items() if key not in named or key == page_key(message.their_page)}
    yield from _check_side("our", "one of your pages", ours, message.our_page)
    for link in ours.values():
        if is_homepage(link):
            yield BrokenRule(
                "our-homepage", say("{link} is your homepage. Link to the page that helps their readers.", link=link)
            )
    yield from _check_side("their", "one of their pages", theirs, message.their_page)
    for link in dict.fromkeys(links):
        key = page_key(link)
        if key not in ours and key not in theirs and key not in named:
            yield BrokenRule("other-link", say("{link} is neither your page nor theirs. Remove it.", link=link))
        if any(_TRACKING_PARAMETER.match(name.lower()) for name, _ in parse_qsl(_split(link).query)):
            yield BrokenRule(
                "tracked-link", say("{link} carries tracking parameters. Link to the plain address.", link=link)
            )
        if host_of(link).removeprefix("www.") in SHORTENERS:
            yield BrokenRule("short-link", say("{link} hides where it leads. Link to the page itself.", link=link))


def _check_side(side: str, what: str, found: dict[str, str], wanted: str) -> Iterable[BrokenRule]:
    if not found:
        yield BrokenRule(
            f"{side}-page-missing", say("The message has no link to {what}. Name it by its full address.", what=what)
        )
    elif len(found) > 1:
        addresses = ", ".join(found.values())
        yield BrokenRule(
            f"{side}-page-many",
            say("The message links to {count} pages ({addresses}); keep one.", count=len(found), addresses=addresses),
        )
    elif wanted and page_key(wanted) not in found:
        other = next(iter(found.values()))
        yield BrokenRule(
            f"{side}-page-other",
            say("The message links to {other}, but the pitch is about {wanted}.", other=other, wanted=wanted),
        )


def check_parts(body_text: str, body_html: str) -> list[BrokenRule]:
    """What is wrong with an HTML part beside its text: it loads something, says other words, or leads elsewhere."""
    return list(_check_html(body_text, _read_html(body_html), find_urls(body_text)))


def _check_html(body_text: str, html: _HtmlReader, text_links: list[str]) -> Iterable[BrokenRule]:
    for load in dict.fromkeys(html.loads):
        yield BrokenRule(
            "remote-content", say("The HTML part has {load}. Plain paragraphs and links are enough.", load=load)
        )
    difference = sorted(set(map(page_key, text_links)) ^ set(map(page_key, html.links)))
    if difference or any("://" not in link for link in html.links):
        yield BrokenRule(
            "links-differ",
            say(
                "The text part and the HTML part hold different links: {value}.",
                value=", ".join(difference) or "relative",
            ),
        )
    said, shown = [[word for word in words(part) if word != "--"] for part in (body_text, html.text)]
    if said != shown:
        at = next((i for i, pair in enumerate(zip(said, shown, strict=False)) if pair[0] != pair[1]), None)
        at = min(len(said), len(shown)) if at is None else at
        near = " ".join((said if at < len(said) else shown)[max(at - 2, 0) : at + 2])
        yield BrokenRule("parts-differ", say("The text part and the HTML part differ near '{near}'.", near=near))


def _check_reason(message: PitchDraft) -> Iterable[BrokenRule]:
    body = _flat(counted_text(message.body_text, message.opt_out))
    concrete = [_flat(fact) for fact in message.evidence if len(words(fact)) >= 2 or "://" in fact]
    if not concrete:
        yield BrokenRule("no-reason", say("There is no concrete reason for this pitch. Give one that can be checked."))
    elif not any(fact.rstrip(".") in body for fact in concrete):
        yield BrokenRule(
            "no-reason",
            say("The message does not state its reason. Say for example: {evidence}", evidence=message.evidence[0]),
        )


def _check_leftovers(message: PitchDraft, html: _HtmlReader) -> Iterable[BrokenRule]:
    everything = "\n".join((message.subject, message.body_text, html.text))
    variables = dict.fromkeys(found.group() for found in _VARIABLE.finditer(everything))
    if variables:
        yield BrokenRule(
            "unresolved-variable",
            say("A variable has no value: {names}. Give it one.", names=", ".join(list(variables)[:_SHOWN])),
        )
    brackets = dict.fromkeys(
        found.group() for pattern in (_BRACKET, _PLACEHOLDER) for found in pattern.finditer(everything)
    )
    if brackets:
        yield BrokenRule(
            "bracket",
            say(
                "Something is left to fill in: {names}. Replace it with words.",
                names=", ".join(list(brackets)[:_SHOWN]),
            ),
        )
    if not message.opt_out.strip() or not all(
        _flat(message.opt_out) in _flat(part) for part in (message.body_text, html.text) if part
    ):
        yield BrokenRule(
            "no-opt-out", say("The message has no opt-out line. Put back the line that says how to stop mail.")
        )


class _HtmlReader(HTMLParser):
    # What a reader of the HTML part gets: its links, its text with white space between blocks, and what it would load.
    _BLOCKS = frozenset({"p", "br", "div", "li", "ul", "ol", "td", "tr", "table", "blockquote", "hr", "body", "html"})
    _PLAIN = _BLOCKS | {"a", "b", "strong", "i", "em", "span", "head", "title", "meta"}

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.links: list[str] = []
        self.loads: list[str] = []
        self.pieces: list[str] = []
        self._title = False

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self._BLOCKS:
            self.pieces.append("\n")
        self._title = tag == "title" or (self._title and tag != "body")
        if tag not in self._PLAIN:
            self.loads.append(f"<{tag}>")
        for name, value in attrs:
            if tag == "a" and name == "href":
                self.links.append((value or "").strip())
            elif (
                name in {"src", "srcset", "background", "poster", "data", "action", "ping"}
                or name.startswith("on")
                or name == "style"
                or (tag == "meta" and name == "http-equiv")
            ):
                self.loads.append(f"the attribute {name} on <{tag}>")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._BLOCKS:
            self.pieces.append("\n")
        if tag in {"title", "head"}:
            self._title = False

    def handle_data(self, data: str) -> None:
        if not self._title:
            self.pieces.append(data)


def _read_html(source: str) -> _HtmlReader:
    reader = _HtmlReader()
    reader.feed(source)
    reader.close()
    return reader


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url if "://" in url else f"http://{url}")
    except ValueError:  # such as an unfinished IPv6 address; the whole of it counts as a path
        return SplitResult("http", "", url, "", "")


def _flat(text: str) -> str:
    # Letters as a reader compares them: case and the kind of white space and quotation mark make no difference.
    flat = " ".join(words(text)).casefold()
    return flat.translate({0x2019: "'", 0x2018: "'", 0x201C: '"', 0x201D: '"'})


def _trim_url(url: str) -> str:
    while url and (url[-1] in ".,;:!?'\"*_\u2019\u201d\u2026" or (url[-1] == ")" and url.count(")") > url.count("("))):
        url = url[:-1]
    return url
