"""Who lives in the sandbox world: our client, its competitors, and the editors with their sites. All names are invented.

Everything else is derived from here: the pages that the sites serve, the mailboxes, the exports of the backlink tools, and
what each editor does when mail comes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

BRAND = "Tidelark"
OUR_DOMAIN = "tidelark.test"
OUR_SITE = f"http://www.{OUR_DOMAIN}"
OUR_MAILBOX = f"mara@{OUR_DOMAIN}"
OUR_NAME = "Mara Finch"

ADD, NOTHING = "adds the link", ""


@dataclass(frozen=True, slots=True)
class OurPage:
    """A linkable page of our client."""

    path: str
    title: str
    topic: str
    summary: str

    @property
    def url(self) -> str:
        """The absolute URL."""
        return OUR_SITE + self.path


TABLES = OurPage(
    "/guides/reading-a-tide-table",
    "How to read a tide table",
    "tide tables",
    "datum, secondary ports and the rule of twelfths, with a worked example for four harbours",
)
DEPTHS = OurPage(
    "/data/harbour-depths",
    "Least depths of 212 small harbours",
    "harbour depths",
    "surveyed least depths of 212 harbours with the date and source of each survey, free to reuse",
)
STREAMS = OurPage(
    "/guides/tidal-streams-for-small-boats",
    "Tidal streams for small boats",
    "tidal streams",
    "planning around a stream of two knots and more, with hourly charts for three estuaries",
)
OUR_PAGES = (TABLES, DEPTHS, STREAMS)


@dataclass(frozen=True, slots=True)
class Competitor:
    """A domain that links are compared with; `page` is what the editors link to."""

    name: str
    domain: str
    page: str
    alive: bool = True

    @property
    def url(self) -> str:
        """The absolute URL of the page that editors link to."""
        return f"http://www.{self.domain}{self.page}"


SALTCLOCK = Competitor("Saltclock", "saltclock.test", "/tables")
MOORBASE = Competitor("Moorbase", "moorbase.test", "/pilotage/depth-list", alive=False)
EBBFINDER = Competitor("Ebbfinder", "ebbfinder.test", "/streams")
COMPETITORS = (SALTCLOCK, MOORBASE, EBBFINDER)


@dataclass(frozen=True, slots=True)
class Turn:
    """What an editor does about one letter: a text to answer (empty: no answer) and something on the site."""

    says: str = ""
    does: str = NOTHING


@dataclass(frozen=True, slots=True)
class Away:
    """A holiday: until `days` after the beginning of the world, mail is answered by a notice only, and is not read later."""

    days: int
    subject: str
    text: str  # {back} is the day of return


@dataclass(frozen=True, slots=True)
class Editor:
    """A person with a site. `turns[n]` is the reaction to the n-th letter; letters beyond are ignored."""

    domain: str
    site: str
    name: str
    mailbox: str
    path: str
    headline: str
    links_to: tuple[Competitor, ...]
    authority: int
    traffic: int
    story: str
    turns: tuple[Turn, ...] = ()
    mention: str = ""
    language: str = "en"
    away: Away | None = None
    refused_at_rcpt: str = ""
    bounce: tuple[str, str] | None = None  # enhanced status, the other server's answer
    greylisted: bool = False
    links_to_us: OurPage | None = None
    known_to_search_console: bool = False
    offers: OurPage = field(default=TABLES)

    @property
    def address(self) -> str:
        """The editor's mail address."""
        return f"{self.mailbox}@{self.domain}"

    @property
    def url(self) -> str:
        """The page that links to competitors or names us."""
        return f"http://{self.domain}{self.path}"


@dataclass(frozen=True, slots=True)
class Noise:
    """A row of the exports that must not become a prospect, with the flaw that it carries."""

    domain: str
    path: str
    title: str
    flaw: str  # spam | lost | weak | nofollow | listing
    authority: float
    traffic: int


