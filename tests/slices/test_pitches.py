"""Pitches: proposed from evidence, edited, held at every gate, approved in one transaction, undone while nobody sends."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlmodel import select

from app import i18n
from app.clock import FixedClock
from app.db.work import Database
from app.domain.angles import LinkedFact, LinkedFault
from app.domain.delivery import OutboundState
from app.domain.gap import GapState
from app.domain.mention_verdict import MentionVerdict
from app.domain.pipeline import Stage
from app.errors import BadInput, Conflict, NotFound, Refused
from app.mail.render import versions
from app.mail.render.templates import TemplateSource, load
from app.models import (
    Contact,
    Conversation,
    ConversationState,
    Link,
    LinkState,
    Mailbox,
    MailboxDay,
    MentionCheck,
    Outbound,
    Page,
    Pitch,
    PitchState,
    Prospect,
    RunState,
    SequenceRun,
    Site,
    StageEvent,
    SuppressionKind,
)
from app.pitches import approving, facts, gates
from app.pitches import service as pitches
from app.pitches.replacement import prepare
from app.prospects import suppression
from app.settings import Settings
from tests.support.pitching import QUOTE, Desk, a_desk
from tests.support.world import VAULT, a_contact, a_page, a_prospect, a_site


@pytest.fixture
def desk(db: Database, settings: Settings, clock: FixedClock) -> Iterator[Desk]:
    with a_desk(db, settings, clock) as ready:
        yield ready


def refused_for(desk: Desk, pitch: Pitch) -> list[str]:
    with pytest.raises(Refused) as refusal:
        desk.approve(pitch)
    assert all(skip.sentence for skip in refusal.value.skips)
    return [skip.reason for skip in refusal.value.skips]


class TestPropose:
    def test_an_unlinked_mention(self, desk: Desk) -> None:
        pitch = desk.propose(desk.prospect())
        assert pitch.angle == "unlinked-mention"
        with desk.db.read() as uow:
            i18n.read_by("de")
            assert str(i18n.finalize(uow.session.get_one(Pitch, pitch.id).why)).startswith("Gewählt, denn: ")
            i18n.read_by("en")
        assert pitch.why == (
            "Chosen because: mentioned you in /blog/checklist, no link. "
            "Our page fits because both speak of onboarding, customer."
        )
        assert pitch.subject == 'Your mention of Acme in "A checklist for customer onboarding"'
        assert pitch.body_text.startswith("Hi Dana,\n\nYour page https://editor.test/blog/checklist names Acme:")
        assert f'"{QUOTE}"' in pitch.body_text
        assert "\n-- \nAna Silva, Acme\nAcme Ltd, 1 Example Street, Exampletown\n" in pitch.body_text
        assert pitch.their_page == "https://editor.test/blog/checklist"
        assert pitch.template_version == "unlinked-mention@file"
        with desk.db.read() as uow:
            view = pitches.view(uow, VAULT, desk.settings, pitch)
        assert (view.broken, view.skips) == ((), ())
        assert 0 < view.words <= 149

    def test_a_gap_when_nothing_was_found(self, desk: Desk) -> None:
        pitch = desk.propose(desk.prospect(mention=False))
        assert pitch.angle == "coverage-gap"
        assert "links to 3 competitors and not to you; no mention of you was found" in pitch.why
        assert pitch.reason == "our page covers a customer onboarding in eight steps, with templates for each mail"

    def test_could_not_check_is_not_no_mention(self, desk: Desk) -> None:
        prospect_id = desk.prospect(mention=False)
        with desk.db.work() as uow:
            check = uow.session.exec(select(MentionCheck)).one()
            check.verdict = MentionVerdict.COULD_NOT_CHECK
        assert "mentions of you were not checked" in desk.propose(prospect_id).why

    def test_a_replacement_only_on_a_stated_fact(self, desk: Desk) -> None:
        prospect_id = desk.prospect(mention=False)
        fact = LinkedFact("https://rival.test/onboarding", LinkedFault.DEAD, status=404)
        pitch = desk.propose(prospect_id, linked=fact)
        assert pitch.angle == "resource-replacement"
        assert "That page answers 404 (not found)." in pitch.body_text
        # The fact stays with the draft when it is rendered again.
        again = desk.propose(prospect_id)
        assert (again.id, again.angle) == (pitch.id, "resource-replacement")
        with desk.db.read() as uow:
            assert gates.contract(uow, again)[1] == ()

    def test_a_lost_link_is_reclaimed(self, desk: Desk) -> None:
        prospect_id = desk.prospect()
        with desk.db.work() as uow:
            uow.session.add(
                Link(
                    site_id=1,
                    prospect_id=prospect_id,
                    source_url="https://editor.test/blog/old-list",
                    target_url="https://acme.test/guides/invoices/",
                    state=LinkState.LOST,
                    verified=True,
                    first_seen_at=uow.now(),
                    last_seen_at=uow.now(),
                    lost_at=uow.now(),
                )
            )
        pitch = desk.propose(prospect_id)
        assert pitch.angle == "link-reclamation"
        assert "https://acme.test/guides/invoices" in pitch.body_text
        assert "Until 1 June 2026 your page https://editor.test/blog/old-list linked" in pitch.body_text

    def test_without_a_page_of_ours_the_gate_says_so(self, desk: Desk) -> None:
        with desk.db.work() as uow:
            for page in uow.session.exec(select(Page)):
                page.archived_at = uow.now()
        pitch = desk.propose(desk.prospect())
        assert "There is no page of yours to offer: add one." in pitch.why
        assert {"our-page-missing", "unresolved-variable"} <= set(refused_for(desk, pitch))

    def test_without_a_page_of_theirs_the_gate_says_so(self, desk: Desk) -> None:
        pitch = desk.propose(desk.prospect(mention=False, best_page=None))
        assert "their-page-missing" in refused_for(desk, pitch)

    @pytest.mark.parametrize("stage", [Stage.PITCHED, Stage.WON, Stage.LOST])
    def test_there_is_nothing_to_pitch(self, desk: Desk, stage: Stage) -> None:
        prospect_id = desk.prospect(stage=stage)
        with pytest.raises(Conflict, match=stage.value):
            desk.propose(prospect_id)

    def test_hostile_titles_and_quotes_become_plain_words(self, desk: Desk) -> None:
        prospect_id = desk.prospect(
            best_page_title="{{ 7*7 }} [x] =?utf-8?q?a?= <b>\r\nBcc: x@y.test https://evil.test/p"
        )
        with desk.db.work() as uow:
            check = uow.session.exec(select(MentionCheck)).one()
            check.quote = "Acme {% for %} [1] www.evil.test/x\n-- \n> hidden " + "word " * 200
        pitch = desk.propose(prospect_id)
        with desk.db.read() as uow:
            assert gates.contract(uow, pitch)[1] == ()
        assert "\n" not in pitch.subject
        assert "…" in pitch.body_text

    def test_a_new_proposal_leaves_an_edited_draft_alone(self, desk: Desk) -> None:
        prospect_id = desk.prospect()
        pitch = desk.propose(prospect_id)
        with desk.db.work() as uow:
            edited = pitches.edit(uow, pitch.id, pitch.version, "Hello", "Hi Dana", actor="ana")
        again = desk.propose(prospect_id)
        assert (again.id, again.version, again.subject) == (pitch.id, edited.version, "Hello")


@pytest.mark.parametrize(
    ("name", "role", "expected"),
    [
        ("Dana Ruiz", False, "Dana"),
        ("Dr. Li Wei", False, "Li"),
        ("Anne-Marie O'Neil", False, "Anne-Marie"),
        ("The Editors", False, None),
        ("Dana Ruiz", True, None),
        ("D.", False, None),
        ("info@editor.test", False, None),
        ("{{ x }}", False, None),
        ("", False, None),
        (None, False, None),
    ],
)
def test_first_names(name: str | None, role: bool, expected: str | None) -> None:
    contact = Contact(prospect_id=1, email="x@y.test", name=name, is_role_address=role, created_by="t")
    assert facts.first_name(contact) == expected


class TestChoose:
    def test_another_angle(self, desk: Desk) -> None:
        pitch = desk.propose(desk.prospect())
        with desk.db.work() as uow:
            changed = pitches.choose_angle(uow, pitch.id, pitch.version, "coverage-gap", actor="ana")
        assert (changed.angle, changed.version) == ("coverage-gap", pitch.version + 1)
        assert changed.why.startswith("Chosen by ana: links to 3 competitors")
        with desk.db.work() as uow:
            again = pitches.choose(uow, pitch.id, changed.version, actor="ana", angle="coverage-gap")
        assert again.why.startswith("Chosen because: links to 3 competitors"), "written again is not chosen"

    @pytest.mark.parametrize("angle", ["link-reclamation", "resource-replacement", "nonsense"])
    def test_an_angle_without_evidence(self, desk: Desk, angle: str) -> None:
        pitch = desk.propose(desk.prospect())
        with pytest.raises(BadInput), desk.db.work() as uow:
            pitches.choose_angle(uow, pitch.id, pitch.version, angle, actor="ana")

    def test_another_page_and_contact(self, desk: Desk) -> None:
        pitch = desk.propose(desk.prospect())
        with desk.db.work() as uow:
            contact = Contact(
                prospect_id=pitch.prospect_id,
                email="tom@editor.test",
                name="Tom Ray",
                created_by="t",
                created_at=uow.now(),
            )
            uow.session.add(contact)
            uow.session.flush()
            changed = pitches.choose(uow, pitch.id, pitch.version, actor="ana", page_id=2, contact_id=contact.id)
        assert "https://acme.test/guides/invoices" in changed.body_text
        assert changed.body_text.startswith("Hi Tom,")
        assert (changed.page_id, changed.contact_id) == (2, contact.id)

    def test_nothing_of_somebody_else(self, desk: Desk) -> None:
        pitch = desk.propose(desk.prospect())
        other = desk.prospect("other.test")
        with desk.db.read() as uow:
            stranger = uow.session.exec(select(Contact).where(Contact.prospect_id == other)).one()
        for wrong in ({"contact_id": stranger.id}, {"contact_id": 999}, {"page_id": 999}):
            with pytest.raises(BadInput), desk.db.work() as uow:
                pitches.choose(uow, pitch.id, pitch.version, actor="ana", **wrong)


class TestEdit:
    def test_the_footer_stays_and_the_html_follows(self, desk: Desk) -> None:
        pitch = desk.propose(desk.prospect())
        text = pitch.body_text.replace("Would you link the name to it?", "Would you link it & all?")
        with desk.db.work() as uow:
            edited = pitches.edit(uow, pitch.id, pitch.version, "A new subject", text, actor="ana")
        assert edited.body_text == text
        assert edited.edited
        assert "link it &amp; all?" in edited.body_html
        with desk.db.read() as uow:
            assert gates.contract(uow, edited)[1] == ()
        # Without the footer in the text, it comes back.
        with desk.db.work() as uow:
            body = text.partition("\nIf you would rather")[0]
            again = pitches.edit(uow, pitch.id, edited.version, "A new subject", body, actor="ana")
        assert again.body_text == text

    def test_what_is_written_below_the_signature_is_not_lost_unseen(self, desk: Desk) -> None:
        pitch = desk.propose(desk.prospect())
        text = f"{pitch.body_text}\nPS: the second link is broken, too."
        with pytest.raises(BadInput, match="would be lost: PS: the second link"), desk.db.work() as uow:
            pitches.edit(uow, pitch.id, pitch.version, pitch.subject, text, actor="ana")

    def test_two_people_edit(self, desk: Desk) -> None:
        pitch = desk.propose(desk.prospect())
        with desk.db.work() as uow:
            pitches.edit(uow, pitch.id, pitch.version, "Ana's", "text", actor="ana")
        with pytest.raises(Conflict, match="changed meanwhile"), desk.db.work() as uow:
            pitches.edit(uow, pitch.id, pitch.version, "Ben's", "text", actor="ben")

    def test_a_broken_text_is_kept_and_refused_at_approval(self, desk: Desk) -> None:
        pitch = desk.propose(desk.prospect())
        body = pitch.body_text.replace("Best wishes,", "word " * 150 + "[name]\x00\ud800")
        with desk.db.work() as uow:
            pitch = pitches.edit(uow, pitch.id, pitch.version, "One\r\nBcc: x@y.test", body, actor="ana")
        assert refused_for(desk, pitch) == ["too-long", "subject-not-one-line", "bracket"]
        with desk.db.read() as uow:
            assert uow.session.exec(select(Outbound)).all() == []
            assert uow.session.exec(select(Conversation)).all() == []

    def test_limits(self, desk: Desk) -> None:
        pitch = desk.propose(desk.prospect())
        with pytest.raises(BadInput), desk.db.work() as uow:
            pitches.edit(uow, pitch.id, pitch.version, "x", "x" * 20_001, actor="ana")
        with pytest.raises(NotFound), desk.db.work() as uow:
            pitches.edit(uow, 99, 1, "x", "x", actor="ana")


class TestApprove:
    def test_conversation_run_and_frozen_bytes_in_one_transaction(self, desk: Desk) -> None:
        pitch = desk.propose(desk.prospect())
        row = desk.approve(pitch)
        assert row.state is OutboundState.QUEUED
        assert row.not_before == desk.clock.now() + desk.settings.undo_window
        with desk.db.read() as uow:
            stored = uow.session.get_one(Pitch, pitch.id)
            run = uow.session.exec(select(SequenceRun)).one()
            conversation = uow.session.exec(select(Conversation)).one()
            events = [line.event for line in uow.session.exec(select(StageEvent))]
        assert (stored.state, stored.approved_by, stored.version) == (PitchState.APPROVED, "ana", pitch.version + 1)
        assert (run.state, run.next_step, run.due_at) == (RunState.ACTIVE, 1, None)
        assert (conversation.state, conversation.domain) == (ConversationState.OPEN, "editor.test")
        assert "pitch_approved" in events
        assert desk.stored(pitch.prospect_id).stage is Stage.CHECKED_MENTION  # It is queued, not sent.
        assert b"List-Unsubscribe: <" in row.raw

    def test_twice_is_once(self, desk: Desk) -> None:
        pitch = desk.propose(desk.prospect())
        desk.approve(pitch)
        with pytest.raises(Conflict, match="approved already"):
            desk.approve(pitch)
        with desk.db.read() as uow:
            assert len(uow.session.exec(select(Outbound)).all()) == 1

    def test_an_older_version_is_not_approved(self, desk: Desk) -> None:
        pitch = desk.propose(desk.prospect())
        with desk.db.work() as uow:
            pitches.edit(uow, pitch.id, pitch.version, pitch.subject, pitch.body_text, actor="ben")
        with pytest.raises(Conflict, match="changed meanwhile"):
            desk.approve(pitch)

    def test_suppressed(self, desk: Desk) -> None:
        pitch = desk.propose(desk.prospect())
        with desk.db.work() as uow:
            suppression.suppress(
                uow,
                VAULT,
                "dana@editor.test",
                kind=SuppressionKind.ADDRESS,
                reason="unsubscribed",
                source="t",
                actor="t",
            )
        assert refused_for(desk, pitch) == ["suppressed"]
        # It is said before anybody approves; the outbox would refuse it once more.
        with desk.db.read() as uow:
            assert [skip.reason for skip in gates.gates(uow, VAULT, desk.settings, pitch)] == ["suppressed"]

    def test_no_contact(self, desk: Desk) -> None:
        prospect_id = desk.prospect()
        with desk.db.work() as uow:
            uow.session.delete(uow.session.exec(select(Contact)).one())
        assert refused_for(desk, desk.propose(prospect_id)) == ["no-contact"]

    @pytest.mark.parametrize("values", [{"active": False}, {"paused_reason": "the password was refused"}])
    def test_no_healthy_mailbox(self, desk: Desk, values: dict[str, object]) -> None:
        pitch = desk.propose(desk.prospect())
        with desk.db.work() as uow:
            mailbox = uow.session.get_one(Mailbox, 1)
            for name, value in values.items():
                setattr(mailbox, name, value)
        assert refused_for(desk, pitch) == ["no-mailbox"]

    @pytest.mark.parametrize(("stage", "said"), [(Stage.PROSPECT, "not checked"), (Stage.LOST, "given up")])
    def test_the_wrong_stage(self, desk: Desk, stage: Stage, said: str) -> None:
        pitch = desk.propose(desk.prospect())
        with desk.db.work() as uow:
            uow.session.get_one(Prospect, pitch.prospect_id).stage = stage
        with pytest.raises(Refused) as refusal:
            desk.approve(pitch)
        [skip] = refusal.value.skips
        assert skip.reason == "wrong-stage"
        assert said in skip.sentence

    def test_linked_already(self, desk: Desk) -> None:
        pitch = desk.propose(desk.prospect())
        with desk.db.work() as uow:
            uow.session.get_one(Prospect, pitch.prospect_id).mention = MentionVerdict.LINKED
        assert refused_for(desk, pitch) == ["linked-already"]

    def test_linked_by_our_own_list(self, desk: Desk) -> None:
        pitch = desk.propose(desk.prospect())
        seen = {"page": "https://editor.test/links", "target": None, "file": "acme.csv", "as_of": "2026-05-01"}
        with desk.db.work() as uow:
            prospect = uow.session.get_one(Prospect, pitch.prospect_id)
            prospect.gap_state, prospect.gap_seen = GapState.LINKED, seen
        with pytest.raises(Refused) as refusal:
            desk.approve(pitch)
        [skip] = refusal.value.skips
        assert skip.reason == "linked-by-data"
        assert skip.sentence == (
            "editor.test links to you already, on https://editor.test/links (your own list acme.csv of 1 May 2026)."
        )

    @pytest.mark.parametrize(
        ("page", "verdict", "as_of", "refused"),
        [
            ("https://editor.test/links", "no-mention", "2026-05-01", []),
            ("https://editor.test/links", "no-mention", "2099-01-01", ["linked-by-data"]),
            ("https://editor.test/links", "could-not-check", "2026-05-01", ["linked-by-data"]),
            ("https://editor.test/other", "no-mention", "2026-05-01", ["linked-by-data"]),
        ],
        ids=["read since", "the list is newer", "not read", "another page"],
    )
    def test_our_own_look_at_that_page_is_worth_more(
        self, desk: Desk, page: str, verdict: str, as_of: str, refused: list[str]
    ) -> None:
        pitch = desk.propose(desk.prospect())
        with desk.db.work() as uow:
            prospect = uow.session.get_one(Prospect, pitch.prospect_id)
            prospect.gap_state = GapState.LINKED
            prospect.gap_seen = {"page": "https://editor.test/links", "file": "acme.csv", "as_of": as_of}
            check = uow.session.exec(select(MentionCheck)).one()
            check.pages = [*check.pages, {"url": page, "verdict": verdict}]
        with desk.db.read() as uow:
            skips = gates.gates(uow, VAULT, desk.settings, uow.session.get_one(Pitch, pitch.id))
        assert [skip.reason for skip in skips] == refused

    def test_missing_postal_address(self, desk: Desk) -> None:
        with desk.db.work() as uow:
            uow.session.get_one(Site, 1).postal_address = None
        pitch = desk.propose(desk.prospect())
        assert refused_for(desk, pitch) == ["no-sender"]
        with desk.db.work() as uow:
            uow.session.get_one(Site, 1).postal_address = "1 Example Street"
        with pytest.raises(Refused) as refusal:
            desk.approve(pitch)
        assert "before Acme had a sender" in refusal.value.skips[0].sentence

    def test_a_former_sender_signs_nothing(self, desk: Desk) -> None:
        pitch = desk.propose(desk.prospect())
        with desk.db.work() as uow:
            uow.session.get_one(Site, 1).sender_name = "Mara Finch, Acme"
        assert refused_for(desk, pitch) == ["former-sender"]

    def test_another_site_talks_with_the_domain(self, desk: Desk) -> None:
        pitch = desk.propose(desk.prospect())
        with desk.db.work() as uow:
            other = a_site(uow, name="Other", domains=["other.test"])
            theirs = a_prospect(uow, other, "editor.test")
            contact = Contact(prospect_id=theirs.id, email="x@editor.test", created_by="t", created_at=uow.now())
            uow.session.add(contact)
            uow.session.flush()
            uow.session.add(
                Conversation(
                    site_id=other.id,
                    prospect_id=theirs.id,
                    contact_id=contact.id,
                    mailbox_id=1,
                    domain="editor.test",
                    subject="Another matter",
                    started_at=uow.now(),
                )
            )
        with pytest.raises(Refused) as refusal:
            desk.approve(pitch)
        [skip] = refusal.value.skips
        assert skip.reason == "in-conversation"
        assert "Another matter" in skip.sentence
        # The last net is the database itself.
        with pytest.raises(Refused, match="not approved"), desk.db.work() as uow:
            approving._conversation(
                uow,
                desk.vault,
                desk.settings,
                uow.session.get_one(Pitch, pitch.id),
                uow.session.get_one(Contact, pitch.contact_id),
                1,
            )

    def test_contacted_lately(self, desk: Desk) -> None:
        prospect_id = desk.prospect()
        row = desk.approve(desk.propose(prospect_id))
        with desk.db.work() as uow:
            sent = uow.session.get_one(Outbound, row.id)
            sent.state, sent.sent_at = OutboundState.SENT, uow.now()
            uow.session.exec(select(Conversation)).one().state = ConversationState.CLOSED
        desk.clock.advance(timedelta(days=89))
        pitch = desk.propose(prospect_id)
        with pytest.raises(Refused) as refusal:
            desk.approve(pitch)
        [skip] = refusal.value.skips
        assert skip.reason == "recent-contact"
        assert skip.until == "2026-08-30T09:00:00+00:00"
        desk.clock.advance(timedelta(days=1))
        assert desk.approve(pitch).state is OutboundState.QUEUED

    def test_the_least_used_mailbox_sends(self, desk: Desk) -> None:
        with desk.db.work() as uow:
            first = uow.session.get_one(Mailbox, 1)
            uow.session.add(MailboxDay(mailbox_id=1, day=uow.now().date(), used=1, cap=50))
            data = first.model_dump() | {"id": 2, "email": "ben@acme.test"}
            uow.session.add(Mailbox(**data))
        assert desk.approve(desk.propose(desk.prospect())).mailbox_id == 2


class TestUndo:
    def test_back_to_a_draft_and_out_again(self, desk: Desk) -> None:
        pitch = desk.propose(desk.prospect())
        row = desk.approve(pitch)
        with desk.db.work() as uow:
            undone = pitches.undo(uow, pitch.id, actor="ana")
            assert undone.state is PitchState.DRAFT
        with desk.db.read() as uow:
            assert uow.session.get_one(Outbound, row.id).state is OutboundState.CANCELLED
            assert uow.session.exec(select(Conversation)).one().state is ConversationState.CLOSED
            run = uow.session.exec(select(SequenceRun)).one()
            assert (run.state, run.end_reason) == (RunState.ENDED, "undone")
        # The domain is free again, and what was undone does not count as contact.
        with desk.db.read() as uow:
            fresh = pitches.get(uow, pitch.id)
        assert desk.approve(fresh).state is OutboundState.QUEUED

    def test_not_once_it_is_being_sent(self, desk: Desk) -> None:
        pitch = desk.propose(desk.prospect())
        row = desk.approve(pitch)
        with desk.db.work() as uow:
            uow.session.get_one(Outbound, row.id).state = OutboundState.CLAIMED
        with pytest.raises(Conflict, match="claimed"), desk.db.work() as uow:
            pitches.undo(uow, pitch.id, actor="ana")
        with desk.db.read() as uow:
            assert uow.session.get_one(Pitch, pitch.id).state is PitchState.APPROVED

    def test_a_draft_has_nothing_to_undo(self, desk: Desk) -> None:
        pitch = desk.propose(desk.prospect())
        with pytest.raises(Conflict, match="not in the outbox"), desk.db.work() as uow:
            pitches.undo(uow, pitch.id, actor="ana")


class TestTemplateVersions:
    def test_the_newest_version_is_used_and_drafts_keep_theirs(self, desk: Desk) -> None:
        source = load("unlinked-mention")
        text = source.body_text.replace("Would you link the name to it?", "Could the name be a link?")
        before = desk.propose(desk.prospect())
        with desk.db.work() as uow:
            first = pitches.save_template_version(
                uow, "unlinked-mention", TemplateSource(source.subject, text), actor="ana", note="softer"
            )
            second = pitches.save_template_version(uow, "unlinked-mention", source, actor="ana")
            third = pitches.save_template_version(
                uow, "unlinked-mention", TemplateSource(source.subject, text), actor="ana"
            )
        assert [row.version for row in (first, second, third)] == [1, 2, 3]
        after = desk.propose(desk.prospect("other.test"))
        assert after.template_version == "unlinked-mention@3"
        assert "Could the name be a link?" in after.body_text
        assert "Could the name be a link?" in after.body_html
        with desk.db.read() as uow:
            assert uow.session.get_one(Pitch, before.id).body_text == before.body_text
            assert [row.version for row in versions.history(uow, "unlinked-mention")] == [3, 2, 1]
            assert gates.contract(uow, after)[1] == ()

    def test_what_is_refused(self, desk: Desk) -> None:
        with desk.db.work() as uow:
            with pytest.raises(BadInput) as refusal:
                pitches.save_template_version(uow, "coverage-gap", TemplateSource("s", "a\n{{ x.y }}"), actor="ana")
            assert refusal.value.problems[0].problem.startswith("line 2")
            with pytest.raises(NotFound):
                pitches.save_template_version(uow, "_footer", TemplateSource("s", "t"), actor="ana")

    def test_preview_on_a_real_prospect(self, desk: Desk) -> None:
        prospect_id = desk.prospect()
        with desk.db.read() as uow:
            good = pitches.preview(uow, "unlinked-mention", load("unlinked-mention"), prospect_id)
            bad = pitches.preview(uow, "unlinked-mention", TemplateSource("Hi", "word " * 150), prospect_id)
        assert good.broken == ()
        assert "Hi Dana," in good.message.body_text
        assert bad.words == 150
        assert bad.broken[0].name == "too-long"


class TestReplacement:
    @pytest.fixture
    def at(self, db: Database, settings: Settings, clock: FixedClock) -> Iterator[Desk]:
        with a_desk(db, settings, clock, mail=True) as ready:
            yield ready

    def give(self, at: Desk, path: str, status: int, **headers: str) -> None:
        assert at.at is not None
        at.at.serve("<p>a page</p>", path, status=status, **headers)
        at.at.serve('<p>See <a href="http://old.test/guide">the guide</a>.</p>', "/blog/checklist")

    @pytest.mark.parametrize(
        ("status", "headers", "said"),
        [
            (404, {}, "answers 404 (not found)"),
            (410, {}, "answers 410 (gone)"),
            (301, {"Location": "http://old.test/"}, "now redirects to old.test"),
        ],
    )
    def test_a_fault_that_was_seen(self, at: Desk, status: int, headers: dict[str, str], said: str) -> None:
        self.give(at, "/guide", status, **headers)
        self.give(at, "/", 200)
        pitch = prepare(at, at.prospect(mention=False, target="http://old.test/guide"))
        assert pitch.angle == "resource-replacement"
        assert f"links to http://old.test/guide, which {said}" in pitch.why
        assert f"That page {said}." in pitch.body_text
        with at.db.read() as uow:
            assert gates.contract(uow, pitch)[1] == ()

    @pytest.mark.parametrize(
        ("status", "headers"),
        [(200, {}), (403, {}), (503, {}), (301, {"Location": "http://old.test/new-guide"})],
    )
    def test_what_is_no_fault(self, at: Desk, status: int, headers: dict[str, str]) -> None:
        self.give(at, "/guide", status, **headers)
        self.give(at, "/new-guide", 200)
        pitch = prepare(at, at.prospect(mention=False, target="http://old.test/guide"))
        assert pitch.angle == "coverage-gap"

    def test_nobody_looks_when_a_better_angle_is_there(self, at: Desk) -> None:
        assert at.at is not None
        assert prepare(at, at.prospect(target="http://old.test/guide")).angle == "unlinked-mention"
        assert at.at.seen() == []


class TestManyAtOnce:
    def test_one_of_eight_approvals_wins(self, desk: Desk) -> None:
        pitch = desk.propose(desk.prospect())
        assert sorted(at_once(8, lambda: desk.approve(pitch))) == ["Conflict"] * 7 + ["Outbound"]
        with desk.db.read() as uow:
            assert len(uow.session.exec(select(Outbound)).all()) == 1
            assert len(uow.session.exec(select(Conversation)).all()) == 1

    def test_two_sites_and_one_domain(self, desk: Desk) -> None:
        first = desk.propose(desk.prospect())
        with desk.db.work() as uow:
            other = a_site(uow, name="Other", domains=["other.test"], brand_names=["Other"])
            a_page(uow, other, url="https://other.test/guides/onboarding")
            twin = a_prospect(uow, other, "editor.test", stage=Stage.CHECKED_MENTION, mention=MentionVerdict.NO_MENTION)
            a_contact(uow, twin, "tom@editor.test")
        second = desk.propose(twin.id)
        waiting = [first, second]
        assert sorted(at_once(2, lambda: desk.approve(waiting.pop()))) == ["Outbound", "Refused"]

    def test_one_of_eight_proposals_makes_the_draft(self, desk: Desk) -> None:
        prospect_id = desk.prospect()
        assert at_once(8, lambda: desk.propose(prospect_id)) == ["Pitch"] * 8
        with desk.db.read() as uow:
            assert len(uow.session.exec(select(Pitch)).all()) == 1


def at_once(count: int, action: Callable[[], object]) -> list[str]:
    """The type of each result, or of each error, of `count` calls that begin together."""
    ready = threading.Barrier(count)

    def call() -> str:
        ready.wait()
        try:
            return type(action()).__name__
        except (Conflict, Refused) as error:
            return type(error).__name__

    with ThreadPoolExecutor(count) as pool:
        return [done.result() for done in [pool.submit(call) for _ in range(count)]]
