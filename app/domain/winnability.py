"""Whether a link can be won by writing to somebody: rules over one link, each with the words that it goes by.

A rule that speaks adds its weight to a score that begins at BASE and stays between 0 and 100. It never hides a row: what takes
a row off the list is a removal (`app.domain.gap`), and this score only orders and explains what is left. The lists are data
(`app/gaps/words.toml`); this module knows how they are compared.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from app.domain.keys import host_of, of_visitors

BASE = 50
ENGLISH = "en"
#: Buckets for people: at least this many points.
LIKELY, POSSIBLE = 60, 35

#: Rules that come from flags and not from words, with their weights.
FLAG_WEIGHTS = {
    "paid": -45,
    "news-event": -35,
    "user-generated": -40,
    "badge": -35,
    "seller-name": -15,
    "page-gone": -40,
    "target-gone": 15,
    "link-list": -20,
    "by-script": -10,
    "in-content": 15,
    "not-in-content": -10,
    "logo": -15,
    "no-link-in-text": -40,
}
FLAG_WHY = {
    "paid": "the link is marked as sponsored",
    "news-event": "very many news sites linked to the same page in those days: what they told of is over",
    "user-generated": "the link is marked as user-generated, or anybody writes on the site: a network, a board, a wiki",
    "badge": "the link stands on every page",
    "seller-name": "the name is one by which links are sold; one such name proves nothing",
    "page-gone": "the tool found no page there: what it saw may be gone",
    "target-gone": "the tool found no page where the link leads: one of ours may take its place",
    "link-list": "the link is one of very many on its page",
    "by-script": "the link is drawn by a script: it may be none in the page itself",
    "in-content": "the link stands in the text",
    "not-in-content": "the link stands outside of the text",
    "logo": "the link is an image without words",
    "no-link-in-text": "what the tool counts is a redirect, a canonical, a feed or a frame, and no link that somebody set in a text",
}

#: What is said of a redirect besides, where the front page of a domain is sent on.
OF_FRONT_PAGE = " of the front page, so it may be another domain of the competitor's house"

#: What a burst of like pages adds. It is a sign and no proof, so it closes no gate.
PLACED_WEIGHT = -35
PLACED_WHY = (
    "many pages of theirs link to one page by the same words, all new at once: placements for money look like that"
)


#: Rules that keep a row out of the tiers until a person says otherwise: whoever sells links links to everybody. A family of
#: sellers is a removal (`app.domain.gap.Removal.NETWORK`): it takes more than one link to see it.
GATES = ("paid",)


#: Answers by which a server says that there is no page.
_GONE = frozenset({404, 410})

#: From so many links to other sites on, a page is a heap. A list that somebody keeps by hand has a hundred or two, and is worth a
#: pitch: the bar stands well above it.
MANY_LINKS = 300

#: What tools call what is no `<a>` in a page (Ahrefs and Semrush `Type`; of Majestic's flags we make the same words).
_NO_LINKS = frozenset({"redirect", "canonical", "rss", "feed", "frame", "iframe", "form", "alternate", "hreflang"})

#: What tools call the software of sites that visitors write.
_BY_VISITORS = frozenset({"message-boards", "message-board", "forum", "forums", "wikis", "wiki"})


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the files say about one link; None is unknown. `page` is its URL, `domain` the key of its site.

    `placed` and `event` are what was seen of bursts by a look at many links (`where: figures`).
    """

    domain: str
    page: str = ""
    anchor: str = ""
    title: str = ""
    left: str = ""
    right: str = ""
    page_type: str = ""
    link_type: str = ""
    sponsored: bool | None = None
    ugc: bool | None = None
    sitewide: bool | None = None
    in_content: bool | None = None
    http_code: int | None = None
    raw: bool | None = None
    rendered: bool | None = None
    target_code: int | None = None
    external_links: int | None = None
    platform: str = ""
    placed: str = ""
    event: str = ""
    languages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of words: any of them makes it speak.

    `text` has a pattern for each language, and under "" one for pages whose language is not known. Words beside a link add
    `weight_of_words`. A `label` is a whole text, or heads or ends a title; `mark` is one in brackets anywhere; `title` are words of
    a title. `host` are parts of the page's host; a rule with `only_on` says nothing of other hosts. `numbered` are folders that
    speak only above a number, `named` such that speak only above a short name. Where a path or a text has what is in `unless`, its words say nothing; `brief` words count in short
    texts, right before the link, and outside of the content, but never in a title.
    """

    name: str
    why: str
    weight: int
    weight_of_words: int
    path: re.Pattern[str] | None = None
    slug: re.Pattern[str] | None = None
    text: Mapping[str, re.Pattern[str]] = field(default_factory=dict)
    label: re.Pattern[str] | None = None
    title: re.Pattern[str] | None = None
    page_type: tuple[str, ...] = ()
    host: re.Pattern[str] | None = None
    only_on: re.Pattern[str] | None = None
    mark: re.Pattern[str] | None = None
    numbered: re.Pattern[str] | None = None
    named: re.Pattern[str] | None = None
    unless: re.Pattern[str] | None = None
    brief: bool = False

    def words(self, languages: Sequence[str]) -> re.Pattern[str] | None:
        """What is looked for in the texts of a page in these languages; English is, on every page."""
        known = [self.text[code] for code in languages if code in self.text]
        if len(known) == 1:
            return known[0]
        return self.text.get("" if not languages or known else ENGLISH)


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a score: the rule, what it adds, and what it was seen by (`where: words`). `certain`: not by words alone."""

    rule: str
    points: int
    why: str
    seen: str
    certain: bool = True


