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
        ("https:///acme.test/x", "https://acme.test/x"),
        ("HTTPS:////\\\\acme.test/x", "https://acme.test/x"),
        ("///acme.test/x", "https://acme.test/x"),
        ("https://me@acme.test/x", "https://user@acme.test/x"),
        ("//a.test:p@acme.test/x", "https://user@acme.test/x"),
        ("https://acme.test@evil.test/x", "https://user@evil.test/x"),
        ("/x///acme.test@b", "https://editor.test/x///acme.test@b"),
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


def test_a_canonical_stands_in_the_head() -> None:
    late = "<link rel=canonical href='https://spam.test/'>"
    assert parse_page(f"<head><title>T</title></head><body><p>a</p>{late}", URL).canonical is None
    assert parse_page(f"<title>T</title>{late}<p>a</p>", URL).canonical == "https://spam.test/"


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


INCAPSULA = (
    '<html><head><META NAME="robots" CONTENT="noindex,nofollow"></head><body style="margin:0px;height:100%">'
    '<iframe id="main-iframe" src="/_Incapsula_Resource?CWUDNSAI=23&incident_id=1">Request unsuccessful.</iframe></body></html>'
)
CONSENT = """<title>Before you continue</title><h1>We value your privacy</h1><p>We and our 312 partners use cookies. Accept all or
    change what you allow.</p><a href="/privacy">Privacy</a><a href="/imprint">Imprint</a><button>Accept</button>"""
WALLS = [
    (INCAPSULA, "challenge"),
    ("<title>Just a moment...</title><p>Checking your browser</p>", "challenge"),
    ('<script src="https://www.google.com/recaptcha/api.js"></script><p>Please tick the box.</p>', "challenge"),
    ('<div class="h-captcha"></div><p>One more step</p>', "challenge"),
    ("<h1>Down for maintenance</h1><p>We are back in an hour.</p>", "maintenance"),
    ("<title>Wartungsarbeiten</title><p>Bis gleich.</p>", "maintenance"),
    ("<title>503 Service Unavailable</title><p>nginx</p>", "maintenance"),
    ("<p>Error establishing a database connection</p>", "maintenance"),
    (CONSENT, "consent"),
    ("<title>Rival</title><h1>Sign in</h1><form><input name=mail></form><p>Forgot your password?</p>", "gate"),
    ("<h1>Sign in 2026: a history of signs</h1><p>A short page.</p>", ""),
    # What a page of words says of such things is no wall, and a short page is none for being short.
    ("<p>A short page.</p>", ""),
    ("<p>Our tools: <a href=/a>one</a>, <a href=/b>two</a>.</p>", ""),
    ("<title>500 recipes</title><p>For 500 guests.</p>", ""),
    ("<h1>Maintenance of gardens</h1><p>" + "word " * 60 + "</p>", ""),
    ("<p>" + "word " * 60 + '</p><form><div class="g-recaptcha"></div></form>', ""),
    ("<p>We use cookies.</p>", ""),
    ("<p>We use cookies. Accept?</p>" + "".join(f"<a href=/{n}>page {n}</a>" for n in range(9)), ""),
]


@pytest.mark.parametrize(
    ("url", "wall"),
    [
        ("https://a.test/login?next=/best-tools", "gate"),
        ("https://a.test/members/sign-in/", "gate"),
        ("https://a.test/blog/wp-login.php?redirect_to=x", "gate"),
        ("https://accounts.a.test/v2/begin", "gate"),
        ("https://a.test/de/anmelden", "gate"),
        ("https://a.test/blog/login-forms-that-work", ""),
        ("https://a.test/login/forms", ""),
        ("https://a.test/best?from=/login", ""),
    ],
)
def test_a_page_to_sign_in_is_known_by_its_address(url: str, wall: str) -> None:
    assert parse_page("<p>" + "All that our service does for you. " * 60 + "</p>", url).wall == wall


