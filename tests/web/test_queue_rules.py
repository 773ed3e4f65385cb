"""The queue by HTTP, where no browser is needed: its order, its gates, the words it takes, and the morning a snooze ends."""

from __future__ import annotations

import html
import random
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from app.clock import FixedClock
from app.domain.mention_verdict import MentionVerdict
from app.domain.pipeline import Stage
from app.models import (
    Conversation,
    ConversationState,
    Mailbox,
    Outbound,
    Pitch,
    Prospect,
    Role,
    SuppressionKind,
    Triage,
)
from app.pitches import service as pitches
from app.prospects import service as prospects
from app.prospects import suppression
from app.reports.prospects import queue
from app.settings import Settings
from tests.support.desk import DOMAINS, furnish
from tests.support.http import House
from tests.support.world import a_site
from tests.web.test_pages import draft_form, post


def waiting(house: House) -> int:
    with house.db.read() as uow:
        rows = select(func.count()).select_from(Outbound).where(Outbound.state == "QUEUED")
        return int(uow.session.execute(rows).scalar_one())


# --- Where Start begins. ---


def test_start_opens_a_reply_then_a_woken_snooze_then_what_is_new(house: House, clock: FixedClock) -> None:
    ids = furnish(house, more=6)
    browser, other = house.browser(Role.OUTREACH), house.browser(Role.LEAD)

    def begin(who: Any = browser, **lane: str) -> str:
        return str(post(who, "/queue/start", **lane).headers["location"])

    with house.db.work() as uow:
        for domain, hour in ((DOMAINS[2], 5), (DOMAINS[1], 8)):
            uow.session.get_one(Prospect, ids[domain]).snoozed_until = clock.now().replace(hour=hour)
        uow.session.get_one(Prospect, ids[DOMAINS[4]]).snoozed_until = clock.now() + timedelta(days=1)
    # Nobody has said yet what the second message wants: that is due before the answer to the first.
    assert begin() == "/inbox/2"
    assert begin(tier="1") == f"/queue/{ids[DOMAINS[0]]}?tier=1", "whoever names a lane gets that lane"
    with house.db.work() as uow:
        uow.session.execute(update(Triage).values(waits=False))
    assert begin() == f"/queue/{ids[DOMAINS[1]]}", "of two that woke the better one"
    assert begin(other) == f"/queue/{ids[DOMAINS[2]]}", "the first is held by a colleague"
    with house.db.work() as uow:
        uow.session.execute(update(Prospect).where(Prospect.snoozed_until <= clock.now()).values(snoozed_until=None))
    fresh = begin()
    assert fresh == f"/queue/{ids[DOMAINS[0]]}", "the best new one; what still sleeps is not woken"


# --- The order. ---


def beaten(one: dict[str, Any]) -> tuple[Any, ...]:
    """The rule in words, told anew: gate, tier, unlinked mention, chance, share, dofollow, fit, authority, first seen, number."""
    follows = {True: 0, None: 1, False: 2}[one["dofollow"]]
    strength = float("inf") if one["authority"] is None else -one["authority"]
    mentioned = one["mention"] is not MentionVerdict.UNLINKED_MENTION
    chance = {"likely": 0, "possible": 1, "unlikely": 2}[chance_of(one) or "possible"]
    tier = 8 if one["gate"] else one["tier"]
    # A page whose fit nobody knows stands before one that is known to share no word with ours.
    fit = -one["fit"] if one["fit"] else (1 if one["fit"] == 0 else 0)
    return tier, mentioned, chance, -one["overlap"], follows, fit, strength, one["first_seen"] or date.max, one["id"]


def chance_of(one: dict[str, Any]) -> str | None:
    """The chance in a word: 60 and more likely, 35 and more possible; None where nobody has judged."""
    score = one["winnability"]
    if score is None:
        return None
    return "likely" if score >= 60 else "possible" if score >= 35 else "unlikely"