@dataclass(frozen=True, slots=True)
class Winnability:
    """The score, its parts in the order of the rules, and the bucket: likely, possible or unlikely."""

    score: int
    parts: tuple[Part, ...] = field(default=())

    @property
    def bucket(self) -> str:
        """The word for people."""
        return bucket_of(self.score)

    @property
    def gate(self) -> str | None:
        """The rule that keeps the row out of the tiers, or None; words beside a link close none."""
        spoken = {part.rule for part in self.parts if part.certain}
        return next((rule for rule in GATES if rule in spoken), None)


def bucket_of(score: int) -> str:
    """The bucket of a score: likely, possible or unlikely."""
    return "likely" if score >= LIKELY else "possible" if score >= POSSIBLE else "unlikely"


def segments(words: Sequence[str]) -> str:
    """A pattern for whole parts of a path or a host, between / . _ - and the ends; fits both Python and RE2."""
    return rf"(?:^|[/._-])({_listed(words)})(?:[/._-]|$)"


def folders(words: Sequence[str]) -> str:
    """A pattern for whole folders of a path; fits both Python and RE2."""
    return rf"/({_listed(words)})(?:[/.]|$)"


def numbered(words: Sequence[str]) -> str:
    """A pattern for whole folders of a path above a number that is no year: `/topic/1234-title`, `/threads/title.77`."""
    # What is above a number is so from its first folder on: to try the others as well would cost the square of a path.
    return rf"^(?>.*?/({_listed(words)})/)(?:[^/?#]+/)*(?:[^/?#.]+\.)?(?!(?:19|20)\d\d(?!\d))\d+(?:[/.-]|$)"


def named(words: Sequence[str]) -> str:
    """A pattern for whole folders of a path that end in a name of one or two words, which titles of articles are longer than."""
    return rf"/({_listed(words)})/[^/.-]+(?:-[^/.-]+)?/?$"


def joined(words: Sequence[str], company: Sequence[str]) -> str:
    """A pattern for a name of nothing but these, whether hyphens part them or not: `bestcasinosites24`; fits RE2."""
    around = rf"(?:{_listed([*words, *company])}|\d)"
    return rf"^(?:{around}-?)*(?:{_listed(words)})(?:-?{around})*$"


def trade(
    certain: Sequence[str], phrases: Sequence[str], words: Sequence[str], company: Sequence[str], common: Sequence[str]
) -> tuple[str, str]:
    """Patterns for a trade, over the first label of a host and over a path; fit RE2, what was seen is the first group.

    In a name one of `certain` or `phrases` is enough, or one of `words` with nothing but `company`, figures, and what is `common`
    in names of any trade. In a path it takes one of `phrases`, or one of the others beside another one or beside `company`.
    """
    sure, beside = (_listed(one) for one in ([*certain, *phrases], company))
    whole = joined([*certain, *words], [*company, *common])
    name = rf"((?:{whole})|\b(?:{sure})\b)"
    said = _listed([*certain, *words])
    two = [
        rf"(?:{said}|{beside})[/._-](?:{said})",
        rf"(?:{said})[/._-](?:{said}|{beside})",
        *([_listed(phrases)] if phrases else []),
    ]
    return name, rf"(?:^|[/._-])({'|'.join(two)})(?:[/._-]|$)"


