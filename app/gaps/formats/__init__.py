"""The formats of exports as data, one file for each tool. A new one is one more `Profile` there, its name in PROFILES here, and
a test that writes such a file byte by byte."""

from __future__ import annotations

from collections.abc import Mapping

from app.gaps.formats.ahrefs import (
    AHREFS_BACKLINKS,
    AHREFS_BROKEN,
    AHREFS_INTERSECT_DOMAINS,
    AHREFS_INTERSECT_PAGES,
    AHREFS_REFDOMAINS,
)
from app.gaps.formats.any_tool import GENERIC, GENERIC_TITLE, INTERSECT
from app.gaps.formats.majestic import MAJESTIC_API, MAJESTIC_BACKLINKS
from app.gaps.formats.moz import MOZ_DOMAINS, MOZ_LINKS
from app.gaps.formats.own import PULLED, WEB_GRAPH
from app.gaps.formats.se_ranking import SE_RANKING, SE_RANKING_PROJECT
from app.gaps.formats.search_console import SEARCH_CONSOLE_LINKS, SEARCH_CONSOLE_SAMPLE, SEARCH_CONSOLE_SITES
from app.gaps.formats.semrush import SEMRUSH_AUDIT, SEMRUSH_BACKLINKS, SEMRUSH_GAP, SEMRUSH_REFDOMAINS
from app.gaps.profiles import Profile

PROFILES: Mapping[str, Profile] = {
    profile.name: profile
    for profile in (
        AHREFS_BACKLINKS,
        AHREFS_BROKEN,
        AHREFS_REFDOMAINS,
        AHREFS_INTERSECT_PAGES,
        AHREFS_INTERSECT_DOMAINS,
        SEMRUSH_BACKLINKS,
        SEMRUSH_REFDOMAINS,
        SEMRUSH_GAP,
        SEMRUSH_AUDIT,
        MOZ_LINKS,
        MOZ_DOMAINS,
        MAJESTIC_BACKLINKS,
        MAJESTIC_API,
        SE_RANKING,
        SE_RANKING_PROJECT,
        INTERSECT,
        SEARCH_CONSOLE_SITES,
        SEARCH_CONSOLE_LINKS,
        SEARCH_CONSOLE_SAMPLE,
        WEB_GRAPH,
        *PULLED,
    )
}

#: The formats that show a sample of the links, and those that do not say which ones they show.
SAMPLES = frozenset(name for name, profile in PROFILES.items() if profile.sample)
FILTERED = frozenset(name for name, profile in PROFILES.items() if profile.filtered)
#: The formats of which one file is the list, and another one of its day no part of it.
WHOLE = frozenset(name for name, profile in PROFILES.items() if profile.whole)
#: What is missing in a list of these formats proves nothing.
PARTIAL = SAMPLES | FILTERED

#: What `--format` accepts, with what each is called.
TITLES: Mapping[str, str] = {**{name: profile.title for name, profile in PROFILES.items()}, GENERIC: GENERIC_TITLE}
FORMAT_NAMES = tuple(TITLES)
