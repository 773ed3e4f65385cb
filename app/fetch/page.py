"""Reads one HTML page into facts. Runs in the parser's own process (see `app.fetch.parsing`): the page is not trusted.

The tree is walked by hand, without recursion: a page may nest a hundred thousand elements.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from itertools import islice

from selectolax.lexbor import LexborHTMLParser, LexborNode

from app.domain.link_verdict import LinkFact, PageFacts, robots_directives
from app.fetch.urls import resolve, with_user
from app.fetch.walls import may_be_barred, wall_of

MAX_LINKS = 20_000
_MAX_ANCHOR = 300
# Nothing inside these is on the page as a reader sees it: their links and their text do not count.
BLOCK_SILENT = frozenset(
    {"script", "style", "template", "head", "title", "iframe", "noframes", "noembed", "object", "textarea"}
    | {"select", "option", "datalist", "audio", "video", "canvas", "math", "xmp"}
)
INLINE = frozenset(
    {
        "a",
        "abbr",
        "b",
        "bdi",
        "bdo",
        "big",
        "cite",
        "code",
        "data",
        "del",
        "dfn",
        "em",
        "font",
        "i",
        "img",
        "ins",
        "kbd",
    }
    | {"label", "mark", "nobr", "q", "rp", "rt", "ruby", "s", "samp", "small", "span", "strike", "strong", "sub", "sup"}
    | {"svg", "time", "tt", "u", "var", "wbr", "picture", "source"}
)
_READ = frozenset({"a", "area", "img"})
# What may hide (see `hides`), as far as a selector can tell.
_MAY_HIDE = '[hidden], [style*="display" i], [style*="visibility" i], [style*="-9"], [style*="000"], [style*="rect(" i]'
_NOTED = frozenset({"base", "link", "meta", "title", "script"})
# What a page says of itself to search engines and to those who share it.
_ABOUT = frozenset({"description", "og:description", "article:published_time", "article:section", "date", "keywords"})
# What is moved so far off the page was never meant for readers; less is the next picture of a slide show.
_HIDING_STYLE = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|"
    # of which nothing is left: no height, or no width
    r"clip\s*:\s*rect\(\s*(?:(\d+)(?:px)?[\s,]+[\w.-]+[\s,]+\1(?:px)?[\s,]|[\w.-]+[\s,]+(\d+)(?:px)?[\s,]+[\w.-]+[\s,]+\2(?:px)?\s*\))"
    r"|(?:left|right|top|bottom|text-indent|margin-left)\s*:\s*-(?:9{3,}|\d{5,}|[3-9]000)(?:px|em|rem|pt|;|\s|\Z)",
    re.IGNORECASE,
)
UNSEEN = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff"))
_JAVASCRIPT = re.compile(r"javascript", re.IGNORECASE)
_NOSCRIPT = re.compile(r"<(/?)noscript\b", re.IGNORECASE)
_APP_ROOTS = frozenset({"root", "app", "__next", "__nuxt", "svelte", "main-app", "react-root", "app-root", "___gatsby"})
# Elements that an app fills; empty, they are where the text of the page will be.
_MAY_BE_ROOTS = ", ".join([*(f"#{name}" for name in sorted(_APP_ROOTS)), "app-root", "[data-reactroot]", "[ng-app]"])
_FEW_WORDS = 40
# Words are counted in so much of the text: enough to tell a page from what is left of one.
_COUNTED = 4_000


class _Text:
    """The visible text as it grows: white space collapsed, a line break between blocks."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self.length = 0
        self._gap = ""

    def add(self, raw: str) -> None:
        # A page has a thousand of these: what would be three calls for each stands here as one.
        plain = raw if raw.isascii() else unicodedata.normalize("NFC", raw.translate(UNSEEN))
        text = " ".join(plain.split())
        if not text:
            if raw:
                self.gap(" ")
            return
        gap = self._gap
        if raw[0].isspace() and self.length and gap != "\n":
            gap = " "
        if gap:
            self._pieces.append(gap)
            self.length += 1
        self._pieces.append(text)
        self.length += len(text)
        self._gap = " " if raw[-1].isspace() else ""

    def gap(self, kind: str) -> None:
        if self.length and self._gap != "\n":
            self._gap = kind

    def mark(self) -> int:
        """Where the next word will begin, as far as is known now."""
        return self.length + (1 if self._gap else 0)

    def whole(self) -> str:
        return "".join(self._pieces)


class _Open:
    """A link that the walk is inside of."""

    __slots__ = ("alts", "attrs", "depth", "hidden", "start")

    def __init__(self, attrs: dict[str, str | None], start: int, hidden: bool, depth: int) -> None:
        self.attrs = attrs
        self.start = start
        self.hidden = hidden
        self.depth = depth
        self.alts: list[str] = []