def _listed(words: Sequence[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=lambda word: (-len(word), word)))


#: A large sum of money, in small letters: `$20m`, `€500,000`, `12 millionen`.
_SUM = (
    r"(?:[$€£]\s?)?\d[\d.,]{0,12}(?:[kmb]|mn|bn|\s?(?:millions?|billions?|mio|mrd|millionen|milliarden|milliards?|mill[oó]n|millones|"
    r"milh[oõ]es|milh[aã]o|bilh[oõ]es|milion[ei]|miliard[oi]))|[$€£]\s?\d{3}[.,]\d{3}"
)


def phrases(words: Sequence[str], before_sum: Sequence[str] = ()) -> str:
    """A pattern for whole words in a text; those of `before_sum` count where a large sum follows in their sentence."""
    sums = [rf"(?:{_listed(before_sum)}) [^.!?]{{0,40}}?(?:{_SUM})"] if before_sum else []
    return rf"(?<!\w)({'|'.join([_listed(words), *sums])})(?!\w)"


def label(words: Sequence[str]) -> re.Pattern[str]:
    """A pattern for a text that is one of `words` and marks around it."""
    return re.compile(rf"\W*({_listed(words)})\W*")


#: From so many words on a text beside a link is prose.
_BRIEF = 6

#: Marks between which a label stands in a title, and those that part it from the words.
_IN_TITLE = re.compile(r"[\[\](){}:|–—]| - ")


def path_of(page: str) -> str:
    """The path of a URL in lower case, without query and fragment; "" for a bare host."""
    rest = re.split(r"[?#]", page.partition("://")[2] or page, maxsplit=1)[0]
    return "/" + rest.partition("/")[2].lower() if "/" in rest else ""


#: Hosts of universities and schools: by the suffixes that only they get, or, in countries without one, by how they are called.
ACADEMIC = re.compile(r"\.(?:edu(?:\.[a-z]{2})?|ac\.[a-z]{2})$|(?:^|\.)(?:uni|univ|tu|hs|fh)-[a-z0-9-]+\.[a-z]{2}$")


def judge(evidence: Evidence, rules: Sequence[Rule], seller: re.Pattern[str] | None = None) -> Winnability:
    """The winnability of one link. Each rule counts once, by the strongest that is seen; flags come before words."""
    parts: dict[str, Part] = {}

    def add(rule: str, points: int, why: str, seen: str, certain: bool = True) -> None:
        former = parts.get(rule)
        if former is None or abs(points) > abs(former.points):
            parts[rule] = Part(rule, points, why, seen, certain or (former is not None and former.certain))

    for rule, said in _flags(evidence, seller).items():
        add(rule, FLAG_WEIGHTS[rule], FLAG_WHY[rule], said)
    path, host = path_of(evidence.page), host_of(evidence.page)
    texts: Mapping[str, str] = {
        "anchor": evidence.anchor,
        "title": evidence.title,
        "before the link": evidence.left,
        "after the link": evidence.right,
    }
    texts = {where: text.lower() for where, text in texts.items() if text}
    for one in rules:
        if one.only_on and not one.only_on.search(host):
            continue
        plain = path if not (one.unless and one.unless.search(path)) else ""
        kind = next((kind for kind in one.page_type if evidence.page_type.startswith(kind)), None)
        if kind:
            add(one.name, one.weight, one.why, f"page type: {evidence.page_type}")
        elif found := _in_path(one, plain):
            add(one.name, one.weight, one.why, f"path: {found[1]}")
        elif one.host and (found := one.host.search(host)):
            add(one.name, one.weight, one.why, f"host: {found[1]}")
        elif hit := _labelled(one, texts):
            add(one.name, one.weight, one.why, hit)
        elif (words := one.words(evidence.languages)) and (hit := _found(words, _said(one, texts, evidence))):
            add(one.name, one.weight_of_words, one.why, hit, certain=False)
    if evidence.placed:
        add("paid", PLACED_WEIGHT, PLACED_WHY, evidence.placed, certain=False)
    score = BASE + sum(part.points for part in parts.values())
    return Winnability(min(max(score, 0), 100), tuple(parts.values()))