def test_a_thousand_prospects_stand_in_the_order_of_the_rule(house: House) -> None:
    """U21: also that a tier 1 with an authority of 20 precedes a tier 2 with 95, and that the page says why."""
    dice = random.Random(21)
    with house.db.work() as uow:
        site = a_site(uow)
        rows = []
        for number in range(1_000):
            tier = dice.choice((1, 2, 2, 3, 3, 3))
            rows.append(
                {
                    "id": number + 1,
                    "domain": f"site-{number:04}.test",
                    "tier": tier,
                    "overlap": {1: 4, 2: dice.choice((2, 3)), 3: 1}[tier],
                    "mention": dice.choice((MentionVerdict.UNLINKED_MENTION, MentionVerdict.NO_MENTION)),
                    "dofollow": dice.choice((True, False, None)),
                    "authority": dice.choice((None, float(dice.randint(0, 100)))),
                    "first_seen": dice.choice((None, date(2024, 1, 1) + timedelta(days=dice.randint(0, 700)))),
                    "winnability": dice.choice((None, 34, 35, 59, 60, dice.randint(0, 100))),
                    "gate": dice.choice((None,) * 9 + ("paid",)),
                    "fit": dice.choice((None, 0, 100, dice.randint(0, 100))),
                }
            )
        rows[7] |= {"tier": 1, "overlap": 4, "authority": 20.0, "gate": None}
        rows[8] |= {
            "tier": 2,
            "overlap": 3,
            "authority": 95.0,
            "mention": MentionVerdict.UNLINKED_MENTION,
            "gate": None,
        }
        for row in rows:
            one = Prospect(
                site_id=site.id, stage=Stage.CHECKED_MENTION, created_at=uow.now(), updated_at=uow.now(),
                competitors=["a.test", "b.test", "c.test", "d.test"][: row["overlap"]],
                authority_percentile=row["authority"], **row,
            )  # fmt: skip
            prospects.rerank(one, 4)
            uow.session.add(one)
    found: list[int] = []
    with house.db.read() as uow:
        after = None
        while page := queue(uow, after=after, limit=130):
            found += [row["id"] for row in page]
            after = (page[-1]["rank_key"], page[-1]["id"])
    assert found == [row["id"] for row in sorted(rows, key=beaten)]
    assert found.index(8) < found.index(9)
    browser = house.browser(Role.OUTREACH)
    for row in (rows[7], rows[8], *dice.sample(rows, 4)):
        why = re.search(r'<p class="why">(.*?)</p>', browser.get(f"/queue/{row['id']}").text)
        assert why
        wanted = f"Tier {row['tier']} · links to {row['overlap']} of "
        assert why[1].startswith(wanted), why[1]
        assert ("mentions you" in why[1]) is (row["mention"] is MentionVerdict.UNLINKED_MENTION)
        assert (f"chance: {chance_of(row)}" in why[1]) is (row["winnability"] is not None), why[1]
        assert ("behind every tier" in why[1]) is (row["gate"] is not None), why[1]


# --- The gates. ---


def _suppress(house: House, uow: Any, prospect: Prospect) -> None:
    suppression.suppress(
        uow, house.container.vault, f"dana@{prospect.domain}", kind=SuppressionKind.ADDRESS, reason="manual",
        source="test", actor="test",
    )  # fmt: skip


def _wrote_lately(_house: House, uow: Any, prospect: Prospect) -> None:
    # The furniture's own mail that has left: as if it had gone to this domain, six days ago.
    sent = uow.session.execute(select(Outbound).where(Outbound.state == "SENT")).scalar_one()
    sent.sent_at = sent.committed_at = uow.now() - timedelta(days=6)
    thread = uow.session.get_one(Conversation, sent.conversation_id)
    thread.domain, thread.state, thread.closed_at = prospect.domain, ConversationState.CLOSED, uow.now()


def _no_mailbox(_house: House, uow: Any, _prospect: Prospect) -> None:
    uow.session.execute(update(Mailbox).values(active=False))