class _Reader:
    """One walk over one tree."""

    def __init__(self, wanted_hosts: Sequence[str]) -> None:
        self.text = _Text()
        self.wanted = tuple(wanted_hosts)
        self.found: list[tuple[_Open, int]] = []
        self.base: str | None = None
        self.canonical: str | None = None
        self.robots: list[str] = []
        self.title = ""
        self.heading: tuple[int, int] | None = None
        self.heading_at = (-1, 0)  # depth of the h1 that the walk is inside of, and where its words begin
        self.scripts = 0
        self.hiding = True
        self.about: dict[str, str] = {}
        self.dropped = False
        self.depth = 0
        self.hidden_from = -1  # depth of the outermost element that hides what is in it
        self.open: list[_Open] = []

    def walk(self, root: LexborNode, *, hiding: bool = True) -> None:
        """Take the tree in; `hiding`: some element may hide what is in it."""
        self.hiding = hiding
        text, node = self.text, root
        while True:
            tag = node.tag or ""
            if tag == "-text":
                if self.hidden_from < 0:
                    text.add(node.text_content or "")
            else:
                down = self._enter(node, tag)
                if down is not None:
                    node = down
                    self.depth += 1
                    continue
                self._leave(node, tag)
            while True:
                if self.depth == 0:
                    return
                after = node.next
                if after is not None:
                    node = after
                    break
                parent = node.parent
                if parent is None:
                    return
                node = parent
                self.depth -= 1
                self._leave(node, node.tag or "")

    def _enter(self, node: LexborNode, tag: str) -> LexborNode | None:
        """Take an element in; its first child when the walk is to go down."""
        inline = tag in INLINE
        if not inline and not node.is_element_node:
            return None
        if tag in _NOTED:
            self._note(tag, node.attributes, node)
        if not inline:
            self.text.gap("\n")
        if tag in BLOCK_SILENT:
            if tag == "head":
                self._head(node)
            return None
        if tag == "h1" and self.heading is None and self.heading_at[0] < 0:
            self.heading_at = (self.depth, self.text.mark())
        if tag in _READ or self.hiding:
            # Attributes become a new dict each time they are asked for: on most elements nobody needs them.
            attrs = node.attributes
            if self.hiding and self.hidden_from < 0 and hides(attrs):
                self.hidden_from = self.depth
            if tag in {"a", "area"}:
                if self._wants(attrs.get("href")):
                    self.open.append(_Open(attrs, self.text.mark(), self.hidden_from >= 0, self.depth))
            elif tag == "img" and self.open and attrs.get("alt"):
                self.open[-1].alts.append(str(attrs["alt"]))
        return node.first_child

    def _wants(self, href: str | None) -> bool:
        if href is None:
            return False
        if len(self.found) + len(self.open) < MAX_LINKS or any(host in href.lower() for host in self.wanted):
            return True
        self.dropped = True
        return False

    def _leave(self, node: LexborNode, tag: str) -> None:
        if self.hidden_from == self.depth:
            self.hidden_from = -1
        if self.open and self.open[-1].depth == self.depth:
            self.found.append((self.open.pop(), self.text.length))
        if self.heading_at[0] == self.depth:
            self.heading, self.heading_at = (self.heading_at[1], self.text.length), (-1, 0)
        if tag not in INLINE and node.is_element_node:
            self.text.gap("\n")

    def _head(self, head: LexborNode) -> None:
        for node in head.iter():
            if node.tag in _NOTED:
                self._note(node.tag, node.attributes, node, in_head=True)

    def _note(self, tag: str, attrs: dict[str, str | None], node: LexborNode, *, in_head: bool = False) -> None:
        if tag == "base" and self.base is None:
            self.base = attrs.get("href")
        elif tag == "link" and in_head and self.canonical is None and "canonical" in tokens(attrs.get("rel")):
            # In the body a visitor may have written it; search engines do not heed it there either.
            self.canonical = attrs.get("href")
        elif tag == "meta":
            self._meta((attrs.get("name") or attrs.get("property") or "").strip().lower(), attrs.get("content") or "")
        elif tag == "title" and not self.title:
            self.title = " ".join((node.text() or "").split())[:500]
        elif tag == "script":
            self.scripts += 1

    def _meta(self, name: str, content: str) -> None:
        if name in {"robots", "googlebot"}:
            self.robots.append(content)
        elif name in _ABOUT and content.strip():
            self.about.setdefault(name, " ".join(content.split())[:500])


