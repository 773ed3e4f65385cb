"""The look for a reason: what is fetched, what it proves, how it reaches the pitch, and when it may not be said any more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pytest
from sqlmodel import select

from app.clock import FixedClock
from app.db.work import Database
from app.domain.angle_evidence import State
from app.domain.mention_verdict import MentionVerdict
from app.domain.pipeline import Stage
from app.errors import BadInput, Conflict, Refused
from app.evidence import repository, service
from app.fetch.memory import MemoryFetcher, page
from app.fetch.ports import NotFetched, Reason
from app.models import AngleEvidence, MentionCheck, Pitch, PitchState, Site
from app.pitches import gates, replacement
from app.pitches import service as pitches
from app.settings import Settings
from tests.support.world import VAULT, a_contact, a_page, a_prospect, a_site

THEIRS = "https://editor.test/blog/checklist"
TARGET = "https://rival.test/guides/onboarding-checklist"
OURS = "https://acme.test/guides/onboarding"
LONG = "<p>" + "Each new customer gets a call in the first week and a mail after it. " * 20 + "</p>"
LINKING = (
    f'<html lang="en"><title>A customer onboarding checklist</title><p>See <a href="{TARGET}">this</a>.</p></html>'
)
RIVAL = (
    '<html lang="en"><title>An onboarding checklist</title><meta property="article:published_time" content="{day}">'
    f"<h1>An onboarding checklist</h1><h2>Before</h2><h2>After</h2>{LONG}</html>"
)
MINE = (
    '<html lang="en"><title>The onboarding guide</title><meta property="article:modified_time" content="2026-05-01">'
    f"<h1>The onboarding guide</h1><h2>Templates for every mail</h2>{LONG}</html>"
)


@dataclass
class Deps:
    """What a look needs, without a network."""

    db: Database
    settings: Settings
    fetcher: MemoryFetcher

    def row(self) -> AngleEvidence:
        with self.db.read() as look:
            found = repository.of_prospect(look.session, 1)
            assert found is not None
            return found

    def drafts(self) -> list[Pitch]:
        with self.db.read() as look:
            return list(look.session.exec(select(Pitch).where(Pitch.state == PitchState.DRAFT)))

    def skips(self, pitch: Pitch) -> list[str]:
        with self.db.read() as look:
            return [skip.reason for skip in gates.gates(look, VAULT, self.settings, pitch)]


@pytest.fixture
def deps(db: Database, settings: Settings, clock: FixedClock) -> Deps:
    with db.work() as uow:
        site = a_site(uow, language="en")
        a_page(uow, site, summary="an onboarding in eight steps", topic="onboarding mail templates")
        prospect = a_prospect(
            uow,
            site,
            stage=Stage.CHECKED_MENTION,
            mention=MentionVerdict.NO_MENTION,
            target=TARGET,
            anchor="onboarding checklist",
            best_page_title="A customer onboarding checklist",
            overlap=2,
        )
        a_contact(uow, prospect)
        uow.session.add(MentionCheck(prospect_id=prospect.id, verdict=MentionVerdict.NO_MENTION, checked_at=uow.now()))
    return Deps(db, settings, MemoryFetcher({THEIRS: LINKING}, clock))


def test_a_dead_page_is_the_reason_of_the_pitch(deps: Deps) -> None:
    deps.fetcher.pages[TARGET] = page(TARGET, status=404)
    pitch = replacement.draft_when_ready(deps, 1)
    assert pitch is not None
    assert (pitch.angle, pitch.reason) == ("resource-replacement", "the page it links to answers 404 (not found)")
    assert f"Chosen because: /blog/checklist links to {TARGET}, which answers 404 (not found)." in pitch.why
    assert "That page answers 404 (not found). Your readers may be glad" in pitch.body_text
    row = deps.row()
    assert (row.linked_state, row.coverage_state) == (State.FACT, None)
    assert [(one["kind"], one["status"]) for one in row.pages] == [("theirs", 200), ("linked", 404)]
    with deps.db.read() as look:
        assert gates.contract(look, pitch)[1] == ()


def test_an_old_page_is_dated_with_its_source(deps: Deps) -> None:
    deps.fetcher.pages |= {TARGET: RIVAL.replace("{day}", "2021-03-04"), OURS: MINE}
    pitch = replacement.draft_when_ready(deps, 1)
    assert pitch is not None
    assert "is dated 4 March 2021 (seen in the meta tag of its publication)" in pitch.why
    assert "That page is dated 4 March 2021.\n" in pitch.body_text
    assert "link is mended" not in pitch.body_text
    with deps.db.read() as look:
        assert gates.contract(look, pitch)[1] == ()


def test_a_section_that_theirs_lacks_is_quoted(deps: Deps) -> None:
    deps.fetcher.pages |= {TARGET: RIVAL.replace("{day}", "2026-03-04"), OURS: MINE.replace("every mail", "surveys")}
    pitch = replacement.draft_when_ready(deps, 1)
    assert pitch is not None
    said = 'That page does not mention "templates", on which ours has a section ("Templates for surveys").'
    assert said in " ".join(pitch.body_text.split())
    with deps.db.read() as look:
        assert gates.contract(look, pitch)[1] == ()


def test_the_date_may_stand_in_their_sitemap(deps: Deps) -> None:
    undated = RIVAL.replace("article:published_time", "x")
    listed = f"<urlset><url><loc>{TARGET}</loc><lastmod>2019-01-01</lastmod></url></urlset>"
    deps.fetcher.pages |= {TARGET: undated, OURS: MINE, "https://rival.test/sitemap.xml": listed}
    with pytest.raises(Refused):
        replacement.prepare(deps, 1, by_hand=False)
    # It can show that a page is new; that it is old it does not prove.
    assert deps.row().linked_state is State.NO_FACT
    assert "https://rival.test/sitemap.xml" in [one["url"] for one in deps.row().pages]


@pytest.mark.parametrize(
    ("pages", "state", "words"),
    [
        ({THEIRS: "<p>The link is gone.</p>"}, State.NO_FACT, "does not link to"),
        ({THEIRS: page(THEIRS, status=403)}, State.UNKNOWN, "could not be read (it answers 403)"),
        ({TARGET: page(TARGET, status=503)}, State.UNKNOWN, "answers us 503"),
        (
            {TARGET: RIVAL.replace("{day}", "2026-03-04"), OURS: page(OURS, status=500)},
            State.UNKNOWN,
            "your own page could not be read",
        ),
    ],
)
def test_without_a_fact_the_machine_drafts_nothing(deps: Deps, pages: dict, state: State, words: str) -> None:
    deps.fetcher.pages |= pages
    assert replacement.draft_when_ready(deps, 1) is None
    assert (deps.row().linked_state, deps.row().linked) == (state, None)
    assert words in deps.row().linked_note
    with deps.db.work() as uow, pytest.raises(Refused) as refused:
        pitches.propose(uow, 1, by_hand=False)
    assert refused.value.skips[0].reason == "no-reason"
    assert words in refused.value.skips[0].sentence
    # Somebody who asks for it gets a draft that says what is known and what is not.
    with deps.db.work() as uow:
        pitch = pitches.propose(uow, 1, actor="ana")
    assert pitch.angle == "coverage-gap"
    assert "links to 2 competitors and not to you" in pitch.why


def test_a_name_that_is_gone_takes_two_looks(deps: Deps, clock: FixedClock) -> None:
    deps.fetcher.pages[TARGET] = NotFetched(TARGET, Reason.DNS, "no address", clock.now())
    assert replacement.draft_when_ready(deps, 1) is None
    first = deps.row()
    assert (first.linked_state, first.dns_unknown_since) == (State.UNKNOWN, clock.now())
    assert replacement.renew(deps, 1) is None  # not due yet
    clock.advance(timedelta(hours=25))
    with deps.db.read() as look:
        assert list(repository.due(look.session, look.now())) == [1]
    pitch = replacement.renew(deps, 1)
    assert pitch is not None
    assert "its domain does not exist any more" in pitch.body_text
    deps.fetcher.pages[TARGET] = RIVAL.replace("{day}", "2026-03-04")
    clock.advance(timedelta(days=14))
    assert replacement.renew(deps, 1) is None
    assert deps.row().dns_unknown_since is None
    assert deps.drafts() == []  # withdrawn with its reason


def coverage_world(deps: Deps, *, about_ours: bool = False) -> None:
    items = "".join(
        f"<item><title>Onboarding lesson {n}</title><link>https://editor.test/blog/lesson-{n}</link>"
        f"<pubDate>{day:02d} May 2026 09:00:00 GMT</pubDate></item>"
        for n, day in enumerate((2, 9, 16, 23))
    )
    pages = "".join(f"<url><loc>https://editor.test/notes/garden-{n}</loc></url>" for n in range(25))
    extra = "<url><loc>https://editor.test/blog/mail-templates-that-work</loc></url>" if about_ours else ""
    deps.fetcher.pages |= {
        TARGET: RIVAL.replace("{day}", "2026-03-04"),
        OURS: MINE.replace("<h2>Templates for every mail</h2>", ""),
        "https://editor.test/": '<html lang="en"><link rel="alternate" type="application/rss+xml" href="/rss"></html>',
        "https://editor.test/rss": page("https://editor.test/rss", f"<rss><channel>{items}</channel></rss>"),
        "https://editor.test/sitemap.xml": page("https://editor.test/sitemap.xml", f"<urlset>{pages}{extra}</urlset>"),
    }


def test_a_gap_in_their_coverage_is_stated_with_counts_and_titles(deps: Deps) -> None:
    coverage_world(deps)
    pitch = replacement.draft_when_ready(deps, 1)
    assert pitch is not None
    assert pitch.angle == "coverage-gap"
    assert "4 of their articles since" in pitch.why
    assert '"Onboarding lesson 3", 23 May 2026' in pitch.why
    assert 'you have published 4 articles with "onboarding" in the title' in pitch.body_text
    assert "I found none that names onboarding mail templates." in pitch.body_text
    with deps.db.read() as look:
        words, broken = gates.contract(look, pitch)
    assert broken == ()
    assert words < 150
    assert len(deps.row().pages) <= deps.settings.evidence_pages
    assert deps.skips(pitch) == ["no-mailbox"]


def test_a_site_that_has_it_already_lacks_nothing(deps: Deps) -> None:
    coverage_world(deps, about_ours=True)
    assert replacement.draft_when_ready(deps, 1) is None
    assert deps.row().coverage_state is State.NO_FACT
    assert "mail-templates-that-work" in deps.row().coverage_note


def test_a_site_whose_lists_cannot_be_read_lacks_nothing_either(deps: Deps) -> None:
    coverage_world(deps)
    deps.fetcher.pages["https://editor.test/sitemap.xml"] = page("https://editor.test/sitemap.xml", status=500)
    assert replacement.draft_when_ready(deps, 1) is None
    assert deps.row().coverage_state is State.UNKNOWN
    assert "only 4 of their pages could be found" in deps.row().coverage_note


def test_the_budget_is_kept(deps: Deps) -> None:
    coverage_world(deps)
    deps.settings = deps.settings.model_copy(update={"evidence_pages": 5})
    replacement.draft_when_ready(deps, 1)
    assert len(deps.fetcher.asked) <= 5
    assert deps.row().coverage_state is State.UNKNOWN
    deps.settings = deps.settings.model_copy(update={"evidence_pages": 0})
    asked = len(deps.fetcher.asked)
    assert service.look(deps, 1) is None
    assert len(deps.fetcher.asked) == asked
    with deps.db.work() as uow, pytest.raises(Conflict):
        service.request(uow, deps.settings, 1)


def test_an_old_reason_is_not_said_and_is_looked_at_again(deps: Deps, clock: FixedClock) -> None:
    deps.fetcher.pages[TARGET] = page(TARGET, status=404)
    pitch = replacement.draft_when_ready(deps, 1)
    assert pitch is not None
    assert deps.skips(pitch) == ["no-mailbox"]
    clock.advance(timedelta(days=14))
    assert deps.skips(pitch) == ["reason-old", "no-mailbox"]
    again = replacement.renew(deps, 1)
    assert again is not None
    assert (again.id, deps.skips(again)) == (pitch.id, ["no-mailbox"])


def test_an_edited_text_is_kept_and_held_back_when_its_reason_is_gone(deps: Deps, clock: FixedClock) -> None:
    deps.fetcher.pages[TARGET] = page(TARGET, status=404)
    pitch = replacement.draft_when_ready(deps, 1)
    assert pitch is not None
    with deps.db.work() as uow:
        pitches.edit(uow, pitch.id, pitch.version, pitch.subject, "Soon?\n\n" + pitch.body_text, actor="ana")
    deps.fetcher.pages[TARGET] = page(TARGET, status=410)
    clock.advance(timedelta(days=14))
    replacement.renew(deps, 1)
    (kept,) = deps.drafts()
    assert "404" in kept.body_text
    assert "reason-changed" in deps.skips(kept)


def test_another_page_of_ours_takes_the_comparison_with_it(deps: Deps) -> None:
    deps.fetcher.pages |= {TARGET: RIVAL.replace("{day}", "2021-03-04"), OURS: MINE}
    pitch = replacement.draft_when_ready(deps, 1)
    assert pitch is not None
    with deps.db.work() as uow:
        other = a_page(uow, uow.session.get_one(Site, 1), url="https://acme.test/guides/surveys", title="Surveys")
        with pytest.raises(BadInput):
            pitches.choose(uow, pitch.id, pitch.version, actor="ana", page_id=other.id)


def test_two_workers_look_once(deps: Deps) -> None:
    deps.fetcher.pages[TARGET] = page(TARGET, status=404)
    with deps.db.work() as uow:
        service.request(uow, deps.settings, 1)
    assert service.look_if_due(deps, 1) is not None
    assert service.look_if_due(deps, 1) is None