MENU = "<nav>" + "".join(f"<a href=/m{n}>Menu point {n}</a> " for n in range(40)) + "</nav>"
FOOT = "<footer><a href=/imprint>Imprint</a> © 2026 Example Media GmbH. All rights reserved.</footer>"
SOLD = '<script type="application/ld+json">{"isAccessibleForFree" : "False"}</script>'
IN_A_LAYOUT = [
    ("<h1>Please log in to continue</h1>", "gate"),
    ("<p>This video is not available in your country.</p>", "gate"),
    ("<title>Just a moment...</title>", "challenge"),
    ("<title>Access Denied</title><h1>Access Denied</h1><p>Reference 18.2f</p>", "challenge"),
    ("<h1>Wartungsarbeiten</h1><p>Wir sind gleich zurück.</p>", "maintenance"),
    ("<h2>Altersprüfung</h2><p>Bist du 18 Jahre alt?</p>", "gate"),
    ("<p>Estamos en mantenimiento, volvemos pronto.</p>", "maintenance"),
    ("<h1>Article réservé aux abonnés</h1>", "gate"),
    ("<p>Accedi per continuare a leggere.</p>", "gate"),
    ("<p>Este conteúdo não está disponível no seu país.</p>", "gate"),
    ("<p>Log in om verder te lezen.</p>", "gate"),
    ("<p>Please complete the captcha.</p>", "gate"),
    ("<h1>Members only</h1><p>" + "Join our club and enjoy the magazine. " * 15 + "</p>", "gate"),
    ("<title>The Ledger | Sign in</title><h1>Welcome back</h1><p>" + "We missed you. " * 30 + "</p>", "gate"),
    ("<h1>Anmelden</h1><form>E-Mail Passwort</form>", "gate"),
    ("<p>Please log in.</p>", "gate"),
    ("<h1>You have reached your limit of free articles</h1>", "gate"),
    (SOLD + "<p>" + "The first lines. " * 50 + "</p>", "gate"),
    ("<h1>Etwas ist schiefgelaufen</h1>", "maintenance"),
    ("<p>Une erreur est survenue.</p>", "maintenance"),
    ("<p>Accept all cookies to continue.</p>", "consent"),
    # A list of links, a short post, and pages on such things.
    ("<h1>Sign in sheets for events</h1><p>" + "Print one for each door. " * 20 + "</p>", ""),
    ("<p>A post on birds. Please log in to leave a comment.</p>", ""),
    (SOLD + "<p>" + "All of the lines. " * 70 + "</p>", ""),
    ("<p>We use cookies. Accept all cookies?</p>", ""),
    ("<h1>Our links</h1><p>Sites that we like.</p>", ""),
    ("<p>A post on birds. You must be logged in to post a comment.</p>", ""),
    ("<h1>Garden maintenance</h1><p>" + "We mow and prune. " * 5 + "</p>", ""),
    ("<h1>Wartung von Heizungen</h1><p>" + "Wir warten jede Heizung. " * 20 + "</p>", ""),
    ("<h1>How to fix access denied errors on a shared Windows server</h1><p>" + "word " * 90 + "</p>", ""),
    ("<h1>Access denied</h1><p>" + "What this error means. " * 80 + "</p>", ""),
    ("<h1>Our museum</h1><p>Free for all under 18.</p>", ""),
    # Articles on walls, and what stands beside an article.
    ("<h1>What is a CAPTCHA?</h1><p>" + "It tells people from programs. " * 20 + "</p>", ""),
    ("<title>Why you see access denied</title><h1>On rights</h1><p>" + "Ask who may do what. " * 20 + "</p>", ""),
    ("<h1>Security checklist for small shops</h1><p>" + "Lock the door at night. " * 20 + "</p>", ""),
    ("<h1>Wie Altersprüfung im Netz funktioniert</h1><p>" + "Es gibt drei Wege dazu. " * 20 + "</p>", ""),
    ("<h1>¿Qué es la verificación de edad?</h1><p>" + "Hay varias maneras de hacerlo. " * 15 + "</p>", ""),
    ("<p>A post on birds. Sign in to see your saved posts, or log in to read all comments.</p>", ""),
    ("<p>A post on birds. Subscribe to read our newsletter.</p>", ""),
    ("<h1>Vogelkunde</h1><p>Eintritt frei. Anmeldung zur Führung bis Freitag erforderlich.</p>", ""),
    ("<h1>Anmeldung erforderlich</h1><p>Bitte melden Sie sich an.</p>", "gate"),
    ("<p>Sign in to see your saved posts. Log in to continue.</p>", "gate"),
    ("<h1>Security check</h1><p>One moment.</p>", "challenge"),
    ("<title>Come back later: down for maintenance</title><p>Soon.</p>", "maintenance"),
]


@pytest.mark.parametrize(("body", "wall"), IN_A_LAYOUT)
def test_a_wall_stands_inside_the_layout_of_its_site(body: str, wall: str) -> None:
    assert parse_page(MENU + body + FOOT, URL).wall == wall


@pytest.mark.parametrize(
    ("body", "barred"),
    [
        ("<p>" + "word " * 900 + "</p><p>Bereits Abonnent?</p>", True),
        (SOLD + "<p>" + "word " * 900 + "</p>", True),
        ("<p>" + "word " * 900 + "</p>", False),
        ("<p>" + "word " * 900 + "</p><a href=/login>Log in</a>", False),
        ("<p>" + "word " * 9_000 + "</p><p>Bereits Abonnent?</p>", False),
    ],
    ids=["words of a wall", "not for all", "an article", "a link to log in", "a long article"],
)
def test_what_a_page_says_outside_of_links_is_counted_and_searched_for_words_of_a_wall(body: str, barred: bool) -> None:
    facts = parse_page(MENU + body + FOOT, URL)
    assert facts.barred is barred
    assert facts.own_words == len(parse_page(body.split("<a", maxsplit=1)[0], URL).text.split()) + 8


def test_an_app_that_stands_inside_a_layout_needs_its_scripts() -> None:
    shell = "<div class=content></div><noscript>Please enable JavaScript.</noscript><script src=a.js></script>"
    assert parse_page(MENU + shell + FOOT, URL).needs_scripts
    assert not parse_page(MENU + "<p>" + "word " * 60 + "</p>" + shell, URL).needs_scripts


@pytest.mark.parametrize(
    ("style", "hidden"),
    [
        ("position:absolute;left:-9999px", True),
        ("text-indent: -9999em", True),
        ("position:fixed; top:-10000px", True),
        ("right:-5000px", True),
        ("clip:rect(0,0,0,0)", True),
        ("clip: rect( 1px 1px 1px 1px );", True),
        ("clip:rect(0 auto 0px auto)", True),
        ("clip:rect(0, 10px, 300px, 10px)", True),
        ("clip:rect(0,200px,100px,0)", False),
        ("clip:rect(0px 20px 10px 0px)", False),
        ("clip:rect(auto, auto, auto, auto)", False),
        ("left:-1200px", False),
        ("margin-left:-99px", False),
        ("left:9999px", False),
    ],
)
def test_what_is_moved_off_the_page_is_hidden(style: str, hidden: bool) -> None:
    facts = parse_page(f'<p>Words <span style="{style}"><a href="https://acme.test/">x</a></span></p>', URL)
    assert [link.hidden for link in facts.links] == [hidden]


@pytest.mark.parametrize(("html", "wall"), WALLS)
def test_what_stands_before_a_page_is_recognised(html: str, wall: str) -> None:
    assert parse_page(html, URL).wall == wall


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
