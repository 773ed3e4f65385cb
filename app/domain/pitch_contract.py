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

from app.domain.pitch_html import HtmlPart, read_html
from app.domain.pitch_links import URL, belongs_to, find_urls, is_homepage, is_short, is_tracked, link_key
from app.domain.said import say

MAX_WORDS = 149
MAX_SUBJECT = 120
MAX_SIGNATURE_WORDS = 60
_SHOWN = 5
_LETTERS_IN_SUBJECT, _LETTERS_IN_BODY = 8, 40

_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_WORD = re.compile(f"[^{_SPACE}]+")
_INVISIBLE = re.compile("^[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufe00-\ufe0f\ufeff]+$")
_LINE = re.compile("\r\n|[\n\r\v\f\x85\u2028\u2029]")
# Control characters, line and paragraph separators, and the marks that reorder text: none has business in a header.
_NOT_IN_SUBJECT = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
# What may stand between the marks is bounded, so that a text of nothing but opening marks costs no more than another.
_VARIABLE = re.compile(r"\{\{.{0,80}?\}\}|\{%.{0,80}?%\}|\{#.{0,80}?#\}|\$\{[^}]{0,80}\}|%[A-Za-z_]{2,40}%|[{}]")
BRACKET = re.compile(r"\[[^\]\n]{0,80}\]?|\]")
_PLACEHOLDER = re.compile(r"<[A-Za-z][A-Za-z _-]{0,40}>")
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


def check(message: PitchDraft) -> list[BrokenRule]:
    """Every rule that the message breaks, in the order of `RULES`; an empty list means that it may be approved."""
    html = read_html(message.body_html)
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
    body = URL.sub("", counted_text(message.body_text, message.opt_out))
    for what, text, least in (("subject", message.subject, _LETTERS_IN_SUBJECT), ("message", body, _LETTERS_IN_BODY)):
        cased = [letter for letter in text if letter.isupper() or letter.islower()]
        if len(cased) >= least and sum(letter.isupper() for letter in cased) * 2 > len(cased):
            yield BrokenRule(
                "shouting", say("The {what} is written in capitals, as spam is. Write it in small letters.", what=what)
            )


def _check_links(message: PitchDraft, links: list[str]) -> Iterable[BrokenRule]:
    ours = {link_key(link): link for link in links if any(belongs_to(link, own) for own in message.our_domains)}
    theirs = {
        link_key(link): link for link in links if belongs_to(link, message.their_domain) and link_key(link) not in ours
    }
    named = {link_key(link) for link in message.other_pages}
    theirs = {key: link for key, link in theirs.items() if key not in named or key == link_key(message.their_page)}
    yield from _check_side("our", "one of your pages", ours, message.our_page)
    for link in ours.values():
        if is_homepage(link):
            yield BrokenRule(
                "our-homepage", say("{link} is your homepage. Link to the page that helps their readers.", link=link)
            )
    yield from _check_side("their", "one of their pages", theirs, message.their_page)
    for link in dict.fromkeys(links):
        key = link_key(link)
        if key not in ours and key not in theirs and key not in named:
            yield BrokenRule("other-link", say("{link} is neither your page nor theirs. Remove it.", link=link))
        if is_tracked(link):
            yield BrokenRule(
                "tracked-link", say("{link} carries tracking parameters. Link to the plain address.", link=link)
            )
        if is_short(link):
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
    elif wanted and link_key(wanted) not in found:
        other = next(iter(found.values()))
        yield BrokenRule(
            f"{side}-page-other",
            say("The message links to {other}, but the pitch is about {wanted}.", other=other, wanted=wanted),
        )


def check_parts(body_text: str, body_html: str) -> list[BrokenRule]:
    """What is wrong with an HTML part beside its text: it loads something, says other words, or leads elsewhere."""
    return list(_check_html(body_text, read_html(body_html), find_urls(body_text)))


def _check_html(body_text: str, html: HtmlPart, text_links: list[str]) -> Iterable[BrokenRule]:
    for load in dict.fromkeys(html.loads):
        yield BrokenRule(
            "remote-content", say("The HTML part has {load}. Plain paragraphs and links are enough.", load=load)
        )
    difference = sorted(set(map(link_key, text_links)) ^ set(map(link_key, html.links)))
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


def leftovers(text: str) -> Iterable[BrokenRule]:
    """The rules `unresolved-variable` and `bracket`, where something in `text` is left to fill in."""
    variables = dict.fromkeys(found.group() for found in _VARIABLE.finditer(text))
    if variables:
        yield BrokenRule(
            "unresolved-variable",
            say("A variable has no value: {names}. Give it one.", names=", ".join(list(variables)[:_SHOWN])),
        )
    brackets = dict.fromkeys(found.group() for pattern in (BRACKET, _PLACEHOLDER) for found in pattern.finditer(text))
    if brackets:
        yield BrokenRule(
            "bracket",
            say(
                "Something is left to fill in: {names}. Replace it with words.",
                names=", ".join(list(brackets)[:_SHOWN]),
            ),
        )


def _check_leftovers(message: PitchDraft, html: HtmlPart) -> Iterable[BrokenRule]:
    yield from leftovers("\n".join((message.subject, message.body_text, html.text)))
    if not message.opt_out.strip() or not all(
        _flat(message.opt_out) in _flat(part) for part in (message.body_text, html.text) if part
    ):
        yield BrokenRule(
            "no-opt-out", say("The message has no opt-out line. Put back the line that says how to stop mail.")
        )


def _flat(text: str) -> str:
    # Letters as a reader compares them: case and the kind of white space and quotation mark make no difference.
    flat = " ".join(words(text)).casefold()
    return flat.translate({0x2019: "'", 0x2018: "'", 0x201C: '"', 0x201D: '"'})