# What is typed, what is so in the installation, the refusal, and the field in which it is mended (none: elsewhere).
GATES = {
    "too long": ({"body_text": "word " * 150}, None, "under 150 words", "body_text"),
    "variable": ({"body_text": "Hi {{ name }}, see {page} {our}"}, None, "{{ name }}", "body_text"),
    "bracket": ({"body_text": "Hi [first name], see {page} {our}"}, None, "[first name]", "body_text"),
    "homepage": ({"body_text": "Hi, {page} could name https://acme.test/ of ours"}, None, "homepage", "body_text"),
    "no page of theirs": ({"body_text": "Hi, see {our}"}, None, "no link to one of their pages", "body_text"),
    "no subject": ({"subject": " "}, None, "ubject", "subject"),
    "suppressed": ({}, _suppress, "must not be written to", "contact_id"),
    "recent contact": ({}, _wrote_lately, "6 days ago (thread ", None),
    "no mailbox": ({}, _no_mailbox, "No mailbox can send now", None),
}


@pytest.mark.parametrize("gate", GATES)
def test_each_gate_refuses_with_its_reason_its_field_and_the_text(house: House, gate: str) -> None:
    """U18: by a direct POST, without script; tests/web/test_queue.py looks at the focus."""
    typed, arranged, words, field = GATES[gate]
    number = furnish(house)[DOMAINS[0]]
    if arranged is not None:
        with house.db.work() as uow:
            arranged(house, uow, uow.session.get_one(Prospect, number))
    browser = house.browser(Role.OUTREACH)
    form = draft_form(browser.get(f"/queue/{number}").text)
    theirs, ours = f"https://{DOMAINS[0]}/blog/checklist", "https://acme.test/guides/onboarding"
    for name, value in typed.items():
        form[name] = value.replace("{page}", theirs).replace("{our}", ours)
    refused = post(browser, f"/queue/{number}/decide", do="approve", **form)
    assert refused.status_code == 409
    page = html.unescape(refused.text)
    assert re.search(r"<title>\s*Error: ", page)
    summary = re.search(
        r'<section class="notice bad" id="problems" role="alert" tabindex="-1".*?</section>', page, re.DOTALL
    )
    assert summary
    assert words in summary[0], summary[0]
    links = re.findall(r'href="#(f-[\w-]+)"', summary[0])
    assert (f"f-{field}" in links) is (field is not None), summary[0]
    assert [link for link in links if f'id="{link}"' not in page] == []
    assert draft_form(refused.text) == form | {"version": draft_form(refused.text)["version"]}
    assert waiting(house) == 0


def test_a_hundred_and_forty_nine_words_pass_and_one_more_does_not(house: House) -> None:
    """U16: counted after the variables are filled in, by the direct POST; the browser counts by the same file of vectors."""
    number = furnish(house)[DOMAINS[0]]
    browser = house.browser(Role.OUTREACH)
    form = draft_form(browser.get(f"/queue/{number}").text)
    with house.db.read() as uow:
        counted = uow.session.get_one(Pitch, int(form["pitch"]))
        words = pitches.view(uow, house.container.vault, house.container.settings, counted).words
    head, sign, tail = form["body_text"].partition("\n-- \n")
    for total, status in ((150, 409), (149, 303)):
        body = f"{head} {'word ' * (total - words)}".rstrip() + sign + tail
        answer = post(browser, f"/queue/{number}/decide", do="approve", **{**form, "body_text": body})
        assert answer.status_code == status, answer.text
        assert ("It has 150" in answer.text) is (status == 409)
    assert waiting(house) == 1


# --- Time. ---


@pytest.fixture
def stepped(settings: Settings) -> Any:
    """On a Saturday; the clock stands still between the steps of a test."""
    made = House(settings, clock=FixedClock(datetime(2026, 3, 28, 12, tzinfo=UTC)))
    yield made
    made.close()


