"""The search for contacts: every shape in which people write their address, and none of those that are put there for machines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest

from app.clock import FixedClock
from app.contacts import repository, service
from app.db.work import Database
from app.domain.contact_rules import How, by_pattern, named, page_kind, read_mailto, read_text, surely_named
from app.errors import Conflict
from app.jobs import Job, RecordingDispatcher
from app.mentions import service as mentions
from app.models import ContactSearch, SuppressionKind
from app.prospects import contacts, suppression
from app.prospects import repository as prospects_repository
from app.prospects import service as prospects
from app.settings import Settings
from tests.support.editorial import PAGE, desk
from tests.support.editorial import Desk as Site
from tests.support.webserver import redirect
from tests.support.world import VAULT, a_contact, a_page, a_prospect, a_site


class Desk:
    """The editor's site, with the vault that the intake of addresses needs."""

    def __init__(self, site: Site) -> None:
        self.db, self.settings, self.fetcher, self.vault = site.db, site.settings, site.fetcher, VAULT
        self.serve, self.seen, self.site = site.serve, site.seen, site.site
        self.renderer = None

    def set(self, **values: object) -> None:
        self.settings = self.settings.model_copy(update=values)


@pytest.fixture
def at(db: Database, settings: Settings, clock: FixedClock) -> Iterator[Desk]:
    with desk(db, settings, clock) as made:
        with db.work() as uow:
            site = a_site(uow)
            a_page(uow, site)
            a_prospect(uow, site, best_page=PAGE, mention_due_at=uow.now())
        yield Desk(made)


def look(at: Desk) -> list[tuple[str, str | None, str | None]]:
    """Search now; the contacts as (address, name, how), best first."""
    with at.db.work() as uow:
        service.request(uow, at.settings, 1)
    service.find(at, 1)
    with at.db.read() as uow:
        return [(one.email, one.name, one.found_by) for one in prospects_repository.contacts_of(uow.session, 1)]


def row(at: Desk) -> ContactSearch:
    with at.db.read() as uow:
        found = repository.of_prospect(uow.session, 1)
        assert found is not None
        return found


def refusals(at: Desk) -> dict[str, str | None]:
    return {one["email"]: one["refused"] for one in row(at).found}


def ld(thing: object) -> str:
    return f'<script type="application/ld+json">{json.dumps(thing)}</script>'


