"""What is read from a page: real links only, the text that a reader sees, and what the page says about itself."""

from __future__ import annotations

import pytest

from app.fetch.page import MAX_LINKS, parse_page
from app.fetch.parsing import ParserPool, parser_pool

URL = "https://editor.test/blog/post"


def urls(html: str, **values: object) -> list[str]:
    return [link.url for link in parse_page(html, URL, **values).links]  # type: ignore[arg-type]


def test_only_parsed_links_count() -> None:
    html = """
    <!-- <a href="https://acme.test/comment">c</a> -->
    <template><a href="https://acme.test/template">t</a></template>
    <noscript><a href="https://acme.test/noscript">n</a></noscript>
    <script>document.write('<a href="https://acme.test/script">s</a>')</script>
    <style>/* <a href="https://acme.test/style"> */</style>
    <textarea><a href="https://acme.test/textarea">t</a></textarea>
    <iframe><a href="https://acme.test/iframe">i</a></iframe>
    <p>https://acme.test/text</p><a name="x">no href</a>
    <link rel="alternate" href="https://acme.test/link">
    <a href="https://acme.test/real">real</a>
    """
    assert urls(html) == ["https://acme.test/real"]


@pytest.mark.parametrize(
    ("href", "url"),
    [
        ("/x", "https://editor.test/x"),
        ("x", "https://editor.test/blog/x"),
        ("../x", "https://editor.test/x"),
        ("?q=1", "https://editor.test/blog/post?q=1"),
        ("//acme.test/x", "https://acme.test/x"),
        (" https://acme.test/x ", "https://acme.test/x"),
        ("https://acme.test/x#part", "https://acme.test/x"),
        ("HTTPS://ACME.test/X", "https://acme.test/X"),
        ("https://acme.test", "https://acme.test/"),
        ("https://acme.test/a b", "https://acme.test/a%20b"),
        ("https://acme.test/caf\u00e9", "https://acme.test/caf%C3%A9"),
        ("https://\u00e4cme.test/", "https://xn--cme-pla.test/"),
        ("https:\\\\acme.test\\x", "https://acme.test/x"),
        ("ht\ntps://acme.test/x", "https://acme.test/x"),
        ("https://acme.test:8080/x", "https://acme.test:8080/x"),
        ("https://acme.test/a/../b", "https://acme.test/b"),
        ("https://acme.test/x?a=1&amp;b=2", "https://acme.test/x?a=1&b=2"),
    ],
)
def test_addresses_are_read_as_browsers_read_them(href: str, url: str) -> None:
    assert urls(f'<a href="{href}">x</a>') == [url]


@pytest.mark.parametrize(
    "href", ["mailto:a@b.test", "javascript:void(0)", "tel:+1", "ftp://a.test/", "data:text/html,x"]
)
def test_what_is_no_web_address_is_no_link(href: str) -> None:
    assert urls(f'<a href="{href}">x</a>') == []


def test_the_base_rules_relative_addresses() -> None:
    html = '<head><base href="https://cdn.test/dir/"><base href="https://late.test/"></head><a href="x">x</a>'
    assert urls(html) == ["https://cdn.test/dir/x"]
    assert urls('<base href="/sub/"><a href="x">x</a>') == ["https://editor.test/sub/x"]


def test_anchor_rel_and_place() -> None:
    html = (
        "<p>Before <b>the</b> <a href='/x' rel='NoFollow  UGC,sponsored'>great\n <i>guide</i></a>, after.</p>"
        "<p><a href='/logo'><img src=l.png alt='Acme logo'></a><a href='/empty'></a></p>"
    )
    facts = parse_page(html, URL)
    first, logo, empty = facts.links
    assert (first.anchor, first.rel, first.image) == ("great guide", ("nofollow", "ugc", "sponsored"), False)
    assert facts.text[first.start : first.end] == "great guide"
    assert (logo.anchor, logo.image) == ("Acme logo", True)
    assert (empty.anchor, empty.image) == ("", False)
    assert facts.text.startswith("Before the great guide, after.")


def test_hidden_links_are_noted_and_hidden_text_is_not_read() -> None:
    html = """<p>Seen</p>
    <div style="color:red; DISPLAY : none">gone <a href="/a">a</a></div>
    <div hidden>gone <a href="/b">b</a></div>
    <span style="visibility:hidden"><a href="/c">c</a></span>
    <a href="/d">seen too</a>"""
    facts = parse_page(html, URL)
    assert [link.hidden for link in facts.links] == [True, True, True, False]
    assert facts.text == "Seen\nseen too"


def test_text_is_in_lines_and_inline_elements_do_not_glue_or_cut() -> None:
    html = (
        "<h1>Ac<b>me</b></h1><p>one<br>two</p><ul><li>a<li>b</ul>x<script>no</script>y so\u00adft z\u200bw"
        "<p>  many \n\t spaces\u00a0here </p><table><tr><td>c1</td><td>c2</td></tr></table>cafe\u0301"
    )
    assert parse_page(html, URL).text == "Acme\none\ntwo\na\nb\nx\ny soft zw\nmany spaces here\nc1\nc2\ncaf\u00e9"


def test_what_the_page_says_about_itself() -> None:
    html = """<html lang="de-AT"><head><title> A
    title </title><link rel="shortcut canonical" href="/original"><meta name="Robots" content="NOINDEX, follow">
    <meta name="googlebot" content="nofollow"></head><body>x</body></html>"""
    facts = parse_page(html, URL, robots_headers=["noarchive", "otherbot: none"])
    assert (facts.title, facts.lang, facts.canonical) == ("A title", "de-AT", "https://editor.test/original")
    assert facts.robots == ("noarchive", "noindex", "follow", "nofollow")


@pytest.mark.parametrize(
    ("html", "needs"),
    [
        ("<div id=root></div><script src=app.js></script>", True),
        ("<noscript>You need to enable JavaScript to run this app.</noscript><script src=a.js></script>", True),
        ("<p>A short page.</p>", False),
        ("<p>A short page.</p><script src=analytics.js></script>", False),
        (
            "<div id=root><p>" + "word " * 60 + "</p></div><script src=app.js></script><noscript>JavaScript</noscript>",
            False,
        ),
        ("", False),
    ],
)
def test_pages_of_scripts_are_recognised(html: str, needs: bool) -> None:
    assert parse_page(html, URL).needs_scripts is needs


def test_more_links_than_are_kept() -> None:
    html = "<a href='/x'>y</a>" * (MAX_LINKS + 50) + "<a href='https://www.acme.test/late'>late</a>"
    facts = parse_page(html, URL, wanted_hosts=["acme.test"])
    assert len(facts.links) == MAX_LINKS + 1
    assert facts.links[-1].url == "https://www.acme.test/late"
    assert facts.cut


def test_the_pool_gives_what_the_parser_gives() -> None:
    html = "<html lang=en><title>T\u00e9</title><p>Caf\u00e9 <a href='/x' rel=nofollow>y\U0001f600</a>\ud800</p>"
    assert parser_pool().parse(html, URL, wanted_hosts=["acme.test"]) == parse_page(
        html, URL, wanted_hosts=["acme.test"]
    )


def test_the_child_sees_no_setting_and_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    import subprocess

    monkeypatch.setenv("GAPBRIDGE_SECRET_KEY", "canary-secret")
    pool = ParserPool(1)
    try:
        pool.parse("<p>x", URL)
        child = pool._idle[0]._process.pid
        told = subprocess.run(["cat", f"/proc/{child}/environ"], capture_output=True, check=True).stdout
        assert b"canary-secret" not in told
    finally:
        pool.close()