EDITORS = (
    Editor(
        "quaysidenotes.test", "Quayside Notes", "Ines Varga", "ines", "/reviews/tide-apps-compared",
        "Five tide apps compared over one season", (SALTCLOCK, EBBFINDER), 61, 14200,
        "names us without a link; adds the link and says so",
        (Turn("Hello Mara,\n\ngood point, the name should have been a link. It is one now.\n\nInes", ADD),),
        mention="In eleven weeks of testing, Tidelark was the only app whose heights at the bar matched our lead line.",
    ),
    Editor(
        "harbourhands.test", "Harbour Hands", "Tom Okoro", "editor", "/2026/planning-a-bar-crossing",
        "Planning a bar crossing", (SALTCLOCK, MOORBASE, EBBFINDER), 57, 5100,
        "names us without a link; adds the link and never answers",
        (Turn("", ADD),),
        mention="We plan the crossing with the hourly stream charts of Tidelark printed on one sheet.",
        offers=STREAMS,
    ),
    Editor(
        "lowtidereview.test", "The Low Tide Review", "Karin Dahl", "karin", "/resources/harbour-data",
        "Harbour data that you can reuse", (MOORBASE, SALTCLOCK), 66, 23900,
        "adds the link after the first follow-up",
        (Turn(), Turn("Hi Mara,\n\nthanks for the reminder. The old depth list is gone indeed; I linked yours.\n\nKarin", ADD)),
        offers=DEPTHS,
    ),
    Editor(
        "bosunbulletin.test", "Bosun's Bulletin", "Piet Kamp", "piet", "/articles/before-you-cast-off",
        "Before you cast off", (SALTCLOCK,), 53, 3300,
        "declines politely",
        (Turn("Dear Mara,\n\nthank you, but we do not add links to published articles.\n\nPiet Kamp"),),
    ),
    Editor(
        "slackwater.test", "Slack Water", "Editorial desk", "desk", "/learn/tides",
        "Tides, explained slowly", (SALTCLOCK, MOORBASE), 58, 8700,
        "never answers",
    ),
    Editor(
        "estuaryeye.test", "Estuary Eye", "Lucia Moreno", "lucia", "/guides/streams",
        "Where the stream turns first", (EBBFINDER, SALTCLOCK), 60, 9900,
        "is on holiday; adds the link when back",
        (Turn("Hello Mara,\n\nback at my desk. A useful page, I added it to the list.\n\nLucia", ADD),),
        away=Away(
            16,
            "Out of office",
            "Thank you for your mail. I am out of the office and will be back on {back}.\n"
            "Mail that arrives before then is not read.",
        ),
        offers=STREAMS,
    ),
    Editor(
        "mooringsweekly.test", "Moorings Weekly", "Ada Lindqvist", "ada", "/2026/visitor-moorings",
        "Visitor moorings worth the detour", (MOORBASE, EBBFINDER), 55, 4200,
        "has a full mailbox",
        bounce=("5.2.2", "552 5.2.2 Mailbox full: quota exceeded for <ada@mooringsweekly.test>"),
        offers=DEPTHS,
    ),
    Editor(
        "keelcompass.test", "Keel & Compass", "Jon Marsh", "jon", "/pilotage/small-harbours",
        "Small harbours of the east coast", (MOORBASE, SALTCLOCK), 63, 17800,
        "has left: the server refuses the address",
        refused_at_rcpt="550 5.1.1 <jon@keelcompass.test>: Recipient address rejected: User unknown",
        offers=DEPTHS,
    ),
    Editor(
        "driftlinemag.test", "Driftline", "Noor Haddad", "noor", "/features/night-passage",
        "A night passage by the numbers", (SALTCLOCK, EBBFINDER), 64, 12100,
        "asks not to be written to again",
        (Turn("Please remove me from your list.\n\nNoor"),),
    ),
    Editor(
        "pilotbook.test", "The Pilot Book", "Advertising", "ads", "/best-tide-tools",
        "The best tide tools", (SALTCLOCK, MOORBASE, EBBFINDER), 59, 7600,
        "wants to be paid",
        (Turn("Hi,\n\nwe can place your link. Our fee is 150 EUR per link, payable in advance by invoice.\n\nThe Pilot Book"),),
    ),
    Editor(
        "ropewalk.test", "Ropewalk", "Femi Adeyemi", "femi", "/tools",
        "Tools that we use on board", (SALTCLOCK, MOORBASE), 56, 6400,
        "links to us already, and Search Console knows it",
        links_to_us=TABLES,
        known_to_search_console=True,
    ),
    Editor(
        "anchorwatch.test", "Anchor Watch", "Sunniva Berg", "sunniva", "/handbook/tides",
        "The watch-keeper's handbook: tides", (SALTCLOCK, EBBFINDER), 62, 10400,
        "links to us already, which no export knows",
        links_to_us=TABLES,
    ),
    Editor(
        "sandbarpost.test", "The Sandbar Post", "Elin Novak", "elin", "/pilotage/reading-list",
        "A reading list for pilotage", (SALTCLOCK, MOORBASE, EBBFINDER), 68, 31500,
        "adds the link, loses it in a redesign, restores it when told",
        (
            Turn("Hello Mara,\n\nhappy to add it, done this morning.\n\nElin", ADD),
            Turn("Hello Mara,\n\nour redesign dropped a whole section, sorry. Your link is back.\n\nElin", ADD),
        ),
    ),
    Editor(
        "kuestenblatt.test", "Küstenblatt", "Jörg Petersen", "joerg", "/ratgeber/gezeiten",
        "Gezeiten verstehen", (SALTCLOCK, MOORBASE), 54, 5800,
        "names us in German; the server greylists; answers in German",
        (Turn("Moin Frau Finch,\n\nvielen Dank für den Hinweis, der Link ist jetzt drin.\n\nGruß\nJörg Petersen", ADD),),
        mention="Für die Nebenhäfen rechnet Tidelark mit den amtlichen Differenzen.",
        language="de",
        greylisted=True,
    ),
)  # fmt: skip