JANE = "jane.doe@editor.test"
AUTHOR = {"@type": "Person", "name": "Jane Doe"}
ARTICLE = {"@context": "https://schema.org", "@type": "Article", "author": AUTHOR}
# What the page that links says, and the contact that it gives: address, name, how.
SHAPES: dict[str, tuple[str, tuple[str, str | None, str]]] = {
    "mailto": (f'<a href="mailto:{JANE}">Write to me</a>', (JANE, None, "mailto")),
    "mailto with a name": (f'<a href="mailto:{JANE}">Jane Doe</a>', (JANE, "Jane Doe", "mailto")),
    "mailto percent-encoded": ('<a href="mailto:jane%2Edoe%40editor.test?subject=Hi">x</a>', (JANE, None, "mailto")),
    "mailto in capitals": ('<a href="MAILTO:jane.doe@editor.test">x</a>', (JANE, None, "mailto")),
    "mailto as entities": ('<a href="&#109;ailto:jane.doe&#64;editor.test">x</a>', (JANE, None, "mailto")),
    "plain text": (f"<p>Questions? {JANE}. Thank you.</p>", (JANE, None, "text")),
    "entities": ("<p>jane.doe&#64;editor&#46;test</p>", (JANE, None, "text")),
    "hex entities": ("<p>jane.doe&#x40;editor&period;test</p>", (JANE, None, "text")),
    "soft hyphens": ("<p>jane.doe@edi&shy;tor.test</p>", (JANE, None, "text")),
    "full-width at": ("<p>jane.doe＠editor.test</p>", (JANE, None, "text")),
    "split by markup": ("<p>jane.doe<span>@</span><b>editor.test</b></p>", (JANE, None, "text")),
    "split by a trap": ('<p>jane.doe<i style="display:none">.x</i>@editor.test</p>', (JANE, None, "text")),
    "square brackets": ("<p>jane.doe [at] editor [dot] test</p>", (JANE, None, "written-out")),
    "round brackets": ("<p>jane.doe(at)editor.test</p>", (JANE, None, "written-out")),
    "upper case": ("<p>jane.doe [AT] editor [DOT] test</p>", (JANE, None, "written-out")),
    "words only": ("<p>Mail jane.doe at editor dot test for more</p>", (JANE, None, "written-out")),
    "German": ("<p>jane.doe (ät) editor (punkt) test</p>", (JANE, None, "written-out")),
    "French": ("<p>jane.doe [arobase] editor [point] test</p>", (JANE, None, "written-out")),
    "Spanish": ("<p>Escribe a jane.doe arroba editor punto test</p>", (JANE, None, "written-out")),
    "Portuguese": ("<p>jane.doe (arroba) editor (ponto) test</p>", (JANE, None, "written-out")),
    "Italian": ("<p>jane.doe chiocciola editor punto test</p>", (JANE, None, "written-out")),
    "JSON-LD author": (ld({**ARTICLE, "author": {**AUTHOR, "email": JANE}}), (JANE, "Jane Doe", "json-ld")),
    "JSON-LD mailto": (ld({**ARTICLE, "author": [{**AUTHOR, "email": f"mailto:{JANE}"}]}), (JANE, "Jane Doe", "json-ld")),
    "JSON-LD graph": (ld({"@graph": [{"x": 1}, {**ARTICLE, "author": {**AUTHOR, "email": JANE}}]}), (JANE, "Jane Doe", "json-ld")),
    "JSON-LD name, text address": (ld(ARTICLE) + f"<p>{JANE}</p>", (JANE, "Jane Doe", "text")),
    "meta author": (f'<meta name="author" content="Jane Doe"><p>{JANE}</p>', (JANE, "Jane Doe", "text")),
    "author elsewhere": (ld(ARTICLE) + "<p>janedoe@mail.test</p>", ("janedoe@mail.test", "Jane Doe", "text")),
    "contactPoint": (
        ld({"@type": "Organization", "contactPoint": {"@type": "ContactPoint", "email": "redaktion@editor.test"}}),
        ("redaktion@editor.test", None, "json-ld"),
    ),
    "own subdomain": ("<p>jane@mail.editor.test</p>", ("jane@mail.editor.test", None, "text")),
    "Cloudflare, a link": (
        '<a href="/cdn-cgi/l/email-protection#5a303b343f743e353f1a3f3e332e3528742e3f292e65292f38303f392e671233">Jane Doe</a>', (JANE, "Jane Doe", "mailto"),
    ),
    "Cloudflare, a text": (
        '<p><a href="/cdn-cgi/l/email-protection" class="__cf_email__" data-cfemail="5a303b343f743e353f1a3f3e332e3528742e3f292e">[email&#160;protected]</a></p>', (JANE, None, "text"),
    ),
    "Cloudflare, a span": ('<p>Mail <span data-cfemail="5A303B343F743E353F1A3F3E332E3528742E3F292E">[email protected]</span>.</p>', (JANE, None, "text")),
    "role in Spanish": ("<p>redaccion@editor.test</p>", ("redaccion@editor.test", None, "text")),
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_in_which_people_write_their_address(at: Desk, shape: str) -> None:
    page, expected = SHAPES[shape]
    at.serve(f"<html><body>{page}</body></html>")
    assert look(at) == [expected]
    [found] = [one for one in row(at).found if one["refused"] is None]
    assert (found["url"], found["verified"]) == (PAGE, True)


TRAPS = {
    "hidden attribute": "<p hidden>trip@editor.test</p>",
    "display none": '<p style="display: none">trip@editor.test</p>',
    "hidden link": '<div style="visibility:hidden"><a href="mailto:trip@editor.test">x</a></div>',
    "off the page": '<div style="position:absolute;left:-9999px"><a href="mailto:trip@editor.test">x</a></div>',
    "no size": '<span style="font-size:0">trip@editor.test</span>',
    "transparent": '<span style="opacity:0">trip@editor.test</span>',
    "class": '<a class="honeypot" href="mailto:trip@editor.test">x</a>',
    "own style sheet": "<style>.q1 { display:none }</style><p class=q1>trip@editor.test</p>",
    "veiled and hidden": '<p hidden><span data-cfemail="5a303b343f743e353f1a3f3e332e3528742e3f292e">x</span></p>',
    "veiled by nobody": '<p><span data-cfemail="5a30"></span><b data-cfemail="zz"></b><i data-cfemail="5a303b343f743e353f1a3f3e332e3528742e3f292"></i></p>',
    "comment": "<!-- trip@editor.test -->",
    "script": "<script>var a = 'trip@editor.test'</script>",
    "template": "<template>trip@editor.test</template>",
    "form field": '<input value="trip@editor.test"><textarea>trip@editor.test</textarea>',
    "image": '<p>logo@2x.png <img src="icon@editor.test.png"></p>',
    "noreply": '<a href="mailto:noreply@editor.test">x</a>',
    "no-reply written out": "<p>no-reply [at] editor.test</p>",
    "spam trap by name": "<p>spamtrap@editor.test jane.nospam@editor.test</p>",
    "data protection officer": "<p>datenschutz@editor.test privacy@editor.test jobs@editor.test</p>",
    "sample": "<p>your.name@example.com, vorname.nachname@editor.test</p>",
    "somebody else's": "<p>Photo by sam@agency.test</p>",
    "job title": "<p>Editor @ editor.test, working at editor.test</p>",
    "version": "<p>npm install thing@1.2.3 and thing@latest</p>",
    "only an author": ld(ARTICLE),
}


@pytest.mark.parametrize("trap", TRAPS)
def test_what_is_not_for_us_is_not_taken(at: Desk, trap: str) -> None:
    at.serve(f"<html><body><p>Hello.</p>{TRAPS[trap]}</body></html>")
    assert look(at) == []


def test_pages_are_read_in_order_and_within_the_budget(at: Desk) -> None:
    nav = '<a href="/ueber-uns">Über uns</a><a href="/impressum/">Impressum</a><a href="/kontakt.html">Kontakt</a>'
    at.serve(
        ld(ARTICLE) + nav + '<a rel="author" href="/autor/jane">Jane Doe</a><a href="http://go.test/contact">x</a>'
    )
    at.serve("<p>Jane schreibt.</p>", "/autor/jane")
    at.serve("<p>redaktion@editor.test</p>", "/kontakt.html")
    at.serve("<p>max@editor.test</p>", "/impressum/")
    at.serve("<p>zoe@editor.test</p>", "/ueber-uns")
    at.set(contact_pages=4)
    assert look(at) == [("max@editor.test", None, "text")]
    assert at.seen() == ["/blog/checklist", "/autor/jane", "/kontakt.html", "/impressum/"]
    assert refusals(at) == {"max@editor.test": None, "redaktion@editor.test": "not-needed"}


def test_the_author_ends_the_search(at: Desk) -> None:
    at.serve(ld(ARTICLE) + '<a rel="author" href="/by/jane">Jane Doe</a><a href="/contact">Contact</a>')
    at.serve(f"<p>{JANE}</p>", "/by/jane")
    at.serve("<p>info@editor.test</p>", "/contact")
    assert look(at) == [(JANE, "Jane Doe", "text")]
    assert at.seen() == ["/blog/checklist", "/by/jane"]
    with at.db.read() as uow:
        [contact] = prospects_repository.contacts_of(uow.session, 1)
        assert (contact.role, contact.source_url, contact.created_by) == (
            "author",
            "http://editor.test/by/jane",
            "contact-search",
        )


@pytest.mark.parametrize(
    ("path", "words"),
    [
        *(("/x", word) for word in ("Contact us", "Kontakt", "Nous contacter", "Contáctenos", "Contatti", "Fale conosco")),
        *(("/x", word) for word in ("Imprint", "Impressum", "Mentions légales", "Aviso legal", "Note legali")),
        *(("/x", word) for word in ("Über uns", "À propos", "Quiénes somos", "Chi siamo", "Quem somos", "Masthead")),
        *((path, "") for path in ("/mentions-legales", "/de/impressum.html", "/contact/", "/quem-somos", "/%C3%BCber-uns")),
    ],
)  # fmt: skip
def test_pages_about_people_are_known_in_six_languages(path: str, words: str) -> None:
    assert page_kind(f"http://editor.test{path}", words) is not None
    assert page_kind("http://editor.test/blog/contact-lenses-2024", "How to choose contact lenses") is None


def test_a_feed_names_the_author(at: Desk) -> None:
    at.serve('<link rel="alternate" type="application/rss+xml" href="/feed"><p>Hello</p>')
    at.serve("<rss><item><author>sam@editor.test (Sam Poe)</author></item></rss>", "/feed", Content_Type="text/xml")
    assert look(at) == [("sam@editor.test", "Sam Poe", "feed")]


def test_an_atom_feed_names_the_author(at: Desk) -> None:
    at.serve('<link rel="alternate" type="application/atom+xml" href="/feed">')
    atom = "<feed><author><name>Sam Poe</name><email>sam@editor.test</email><uri>http://x.test/</uri></author></feed>"
    at.serve(atom, "/feed", Content_Type="application/atom+xml")
    assert look(at) == [("sam@editor.test", "Sam Poe", "feed")]


def test_a_role_is_a_fallback_and_says_so(at: Desk) -> None:
    at.serve('<a href="/contact">Contact</a>')
    at.serve("<p>info@editor.test</p>", "/contact")
    assert look(at) == [("info@editor.test", None, "text")]
    with at.db.read() as uow:
        assert prospects_repository.contacts_of(uow.session, 1)[0].is_role_address


def test_nothing_is_guessed_unless_a_setting_says_so(at: Desk) -> None:
    at.serve(ld(ARTICLE) + '<a href="/about">About</a>')
    at.serve('<a href="mailto:r.roe@agency.test">Rick Roe</a><p>info@editor.test</p>', "/about")
    assert look(at) == [("info@editor.test", None, "text")]
    assert all(one["how"] != "by-pattern" for one in row(at).found)
    at.set(contact_guess=True)
    assert look(at)[0] == (JANE, "Jane Doe", "by-pattern")
    guess = row(at).found[0]
    assert (guess["verified"], guess["url"], guess["how"]) == (False, None, "by-pattern")
    # Seen on a page later, it is no guess any more.
    at.serve(ld(ARTICLE) + f"<p>{JANE}</p>")
    assert look(at)[0] == (JANE, "Jane Doe", "text")


def test_whoever_must_not_be_written_to_is_not_taken(at: Desk) -> None:
    with at.db.work() as uow:
        suppression.suppress(uow, VAULT, JANE, kind=SuppressionKind.ADDRESS, reason="asked", source="form", actor="ana")
    at.serve(f"<p>{JANE}</p>")
    assert look(at) == []
    assert refusals(at)[JANE] == "suppressed"


def test_robots_and_foreign_redirects_are_respected(at: Desk) -> None:
    at.site.routes["/robots.txt"] = lambda handler: handler.give("User-agent: *\nDisallow: /contact\n")
    at.serve('<a href="/contact">Contact</a><a href="/about">About</a>')
    at.serve(f"<p>{JANE}</p>", "/contact")
    at.site.routes["/about"] = redirect("http://old.test/people")
    at.serve(f"<p>{JANE}</p>", "/people")
    assert look(at) == []
    assert "/contact" not in at.seen()
    assert {page["problem"] for page in row(at).pages} >= {"robots", "left-the-site"}


HOSTILE = {
    "deep": "<div>" * 100_000 + "x@editor.test",
    "many at": "@" * 300_000,
    "many brackets": "a [at] " * 50_000,
    "deep JSON": '<script type="application/ld+json">' + "[" * 200_000 + "</script>",
    "wide JSON": ld([{"author": [{"name": "A B"}] * 50}] * 2_000),
    "many classes": f'<style>{".a{display:none}" * 20_000}</style><p class="{"b " * 50_000}">x</p>',
    "long words": "a" * 500_000 + " at " + "b" * 500_000 + " dot com",
    "nulls": "\x00" * 1_000 + "jane\x00@editor.test",
}


@pytest.mark.parametrize("page", HOSTILE)
def test_a_hostile_page_harms_nobody(at: Desk, page: str) -> None:
    at.serve(HOSTILE[page])
    at.serve(f"<p>{JANE}</p>", "/")
    at.set(contact_pages=2)
    assert (JANE, None, "text") in look(at)


def test_header_injection_is_no_address(at: Desk) -> None:
    at.serve('<a href="mailto:jane%0d%0aBcc:x@editor.test">x</a><a href="mailto:%22a%20b%22@editor.test">y</a>')
    assert look(at) == []


def test_it_runs_once_and_finds_the_same_twice(at: Desk, clock: FixedClock) -> None:
    at.serve(f"<p>{JANE}</p>")
    assert look(at) == look(at)
    assert service.find(at, 1) is None
    with at.db.read() as uow:
        assert list(repository.due(uow.session, clock.now())) == []


def test_a_passing_fault_is_tried_again(at: Desk, clock: FixedClock) -> None:
    at.serve("", status=503)
    look(at)
    assert row(at).due_at == clock.now() + timedelta(hours=1)
    clock.advance(timedelta(hours=1))
    at.serve(f"<p>{JANE}</p>")
    assert [one.email for one in service.find(at, 1) or []] == [JANE]
    assert row(at).due_at is None


def test_the_mention_check_asks_for_it_once(at: Desk, dispatcher: RecordingDispatcher) -> None:
    at.serve(f"<p>Nothing of note. {JANE}</p>")
    mentions.check(at, 1)
    assert (Job.CONTACTS_FIND, 1) in dispatcher.rung
    assert [one.email for one in service.find(at, 1) or []] == [JANE]
    with at.db.work() as uow:
        contacts.want_search(uow, 1)
    assert dispatcher.rung.count((Job.CONTACTS_FIND, 1)) == 1


def test_it_is_not_asked_for_where_a_person_is_known_or_it_is_off(at: Desk, dispatcher: RecordingDispatcher) -> None:
    at.serve("<p>Nothing of note.</p>")
    at.set(contact_pages=0)
    mentions.check(at, 1)
    with pytest.raises(Conflict, match="turned off"), at.db.work() as uow:
        service.request(uow, at.settings, 1)
    with at.db.work() as uow:
        a_contact(uow, prospects.get(uow, 1))
        contacts.want_search(uow, 1)
    assert (Job.CONTACTS_FIND, 1) not in dispatcher.rung


def test_names_and_local_parts() -> None:
    for local in ("jane", "doe", "jane.doe", "janedoe", "jdoe", "janed", "doe.jane", "jane_doe7"):
        assert named("Jane Doe", local), local
    assert named("Jörg Groß", "joerg.gross")
    assert not named("Jane Doe", "john.doe")
    assert not surely_named("Jane Doe", "jane")
    assert by_pattern("Jane Doe", "e.test", [("Rick Roe", "rroe@e.test")]) == "jdoe@e.test"
    assert by_pattern("Jane", "e.test", []) is None
    assert read_mailto("mailto:a@b.test,%20c@d.test?cc=e@f.test") == ["a@b.test", "c@d.test"]
    assert [seen.how for seen in read_text("a@b.test and c [at] d.test")] == [How.TEXT, How.WRITTEN_OUT]