def parse_page(
    html: str, url: str, *, robots_headers: Sequence[str] = (), wanted_hosts: Sequence[str] = (), cut: bool = False
) -> PageFacts:
    """The facts of the page at `url`.

    The first `MAX_LINKS` links are kept, and all that lead to one of `wanted_hosts`; when some were dropped, the page
    counts as cut.
    """
    # The parser reads <noscript> as if scripts were off, and moves what stands in it out of the head; readers have them on.
    parser = LexborHTMLParser(_NOSCRIPT.sub(r"<\1template", html))
    reader = _Reader(wanted_hosts)
    root = parser.root
    lang = ""
    app_root = False
    if root is not None:
        lang = ((root.attributes.get("lang") or root.attributes.get("xml:lang")) or "").strip()[:35]
        reader.walk(root, hiding=parser.css_first(_MAY_HIDE) is not None)
        app_root = any(_is_empty(found) for found in islice(parser.css(_MAY_BE_ROOTS), 10))
    base = (resolve(url, reader.base) if reader.base else None) or url
    links = _links(reader, base)
    text = reader.text.whole()
    own = _outside_of(links, text)
    own_words = len(own.split())
    begin, end = reader.heading or (0, 0)
    return PageFacts(
        url=url,
        title=reader.title,
        lang=lang,
        canonical=resolve(base, reader.canonical) if reader.canonical else None,
        robots=robots_directives([*robots_headers, *reader.robots]),
        text=text,
        links=links,
        cut=cut or reader.dropped,
        # An empty app between a full header and footer is an app all the same; few words alone say nothing.
        needs_scripts=reader.scripts > 0 and (app_root or (own_words < _FEW_WORDS and _asks_for_scripts(html))),
        about=tuple(reader.about.items()),
        wall=wall_of(url, reader.title, text[begin:end], text, own, html, links=len(links)),
        words=len(text[:_COUNTED].split()),
        own_words=own_words,
        # Where a link to us is seen, nobody asks.
        barred=not any(host in link.url for host in wanted_hosts for link in links) and may_be_barred(own, html),
    )


def _links(reader: _Reader, base: str) -> tuple[LinkFact, ...]:
    text = reader.text.whole()
    kept: list[LinkFact] = []
    cache: dict[str, str | None] = {}
    rels: dict[str | None, tuple[str, ...]] = {}
    for link, end in sorted(reader.found, key=lambda pair: pair[0].start):
        href = link.attrs.get("href") or ""
        if href not in cache:
            cache[href] = resolve(base, href) or with_user(base, href)
        address = cache[href]
        if address is None:
            continue
        start = min(link.start, end)
        # White space is collapsed already; what is left of it are single spaces and line ends.
        words = text[start:end].replace("\n", " ").strip()[:_MAX_ANCHOR]
        alt = " ".join(" ".join(link.alts).split())[:_MAX_ANCHOR] if link.alts else ""
        rel = link.attrs.get("rel")
        if rel not in rels:
            rels[rel] = tokens(rel)
        kept.append(
            LinkFact(
                url=address,
                anchor=words or alt,
                rel=rels[rel],
                start=start,
                end=end,
                image=not words and bool(link.alts),
                hidden=link.hidden,
            )
        )
    return tuple(kept)


def _outside_of(links: Sequence[LinkFact], text: str) -> str:
    """The text outside of links: menus and footers are links, and what a page says is not."""
    pieces: list[str] = []
    at = 0
    for start, end in (*((link.start, link.end) for link in links), (len(text), len(text))):
        if start > at:
            pieces.append(text[at:start])
        at = max(at, end)
    return "".join(pieces)


def _is_empty(root: LexborNode) -> bool:
    child = root.first_child
    while child is not None:
        if child.is_element_node or (child.tag == "-text" and (child.text_content or "").strip()):
            return False
        child = child.next
    return True


def _asks_for_scripts(html: str) -> bool:
    return any(
        _JAVASCRIPT.search(html, found.end(), found.end() + 600)
        for found in islice(_NOSCRIPT.finditer(html), 50)
        if not found[1]
    )


def tokens(value: str | None) -> tuple[str, ...]:
    """The words of an attribute such as `rel`, in lower case, each once."""
    return tuple(dict.fromkeys(value.lower().replace(",", " ").split())) if value else ()


def hides(attrs: dict[str, str | None]) -> bool:
    """Whether an element hides what is in it, by its own attributes."""
    if not attrs:
        return False
    if "hidden" in attrs:
        return True
    style = attrs.get("style")
    return bool(style) and _HIDING_STYLE.search(style or "") is not None