# Found by a newer export after the story has ended: their pitches are left in the queue for whoever looks at the pages.
LATER = (
    Editor(
        "fathomnotes.test", "Fathom Notes", "Greta Holm", "greta", "/2026/ten-tide-tools",
        "Ten tide tools on trial", (SALTCLOCK, EBBFINDER), 65, 16800,
        "names us without a link; adds the link and says so",
        (Turn("Hello Mara,\n\nwith pleasure, the name is a link now.\n\nGreta", ADD),),
        mention="Our skipper keeps Tidelark open beside the chart plotter for the last mile.",
    ),
    Editor(
        "breakwaterblog.test", "Breakwater Blog", "Samir Nasser", "samir", "/harbours/depths-you-can-trust",
        "Harbour depths that you can trust", (SALTCLOCK, MOORBASE), 59, 7100,
        "links to a dead page; replaces it",
        (Turn("Hi Mara,\n\nthanks for the hint about the dead link. Yours is in its place.\n\nSamir", ADD),),
        offers=DEPTHS,
    ),
    Editor(
        "leewardletter.test", "The Leeward Letter", "Oda Brandt", "oda", "/reading/tidal-streams",
        "Reading on tidal streams", (SALTCLOCK,), 52, 2900,
        "never answers",
    ),
)  # fmt: skip
EVERYBODY = EDITORS + LATER

NOISE = (
    Noise("seafarersdirectory.test", "/listing/saltclock", "Saltclock - Seafarers' directory", "listing", 71, 41000),
    Noise("cheaplinks4boats.test", "/p/8841", "best boat links best price", "spam", 52, 1900),
    Noise("gonepier.test", "/blog/tides", "Tides at the old pier", "lost", 58, 3900),
    Noise("tinycreek.test", "/links", "Links", "weak", 4.5, 30),
    Noise("forumofsails.test", "/t/1177", "Which tide app?", "nofollow", 74, 88000),
)


def editor_at(domain: str) -> Editor:
    """The editor whose site is `domain`; KeyError when there is none."""
    return {editor.domain: editor for editor in EVERYBODY}[domain]
