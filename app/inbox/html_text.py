"""Turns the HTML of a mail into text, behind limits of size and depth, with the quoted old message taken out on demand."""

from __future__ import annotations

import html
import re
from typing import Any

MOST_CHARS = 256 * 1024
MOST_DEPTH = 200

_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]{0,20})([^<>]{0,4000})>")
_ANY_TAG = re.compile(r"<[^<>]{0,4000}>")
_BREAKS = frozenset(("br", "p", "div", "tr", "li", "h1", "h2", "h3", "table", "blockquote"))
_VOID = frozenset(
    ("br", "img", "hr", "meta", "link", "input", "col", "base", "area", "wbr", "source", "embed", "param", "track")
)
_QUOTE_CLASSES = frozenset(
    (
        "gmail_quote",
        "gmail_quote_container",
        "yahoo_quoted",
        "moz-cite-prefix",
        "protonmail_quote",
        "zmail_extra",
        "outlookquote",
    )
)
# What follows these elements, up to the end, is the old message.
_QUOTE_STARTS = frozenset(
    ("divrplyfwdmsg", "appendonsend", "x_divrplyfwdmsg", "mail-editor-reference-message-container", "isforwardcontent")
)


def html_to_text(source: str) -> tuple[str, str]:
    """The readable text of `source`, whole and without marked quotes. Falls back to taking the tags off."""
    cut = source[:MOST_CHARS]
    if depth(cut) > MOST_DEPTH:
        plain = without_tags(cut)
        return plain, plain
    try:
        return _rendered(cut)
    except Exception:  # noqa: BLE001 - whatever libxml2 or the renderer dislikes, the words are still wanted
        plain = without_tags(cut)
        return plain, plain


def depth(source: str) -> int:
    """The deepest nesting of tags, by counting; closing tags that close nothing do not count."""
    level = deepest = 0
    for match in _TAG.finditer(source):
        if match.group(2).lower() in _VOID or match.group(3).endswith("/"):
            continue
        level = max(0, level - 1) if match.group(1) else level + 1
        deepest = max(deepest, level)
    return deepest


def without_tags(source: str) -> str:
    """The text between tags, a line for each block; for HTML that must not reach a parser."""
    broken = _TAG.sub(lambda match: "\n" if match.group(2).lower() in _BREAKS else " ", source)
    return html.unescape(_ANY_TAG.sub(" ", broken)).strip()


def _rendered(source: str) -> tuple[str, str]:
    from inscriptis import Inscriptis
    from inscriptis.model.config import ParserConfig
    from lxml import html as lxml_html

    parser = lxml_html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, no_network=True)
    tree = lxml_html.document_fromstring(source.encode("utf-8", "replace"), parser=parser)
    for element in list(tree.iter("script", "style", "head", "title", "template", "noscript")):
        _drop(element)
    whole = Inscriptis(tree, ParserConfig()).get_text()
    if not _take_out_quotes(tree):
        return whole.strip(), whole.strip()
    return whole.strip(), Inscriptis(tree, ParserConfig()).get_text().strip()


def _take_out_quotes(tree: Any) -> bool:
    found = False
    for element in list(tree.iter()):
        if not isinstance(element.tag, str):
            continue
        classes = (element.get("class") or "").lower().split()
        name = (element.get("id") or "").lower()
        if name in _QUOTE_STARTS:
            for sibling in list(element.itersiblings()):
                _drop(sibling, tail=True)
            _drop(element, tail=True)
            found = True
        elif _QUOTE_CLASSES.intersection(classes) or (
            element.tag == "blockquote" and (element.get("type") or "").lower() == "cite"
        ):
            _drop(element)
            found = True
    return found


def _drop(element: Any, *, tail: bool = False) -> None:
    """Take an element out; the text behind it stays unless `tail` says otherwise."""
    parent = element.getparent()
    if parent is None:
        return
    if element.tail and not tail:
        before = element.getprevious()
        if before is not None:
            before.tail = (before.tail or "") + element.tail
        else:
            parent.text = (parent.text or "") + element.tail
    parent.remove(element)
