"""The HTML part of a message as its reader gets it: links, words, and what it would load. Pure."""

from __future__ import annotations

from html.parser import HTMLParser


class HtmlPart(HTMLParser):
    """`links` as they stand there, `loads` what it would load or run, `text` with white space between blocks."""

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
        """What is read, without the title."""
        return "".join(self.pieces)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """See HTMLParser."""
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
        """See HTMLParser."""
        if tag in self._BLOCKS:
            self.pieces.append("\n")
        if tag in {"title", "head"}:
            self._title = False

    def handle_data(self, data: str) -> None:
        """See HTMLParser."""
        if not self._title:
            self.pieces.append(data)


def read_html(source: str) -> HtmlPart:
    """The part that was written as `source`; never fails, whatever that is."""
    reader = HtmlPart()
    reader.feed(source)
    reader.close()
    return reader