def test_a_snooze_ends_in_the_morning_of_the_persons_own_zone(stepped: House) -> None:
    """U20: over the night in which the clocks of Berlin go forward; on the page, in the lane, and undone from the form."""
    number = furnish(stepped)[DOMAINS[0]]
    browser = stepped.browser(Role.OUTREACH)
    post(browser, "/me", language="en", time_zone="Europe/Berlin", density="comfortable", single_keys="on")
    offered = html.unescape(browser.get(f"/queue/{number}").text)
    assert re.search(r'value="tomorrow".*?29 .*?09:00', offered, re.DOTALL)
    for _ in range(2):
        post(browser, f"/queue/{number}/snooze", preset="tomorrow")
        with stepped.db.read() as uow:
            assert uow.session.get_one(Prospect, number).snoozed_until == datetime(2026, 3, 29, 7, tzinfo=UTC)
        if _ == 0:
            assert post(browser, "/queue/undo").headers["location"].startswith(f"/queue/{number}?")
    lane = f'data-row="{number}"'
    stepped.clock.advance(timedelta(hours=18, minutes=59))  # type: ignore[attr-defined]
    browser = stepped.browser(Role.OUTREACH)  # The night has ended the session.
    assert lane not in browser.get("/queue").text
    stepped.clock.advance(timedelta(minutes=1))  # type: ignore[attr-defined]
    assert lane in browser.get("/queue").text
    assert post(browser, f"/queue/{number}/skip").status_code == 422, "a skip needs its reason"


def test_what_was_approved_can_be_undone_until_it_leaves_and_says_so_then(stepped: House) -> None:
    """U15: by plain forms, after a reload, with windows from ten seconds to half an hour."""
    number = furnish(stepped)[DOMAINS[0]]
    browser = stepped.browser(Role.OUTREACH)
    for seconds in ("10", "1800"):
        post(
            browser,
            "/me",
            language="en",
            time_zone="UTC",
            density="comfortable",
            undo_seconds=seconds,
            single_keys="on",
        )
        post(browser, f"/queue/{number}/decide", do="approve", **draft_form(browser.get(f"/queue/{number}").text))
        with stepped.db.read() as uow:
            row = uow.session.execute(select(Outbound).where(Outbound.state == "QUEUED")).scalar_one()
            assert row.not_before == stepped.clock.now() + timedelta(seconds=int(seconds))
        assert "it can still be undone" in browser.get("/outbox").text
        back = post(browser, "/queue/undo").headers["location"]
        assert back.startswith(f"/queue/{number}?")
        assert re.findall(r'data-row="(\d+)"', browser.get("/queue").text)[0] == str(number), "at its old place"
        assert waiting(stepped) == 0
    form = draft_form(browser.get(f"/queue/{number}").text)
    post(browser, f"/queue/{number}/decide", do="approve", **form)
    with stepped.db.work() as uow:
        gone = uow.session.execute(select(Outbound).where(Outbound.state == "QUEUED")).scalar_one()
        gone.state, gone.committed_at, gone.sent_at = "SENT", uow.now(), uow.now()
    said = html.unescape(browser.get(post(browser, "/queue/undo").headers["location"]).text)
    assert "cannot be taken back" in said
    assert post(browser, f"/pitches/{form['pitch']}/undo").status_code == 409


# --- Several at once. ---


def test_a_crafted_batch_is_refused_whole(house: House) -> None:
    """U22: tier 1, more than 25, an unread batch; nothing of it reaches the outbox."""
    furnish(house, more=6)
    browser = house.browser(Role.LEAD)
    with house.db.read() as uow:
        rows = uow.session.execute(select(Pitch.id, Pitch.version, Prospect.tier).join(Prospect, Prospect.id == Pitch.prospect_id).where(Pitch.state == "draft")).all()  # fmt: skip
    tier1 = {f"pitch-{row[0]}": str(row[1]) for row in rows if row[2] == 1}
    others = {f"pitch-{row[0]}": str(row[1]) for row in rows if row[2] != 1}
    assert tier1
    assert others
    many = {f"pitch-{number}": "1" for number in range(1, 40)}
    for crafted in (tier1, {**tier1, **others}, others, many, {}):
        answer = post(browser, "/queue/bulk", opened="", **crafted)
        assert answer.status_code in (409, 422), answer.text
        assert waiting(house) == 0
    assert post(house.browser(Role.OUTREACH), "/queue/bulk", **others).status_code == 403
