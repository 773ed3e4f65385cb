"""What two pages, or a whole site, prove: one fact, none, or "could not check", and never a guess."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from app.domain.angle_coverage import LEAST_LOOKED, Article, cover, topic_of
from app.domain.angle_evidence import DateSource, Look, Outline, SeenDate, State, compare, meets
from app.domain.angles import LinkedFault
from app.domain.missing_page import says_missing
from app.topics import subject_words

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
URL = "https://rival.example/guides/link-audit"
ABOUT = ("How to audit your links", "disavow files")
LONG = "Every quarter somebody on the team opens the list of links and reads it from the top to the bottom. " * 15


def seen(day: str, source: DateSource = DateSource.SCHEMA_MODIFIED) -> SeenDate:
    return SeenDate(date.fromisoformat(day), source)


THEIRS = Outline(
    "A guide to the link audit",
    "en",
    ("A guide to the link audit", "What you need", "Reading the list", "What to do next"),
    LONG,
    (seen("2025-11-01"),),
)
FRONT = Outline(
    "Rival: shoes for everybody", "en", ("Our summer offers",), "Shoes for the beach and for the hills. " * 20
)
OURS = Outline(
    "How to audit your links",
    "en",
    ("How to audit your links", "Reading the list", "Writing a disavow file"),
    LONG + "A disavow file is written like this.",
    (seen("2026-05-01"),),
)


def page(outline: Outline | None = THEIRS, **changes) -> Look:
    return replace(Look(URL, 200, final_url=URL, outline=outline), **changes)


def against(theirs: Look, ours: Outline | None = OURS, **more):
    mine = Look("https://acme.example/audit", 200, final_url="https://acme.example/audit", outline=ours)
    return compare(theirs, mine if ours else None, *ABOUT, subject_words, now=NOW, **more)


@pytest.mark.parametrize(
    ("theirs", "fault"),
    [
        (page(None, status=404), LinkedFault.DEAD),
        (page(None, status=410), LinkedFault.DEAD),
        (page(FRONT, moved=True, final_url="https://rival.example/"), LinkedFault.REDIRECTED),
        (page(FRONT, moved=True, final_url="https://other.example/index.html"), LinkedFault.REDIRECTED),
        (page(replace(FRONT, lang=""), moved=True, final_url="https://rival.example/"), LinkedFault.REDIRECTED),
        (page(Outline("Oops", "en", ("Page not found",), "Page not found. Go home.")), LinkedFault.SAYS_GONE),
        (page(Outline("404 Not Found - Rival", "de", (), "Leider nichts.")), LinkedFault.SAYS_GONE),
        (page(Outline("Rival", "en", ("404", "Sorry, this page couldn’t be found."), "")), LinkedFault.SAYS_GONE),
        (page(Outline("Page not found – Rival", "en", ("Rival",), "Search")), LinkedFault.SAYS_GONE),
        (page(Outline("Rival", "de", ("Die gesuchte Seite wurde nicht gefunden",), "")), LinkedFault.SAYS_GONE),
        (
            page(
                Outline("Our summer offers", "en", ("Shoes",), LONG), moved=True, final_url="https://rival.example/sale"
            ),
            LinkedFault.OFF_TOPIC,
        ),
        (page(replace(THEIRS, dates=(seen("2023-01-05"),))), LinkedFault.OLDER),
        (page(), LinkedFault.LACKS),
    ],
)
def test_a_fact(theirs, fault):
    found = against(theirs)
    assert (found.state, found.fact.fault) == (State.FACT, fault)
    assert found.fact.page == URL


@pytest.mark.parametrize(
    "theirs",
    [
        page(None, status=403),
        page(None, status=503),
        page(None, status=None, problem="timeout"),
        page(None, status=None, problem="robots"),
        page(None),
        page(replace(THEIRS, whole=False)),
        # Nothing is known of what stands behind a wall, nor of what could not be parsed.
        page(replace(FRONT, whole=False), moved=True, final_url="https://rival.example/"),
        page(None, moved=True, final_url="https://rival.example/"),
        page(replace(THEIRS, whole=False, dates=(seen("2013-01-05"),))),
    ],
)
def test_what_could_not_be_read_proves_nothing(theirs):
    found = against(theirs)
    assert (found.state, found.fact) == (State.UNKNOWN, None)
    assert found.sentence


def test_a_name_is_gone_only_when_two_looks_a_day_apart_say_so():
    lost = page(None, status=None, problem="dns")
    first = against(lost)
    assert (first.state, first.dns_gone) == (State.UNKNOWN, True)
    assert against(lost, dns_unknown_since=NOW - timedelta(hours=23)).state is State.UNKNOWN
    second = against(lost, dns_unknown_since=NOW - timedelta(hours=25))
    assert (second.state, second.fact.fault, second.fact.on) == (State.FACT, LinkedFault.NO_HOST, date(2026, 5, 31))


def test_a_name_that_a_redirect_leads_to_is_another_one():
    lost = page(None, status=None, problem="dns", moved=True)
    found = against(lost, dns_unknown_since=NOW - timedelta(hours=25))
    assert (found.state, found.fact, found.dns_gone) == (State.UNKNOWN, None, False)


def test_a_redirect_to_the_same_subject_is_no_fault():
    moved = page(replace(THEIRS, dates=()), moved=True, final_url="https://rival.example/new/link-audit-2026")
    assert against(moved, replace(OURS, headings=())).state is State.NO_FACT


@pytest.mark.parametrize(
    "way", ["?ref=blog", "?utm_source=x", "index.htm", "home", "en/", "de-at/", "default.aspx", "en-us/home.html"]
)
def test_a_homepage_that_leads_to_the_homepage_is_no_fault(way):
    url = f"https://rival.example/{way}"
    found = against(Look(url, 200, final_url="https://rival.example/", outline=THEIRS, moved=True))
    assert found.fact is None or found.fact.fault is not LinkedFault.REDIRECTED
    inner = against(page(THEIRS, moved=True, final_url="https://rival.example/"))
    assert inner.fact.fault is LinkedFault.REDIRECTED


@pytest.mark.parametrize(
    ("asked", "reached", "home"),
    [
        ("blog", "https://blog.rival.example/", FRONT),
        ("guides/link-audit", "https://app.rival.example/", FRONT),
        ("guides/link-audit", "https://rival.example/", replace(FRONT, text="Audits of your links, done by us.")),
        ("guides/link-audit", "https://rival.example/", replace(FRONT, lang="", text="Your link audit")),
        # The front page of a new name, on our subject.
        ("product", "https://new.example/", replace(FRONT, title="New: audit your links")),
    ],
)
def test_a_homepage_that_may_be_the_new_place_is_no_fault(asked, reached, home):
    found = against(Look(f"https://rival.example/{asked}", 200, final_url=reached, outline=home, moved=True))
    assert (found.state, found.fact) == (State.NO_FACT, None)


def test_a_page_on_our_subject_on_another_host_is_not_off_topic():
    asked = "https://rival.example/product/siterank"
    moved = Look(asked, 200, final_url="https://new.example/x", outline=replace(FRONT, dates=()), moved=True)
    assert against(moved).fact.fault is LinkedFault.OFF_TOPIC
    ours = replace(FRONT, title="New: audit your links")
    assert against(replace(moved, outline=ours), replace(OURS, headings=())).fact is None


def test_an_error_heading_on_a_long_page_is_a_subject():
    about_errors = Outline("How to mend a 404 in a link audit", "en", ("404 and other errors",), LONG)
    assert against(page(about_errors), replace(OURS, headings=())).state is State.NO_FACT


@pytest.mark.parametrize(
    ("title", "heading"),
    [
        ("Peugeot 404", "Peugeot 404"),
        ("404 - Peugeot", "404"),
        ("HTTP 404 explained", "HTTP 404 explained"),
        ("Room 404 Gallery", "Room 404 Gallery"),
        ("Command not found: how to fix it", "Command not found: how to fix it"),
        ("Flash is no longer available", "Flash is no longer available"),
        ("Contact", "Extension 404 - Contact sales"),
        ("Link audits | Page 404", "Link audits"),
        ("Page not found - Rival", "The link audit"),
        ("Die Diagnose: Ursache nicht mehr verfügbar", "Die Diagnose: Ursache nicht mehr verfügbar"),
        ("Page found", "Page found"),
    ],
)
def test_a_short_page_that_only_speaks_of_errors_is_there(title, heading):
    found = against(page(Outline(title, "en", (heading,), "Opening hours: 10 to 18.")))
    assert found.fact is None, found.sentence


def test_an_error_is_a_subject_where_the_address_or_our_page_has_its_words():
    gone = Outline("Page not found", "en", ("Page not found",), "It means that the server has none.")
    assert says_missing(URL, gone.title, gone.headings, ABOUT) == "Page not found"
    assert says_missing("https://rival.example/http/page-not-found", gone.title, gone.headings) is None
    assert says_missing("https://rival.example/status?code=404", gone.title, gone.headings) is None
    assert says_missing(URL, gone.title, gone.headings, ("How to mend a 404", None)) is None


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ((), (seen("2026-05-01"),)),
        ((seen("2023-01-05"),), ()),
        # One newer date anywhere, and it is not old.
        ((seen("2023-01-05"), seen("2025-12-01", DateSource.HEADER)), (seen("2026-05-01"),)),
        ((seen("2023-01-05"), seen("2025-12-01", DateSource.TIME)), (seen("2026-05-01"),)),
        # A deployment dates everything anew, and some servers date nothing: alone it proves no age.
        ((seen("2019-01-05", DateSource.HEADER),), (seen("2026-05-01"),)),
        ((seen("2019-01-05", DateSource.SITEMAP),), (seen("2026-05-01"),)),
        # Ours is not newer, or only a list beside it is.
        ((seen("2023-01-05"),), (seen("2023-06-01"),)),
        ((seen("2023-01-05"),), (seen("2026-05-01", DateSource.TIME),)),
        # Not two years old; in the future.
        ((seen("2024-06-15"),), (seen("2026-05-01"),)),
        ((seen("2031-01-05"),), (seen("2026-05-01"),)),
    ],
)
def test_what_is_not_old(theirs, ours):
    found = against(page(replace(THEIRS, dates=theirs)), replace(OURS, headings=(), dates=ours))
    assert found.state is State.NO_FACT


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (DateSource.SCHEMA_MODIFIED, "updated"),
        (DateSource.META_PUBLISHED, "dated"),
        (DateSource.TIME, "newest"),
    ],
)
def test_an_old_page_says_what_its_date_is(source, says):
    fact = against(page(replace(THEIRS, dates=(seen("2023-01-05", source),)))).fact
    assert (fact.on, fact.source, fact.says, fact.needs_our_page) == (date(2023, 1, 5), source.value, says, True)


def test_a_section_is_lacking_only_when_none_of_its_words_stands_there():
    assert against(page()).fact.heading == "Writing a disavow file"
    spoken = replace(THEIRS, text=THEIRS.text + " Some also upload a file to disavow links.")
    assert against(page(spoken)).state is State.NO_FACT


@pytest.mark.parametrize(
    ("theirs", "ours", "state"),
    [
        ({"lang": ""}, {}, State.UNKNOWN),
        ({"lang": "de"}, {}, State.UNKNOWN),
        ({"lang": "en-GB"}, {"lang": "en-US"}, State.FACT),
        ({"headings": ("A guide to the link audit",)}, {}, State.NO_FACT),
        ({"text": "Short."}, {}, State.NO_FACT),
        ({}, {"whole": False}, State.UNKNOWN),
        ({"title": "Garden chairs", "headings": ("Oak", "Teak", "Pine")}, {}, State.NO_FACT),
    ],
)
def test_when_sections_are_compared(theirs, ours, state):
    assert against(page(replace(THEIRS, **theirs)), replace(OURS, **ours)).state is state


def test_without_our_page_there_is_no_comparison():
    assert against(page(), None).state is State.UNKNOWN
    assert against(page(None, status=404), None).state is State.FACT


TOPIC = topic_of("How to audit your links", "disavow files", ["Link audits for beginners"], "en", subject_words)


def articles(count: int = 5, others: int = 30, newest: str = "2026-05-20") -> list[Article]:
    last = date.fromisoformat(newest)
    on = [
        Article(f"https://them.example/a{n}", f"Audit number {n}", last - timedelta(days=20 * n), DateSource.FEED)
        for n in range(count)
    ]
    return [*on, *(Article(f"https://them.example/garden/{n}", f"Garden note {n}") for n in range(others))]


def covered(found: list[Article], topic=TOPIC, same: bool | None = True):
    return cover(found, topic, subject_words, one_language=same, today=NOW.date())


def test_a_topic_is_what_is_shared_and_what_we_add():
    assert TOPIC.shared == {"link", "audit"}
    assert TOPIC.ours == {"disavow", "file"}
    assert topic_of("How to audit your links", "disavow files", ["Garden chairs"], "en", subject_words) is None
    assert topic_of("Link audits", None, ["Link audits for beginners"], "en", subject_words) is None


def test_a_site_that_covers_the_topic_and_lacks_ours():
    found = covered(articles())
    assert found.state is State.FACT
    fact = found.fact
    assert (fact.word, fact.count, fact.looked, fact.missing) == ("audit", 5, 35, "disavow files")
    assert [one.title for one in fact.articles][:2] == ["Audit number 0", "Audit number 1"]
    assert fact.since == date(2025, 6, 1)


@pytest.mark.parametrize(
    ("found", "state"),
    [
        (articles(2), State.NO_FACT),
        (articles(newest="2024-05-20"), State.NO_FACT),
        ([*articles(), Article("https://them.example/disavow-file-how-to")], State.NO_FACT),
        ([*articles(), Article("https://them.example/x", "Why I never disavow")], State.NO_FACT),
        (articles(others=LEAST_LOOKED - 6), State.UNKNOWN),
        # Dates of changes are no dates of publication.
        ([replace(one, source=DateSource.SITEMAP if one.on else None) for one in articles()], State.NO_FACT),
        # One page, told of five times, is one page.
        ([replace(articles()[0], url="http://www.them.example/a0/") for _ in range(5)] + articles(0), State.NO_FACT),
    ],
)
def test_what_is_no_proof_of_a_gap(found, state):
    result = covered(found)
    assert (result.state, result.fact) == (state, None)
    assert result.sentence


def again(*urls: str, **changes) -> list[Article]:
    first = replace(articles()[0], **changes)
    return [first, *(replace(first, url=url) for url in urls), *articles(0)]


@pytest.mark.parametrize(
    "found",
    [
        again("https://them.example/a0/amp", "https://them.example/a0?amp=1", "https://them.example/amp/a0"),
        again("https://amp.them.example/a0", "https://m.them.example/a0"),
        again("https://them.example/en/a0", "https://them.example/pt-br/a0", "https://de.them.example/a0"),
        # One title of one day.
        again("https://them.example/news/a0", "https://them.example/?p=4711"),
        # Comments, posts to fill, and what is for sale.
        [replace(one, title=f"By: Bob on {one.title}") for one in articles()] + articles(0),
        [replace(one, title=f"Kommentar zu {one.title}") for one in articles()] + articles(0),
        [replace(one, url=f"{one.url}#comment-7") for one in articles()] + articles(0),
        [replace(one, url=one.url.replace("/a", "/jobs/a")) for one in articles()] + articles(0),
        [replace(one, title=f"{one.title} (m/w/d)") for one in articles()] + articles(0),
        [replace(one, url=one.url.replace("/a", "/products/a")) for one in articles()] + articles(0),
    ],
)
def test_an_article_is_counted_once_and_only_articles_are(found):
    assert (covered(found).state, covered(found).fact) == (State.NO_FACT, None)


def test_three_articles_beside_their_variants_are_three():
    found = articles(3)
    variants = [replace(one, url=f"{one.url}/amp") for one in found]
    assert covered([*found, *variants, *articles(0)]).fact.count == 3


@pytest.mark.parametrize(
    ("topic", "page", "state"),
    [
        ("customer relationship management migration", "CRM data migration in 5 steps", State.NO_FACT),
        ("customer relationship management migration", "How we left our CRM", State.NO_FACT),
        ("customer relationship management migration", "Customer data for beginners", State.FACT),
        ("GDPR forms", "The General Data Protection Regulation", State.NO_FACT),
        ("disavow files for large shops", "Our file of bad hosts", State.NO_FACT),
        ("data management", "Customer data for beginners", State.NO_FACT),
    ],
)
def test_one_word_that_tells_our_topic_is_enough(topic, page, state):
    ours = topic_of("How to audit your links", topic, ["Link audits for beginners"], "en", subject_words)
    found = covered([*articles(), Article("https://them.example/x", page)], ours)
    assert found.state is state, found.sentence


def test_an_acronym_that_both_sides_write_is_the_shared_topic():
    ours = topic_of("CRM audits", "customer relationship management audits", ["CRM for you"], "en", subject_words)
    found = [replace(one, title=f"CRM note {n}") for n, one in enumerate(articles(3))]
    assert covered([*found, *articles(0)], ours).fact.word == "crm"


def test_another_language_lacks_nothing():
    assert covered(articles(), same=None).state is State.UNKNOWN
    assert covered(articles(), same=False).state is State.UNKNOWN
    assert covered(articles(), None).state is State.NO_FACT


def body(*sentences: str) -> str:
    return " ".join(sentences) + " " + "Und so geht das jedes Jahr weiter, bis alle zufrieden sind. " * 25


def outline(title: str, lang: str, *headings: str, day: str = "2026-01-05", text: str = "") -> Outline:
    return Outline(title, lang, (title, *headings), body(text), (seen(day),))


def beside(theirs: Outline, ours: Outline, topic: str | None = None):
    mine = Look("https://acme.example/x", 200, final_url="https://acme.example/x", outline=ours)
    return compare(Look(URL, 200, final_url=URL, outline=theirs), mine, ours.title, topic, subject_words, now=NOW)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (("Die Steuer und der Verein", "de"), ("Der Kompost und der Garten", "de")),
        (("Le vélo et la ville", "fr"), ("Le pain et la cuisine pour tous", "fr")),
        (("El perro y la casa", "es"), ("El vino y la mesa", "es")),
        (("De fiets en het weer", "nl"), ("De kaas en het brood", "nl")),
        (("7 ways to prune roses this year", "en"), ("10 ways to reuse coffee grounds this year", "en")),
        (("5 Fehler beim Umzug", "de"), ("7 Fehler beim Brotbacken für Anfänger", "de")),
        (("I passi per aprire un conto", "it"), ("I passi per coltivare pomodori", "it")),
        (("7 erros no currículo", "pt"), ("5 erros na horta", "pt")),
        (("Jak wybrać rower", "pl"), ("Jak wybrać namiot", "pl")),
        (("Как выбрать велосипед", "ru"), ("Как выбрать палатку", "ru")),
    ],
)
def test_small_words_are_no_subject(theirs, ours):
    found = beside(outline(*theirs, day="2020-01-05"), outline(*ours, day="2026-05-01"))
    assert (found.state, found.fact) == (State.NO_FACT, None), found.sentence


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (("Kompost anlegen", "de"), ("Kompostieren auf dem Balkon", "de")),
        (("Faire son compost", "fr"), ("Le compost sur un balcon", "fr")),
        (("Pruning roses", "en"), ("How to prune roses", "en")),
        (("Cómo podar rosales", "es"), ("La poda de los rosales", "es")),
        (("Gartenkompost", "de"), ("Kompost", "de")),
    ],
)
def test_one_subject_in_other_forms(theirs, ours):
    found = beside(outline(*theirs, day="2020-01-05"), outline(*ours, day="2026-05-01"))
    assert found.fact.fault is LinkedFault.OLDER, found.sentence


@pytest.mark.parametrize(
    ("lang", "title", "topic", "section", "theirs"),
    [
        ("de", "Kompost", "Kompost mit Würmern züchten", "Würmer züchten", "Wurmzucht"),
        ("de", "Kompost", "Bodenproben auswerten", "Bodenproben auswerten", "Die Auswertung der Bodenprobe"),
        ("en", "Compost", "compost troubleshooting", "Fermenting kitchen scraps", "Fermentation of scraps"),
        ("fr", "Le compost", "compost et arrosage", "Arroser régulièrement", "L'arrosage régulier"),
        ("es", "El compost", "compost y lombrices", "Criar lombrices rojas", "La lombricultura"),
        ("nl", "Compost", "compost en wormenbakken", "Wormenbakken bouwen", "Een wormenbak"),
    ],
)
def test_a_section_in_other_forms_is_there(lang, title, topic, section, theirs):
    found = beside(
        outline(title, lang, theirs, "A", "B", text=theirs), outline(title, lang, section, day="2026-05-01"), topic
    )
    assert found.fact is None, found.sentence


def test_a_section_beside_our_topic_is_a_hint_for_a_reader():
    theirs = outline("Compost for everybody", "en", "Bad odours and how to get rid of them", "A", "B")
    ours = outline("A compost guide", "en", "Troubleshooting smells", day="2026-05-01")
    found = beside(theirs, ours, "compost for small gardens")
    assert (found.state, found.fact) == (State.NO_FACT, None)
    assert "Troubleshooting smells" in found.sentence
    assert beside(theirs, ours, "compost without smells").fact.word == "smells"


def test_an_address_in_another_form_is_the_same_subject():
    reached = outline("Kompostierung leicht gemacht", "de", "Womit man beginnt")
    at = Look(
        "https://rival.example/kompost-anlegen", 200, final_url="https://rival.example/x", moved=True, outline=reached
    )
    mine = Look("https://acme.example/x", 200, final_url="https://acme.example/x", outline=OURS)
    for page, off in ((at, False), (replace(at, outline=outline("Unsere Angebote", "de", "Schuhe")), True)):
        fact = compare(page, mine, *ABOUT, subject_words, now=NOW).fact
        assert (fact is not None and fact.fault is LinkedFault.OFF_TOPIC) is off


def titled(titles: list[str]) -> list[Article]:
    day = date(2026, 5, 20)
    return [
        Article(f"https://them.example/{n}", title, day - timedelta(days=3 * n), DateSource.FEED)
        for n, title in enumerate(titles)
    ]


@pytest.mark.parametrize(
    ("lang", "title", "topic", "theirs", "pattern"),
    [
        ("de", "Kompost auf dem Balkon", None, "Die besten Tipps für den Kompost auf der Terrasse", "{n} Rezepte für den Herbst"),
        ("es", "Compost para balcones", None, "Compost para todos", "{n} recetas para el otoño"),
        ("fr", "Le compost pour les balcons", None, "Compost pour tous", "{n} recettes pour les fêtes"),
        ("en", "10 ways to reuse coffee grounds", None, "12 ways to reuse old jars", "{n} ways to save money"),
        ("en", "10 ideas for coffee grounds", "coffee grounds", "7 ideas for coffee lovers", "{n} ideas for the weekend"),
        ("de", "7 Fehler beim Kompost", None, "5 Fehler beim Mulchen", "{n} Fehler, die jeder macht"),
        ("pt", "Horta para varandas", None, "Ideias para a horta", "{n} ideias para o inverno"),
        ("it", "Il compost per il balcone", None, "Guida al compost per tutti", "{n} ricette per la festa"),
    ],
)  # fmt: skip
def test_small_words_are_not_counted(lang, title, topic, theirs, pattern):
    shared = topic_of(title, topic, [theirs], lang, subject_words)
    found = cover(
        titled([pattern.format(n=n) for n in range(24)]), shared, subject_words, one_language=True, today=NOW.date()
    )
    assert (found.state, found.fact) == (State.NO_FACT, None), found.sentence


def test_a_word_is_counted_as_it_is_said():
    shared = topic_of("Würmer im Kompost", None, ["Kompost für Einsteiger"], "de", subject_words)
    titles = [
        "Kompost im Mai",
        "Der Kompost und das Laub",
        "Unser Komposthaufen",
        "Kompostieren im Winter",
        "Kompost-Tipps",
        *["Rosen"] * 20,
    ]
    fact = cover(titled(titles), shared, subject_words, one_language=True, today=NOW.date()).fact
    assert (fact.word, fact.count, fact.missing) == ("kompost", 3, "Würmer im Kompost")
    has = [*titles, "Wurmkompost: was die Tiere brauchen"]
    assert cover(titled(has), shared, subject_words, one_language=True, today=NOW.date()).fact is None


@pytest.mark.parametrize(
    ("lang", "title", "theirs", "said", "inside", "word"),
    [
        ("en", "Art for bats", "Art for all", ["Art in June", "Modern art", "Art_2024: a list"], "How to start", "art"),
        ("de", "Ton für Fledermäuse", "Ton für alle", ["Ton im Juni", "Guter Ton", "Ton-Regeln"], "Beton im Juni", "ton"),
        ("fr", "L'ail des chauves-souris", "De l'ail", ["L’ail en juin", "L'ail noir", "Ail"], "Travail en juin", "ail"),
        ("es", "SEO para murciélagos", "SEO para todos", ["SEO en junio", "¿SEO?", "SEO/GEO"], "El museo", "seo"),
        ("pt", "Balcão para morcegos", "Balcão vivo", ["Balca\u0303o", "«Balcão»", "Balcão: maio"], "Balcãozinho", "balcão"),
        ("it", "Arte per pipistrelli", "Arte per tutti", ["L'arte", "Arte nera", "ARTE"], "Le carte", "arte"),
        ("nl", "Gras voor vleermuizen", "Gras voor ons", ["Gras in juni", "Hoog gras", "GRAS!"], "Grasmaaier", "gras"),
    ],
)  # fmt: skip
def test_a_word_inside_of_another_is_not_counted(lang, title, theirs, said, inside, word):
    shared = topic_of(title, None, [theirs], lang, subject_words)
    others = [f"{inside} {n}" for n in range(LEAST_LOOKED)]
    fact = cover(titled([*said, *others]), shared, subject_words, one_language=True, today=NOW.date()).fact
    assert (fact.word, fact.count) == (word, 3)


def test_scripts_without_spaces_and_unknown_languages_say_nothing():
    assert subject_words("堆肥の作り方を学ぶ", "ja") == {}
    assert topic_of("Kompost im Mai", None, ["Kompost"], None, subject_words) is None
    assert meets("wurm", ["wurmkompost"])
    assert not meets("rose", ["wurmkompost"])