def _in_path(rule: Rule, path: str) -> re.Match[str] | None:
    """What of a rule stands in a path."""
    for pattern in (rule.path, rule.numbered, rule.named, rule.slug):
        if pattern and (found := pattern.search(path)):
            return found
    return None


def _said(rule: Rule, texts: Mapping[str, str], evidence: Evidence) -> dict[str, str]:
    """The texts as far as the words of a rule count in them."""
    said = dict(texts)
    if rule.brief:
        said.pop("title", None)
        if evidence.in_content is not False and not evidence.sitewide:
            said = {where: _beside(where, text) for where, text in said.items()}
    if rule.unless:
        said = {where: rule.unless.sub(" ", text) for where, text in said.items()}
    return said


def _beside(where: str, text: str) -> str:
    """A short text whole; of a long one only what stands right before the link."""
    words = text.split()
    if len(words) <= _BRIEF:
        return text
    return " ".join(words[-3:]) if where == "before the link" else ""


def _found(words: re.Pattern[str], texts: Mapping[str, str]) -> str | None:
    return next((f"{where}: {found[1]}" for where, text in texts.items() if (found := words.search(text))), None)


def _labelled(rule: Rule, texts: Mapping[str, str]) -> str | None:
    title = texts.get("title", "")
    if rule.title and (found := rule.title.search(title)):
        return f"title: {found[1]}"
    if rule.mark and (hit := _found(rule.mark, texts)):
        return hit
    if rule.label is None:
        return None
    pieces = [*((where, text) for where, text in texts.items() if where != "title")]
    pieces += [("title", piece) for piece in _IN_TITLE.split(title)]
    return next((f"{where}: {found[1]}" for where, text in pieces if (found := rule.label.fullmatch(text))), None)


def _flags(evidence: Evidence, seller: re.Pattern[str] | None) -> dict[str, str]:  # noqa: PLR0912 -- one branch a flag
    found: dict[str, str] = {}
    if evidence.sponsored:
        found["paid"] = "tool: sponsored"
    if evidence.event:
        found["news-event"] = evidence.event
    if evidence.ugc:
        found["user-generated"] = "tool: ugc"
    elif named := of_visitors(host_of(evidence.page) or evidence.domain.partition("/")[0]):
        found["user-generated"] = f"host: {named}"
    elif by := next((one for one in re.split(r"[,;]", evidence.platform) if _called(one) in _BY_VISITORS), None):
        found["user-generated"] = f"platform: {by.strip()}"
    if evidence.sitewide:
        found["badge"] = "tool: sitewide"
    if seller and (sells := seller.search(evidence.domain.partition("/")[0].partition(".")[0])):
        found["seller-name"] = f"domain: {sells[1]}"
    # A refusal (403, 429) and a fault are about the tool's own visit; they say nothing of the page.
    if evidence.http_code in _GONE:
        found["page-gone"] = f"http code: {evidence.http_code}"
    if evidence.target_code in _GONE:
        found["target-gone"] = f"target http code: {evidence.target_code}"
    if evidence.external_links is not None and evidence.external_links >= MANY_LINKS:
        found["link-list"] = f"external links: {evidence.external_links}"
    if evidence.rendered and evidence.raw is False:
        found["by-script"] = "tool: rendered"
    if evidence.in_content is not None:
        found["in-content" if evidence.in_content else "not-in-content"] = (
            f"tool: content {str(evidence.in_content).lower()}"
        )
    if (kind := evidence.link_type.strip().lower()) in _NO_LINKS:
        # Who sends the whole of a domain on to the competitor is its owner, as a rule; a page may be sent on by many.
        whole = kind == "redirect" and evidence.page and path_of(evidence.page) in ("", "/")
        found["no-link-in-text"] = f"tool: {kind}{OF_FRONT_PAGE if whole else ''}"
    if evidence.link_type == "image" and not evidence.anchor:
        found["logo"] = "tool: image"
    return found


def _called(name: str) -> str:
    return re.sub(r"[\s_]+", "-", name.strip().lower())
