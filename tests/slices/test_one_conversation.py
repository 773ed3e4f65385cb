"""One live conversation with a domain, over sites and people, on both databases; and which mailbox begins it."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlmodel import col, select

from app.clock import FixedClock
from app.db.vault import Vault
from app.db.work import Database
from app.domain.blocking import Blocking
from app.domain.delivery import OutboundState
from app.domain.mention_verdict import MentionVerdict
from app.domain.pipeline import Stage
from app.errors import Refused
from app.inbox.same_domain import stop_others
from app.mail.sealed import rotate
from app.models import (
    BlockingEvent,
    Conversation,
    ConversationState,
    Inbound,
    InboundState,
    MailboxPacing,
    MailboxSite,
    MentionCheck,
    Outbound,
    Prospect,
    Site,
    SitePacing,
    StageEvent,
)
from app.outbox import recipients
from app.pitches import service as pitches
from app.settings import Settings
from tests.support.world import VAULT, a_contact, a_conversation, a_mailbox, a_page, a_prospect, a_site


class Desks:
    """Two sites that find the same domains, and one mailbox."""

    def __init__(self, db: Database, settings: Settings, clock: FixedClock) -> None:
        self.db, self.settings, self.clock = db, settings, clock
        self.vault = VAULT
        with db.work() as uow:
            for name in ("Acme", "Other"):
                site = a_site(uow, name=name, domains=[f"{name.lower()}.test"])
                a_page(uow, site, url=f"https://{name.lower()}.test/guides/onboarding")
            a_mailbox(uow, polled_at=clock.now())

    def draft(self, site_id: int, domain: str = "editor.test", email: str | None = None, **values: object) -> int:
        with self.db.work() as uow:
            site = uow.session.get_one(Site, site_id)
            prospect = a_prospect(
                uow, site, domain, stage=Stage.CHECKED_MENTION, best_page_title="A checklist for customer onboarding",
                target="https://rival.test/onboarding", anchor="onboarding template", overlap=3, **values,
            )  # fmt: skip
            a_contact(uow, prospect, email)
            check = MentionCheck(
                prospect_id=prospect.id, verdict=MentionVerdict.UNLINKED_MENTION, url=prospect.best_page,
                quote="Teams such as Acme run a customer onboarding like this.", checked_at=uow.now(),
            )  # fmt: skip
            uow.session.add(check)
            uow.session.flush()
            prospect.mention, prospect.mention_check_id = check.verdict, check.id
            return pitches.propose(uow, prospect.id).id

    def approve(self, pitch_id: int, actor: str = "ben") -> Outbound:
        with self.db.work() as uow:
            version = pitches.get(uow, pitch_id).version
            return pitches.approve(uow, self.vault, self.settings, pitch_id, version, actor=actor)

    def refusal(self, pitch_id: int) -> tuple[str, str]:
        with pytest.raises(Refused) as refused:
            self.approve(pitch_id)
        [skip] = refused.value.skips
        return skip.reason, skip.sentence

    def leave(self, row: Outbound, *, close: bool = False) -> None:
        with self.db.work() as uow:
            sent = uow.session.get_one(Outbound, row.id)
            sent.state, sent.sent_at = OutboundState.SENT, uow.now()
            if close:
                uow.session.get_one(Conversation, sent.conversation_id).state = ConversationState.CLOSED


@pytest.fixture
def desks(db: Database, settings: Settings, clock: FixedClock) -> Desks:
    return Desks(db, settings, clock)


def test_the_refusal_names_who_wrote_and_where(desks: Desks) -> None:
    ours, theirs = desks.draft(1), desks.draft(2)
    row = desks.approve(ours)
    reason, sentence = desks.refusal(theirs)
    assert reason == "in-conversation"
    assert sentence.startswith(f"Ben approved a mail to this domain today (thread {row.conversation_id}, ")
    desks.leave(row)
    desks.clock.advance(timedelta(days=6))
    reason, sentence = desks.refusal(theirs)
    assert sentence.startswith(f"Ben wrote to this domain 6 days ago (thread {row.conversation_id}, ")
    assert sentence.endswith("Not sent.")


def test_a_site_may_have_its_own_pause(desks: Desks) -> None:
    ours, theirs = desks.draft(1), desks.draft(2)
    desks.leave(desks.approve(ours), close=True)
    with desks.db.work() as uow:
        uow.session.add(SitePacing(site_id=2, cooldown_days=10))
    desks.clock.advance(timedelta(days=9))
    assert desks.refusal(theirs)[0] == "recent-contact"
    desks.clock.advance(timedelta(days=1))
    assert desks.approve(theirs).state is OutboundState.QUEUED


def test_two_blogs_of_one_house_are_one_conversation(desks: Desks) -> None:
    desks.approve(desks.draft(1, "blog-one.test", "dana@house.test"))
    reason, sentence = desks.refusal(desks.draft(2, "blog-two.test", "kim@house.test"))
    assert reason == "in-conversation"
    assert "people at house.test" in sentence
    # At a public mail provider, two people are two people, and one person is one.
    desks.approve(desks.draft(1, "blog-three.test", "dana@gmail.com"))
    desks.approve(desks.draft(1, "blog-four.test", "kim@gmail.com"))
    # The same at the providers' other endings.
    desks.approve(desks.draft(1, "blog-six.test", "dana@yahoo.ca"))
    desks.approve(desks.draft(1, "blog-seven.test", "kim@yahoo.ca"))
    assert desks.refusal(desks.draft(2, "blog-five.test", "Dana@gmail.com"))[0] == "in-conversation"


@pytest.mark.parametrize("house_first", [True, False])
def test_a_house_and_its_people_who_are_written_to_for_a_blog_are_one_conversation(
    desks: Desks, house_first: bool
) -> None:
    both = [desks.draft(1, "house.test", "dana@gmail.com"), desks.draft(2, "blog-one.test", "kim@house.test")]
    first, second = both if house_first else both[::-1]
    desks.approve(first)
    reason, sentence = desks.refusal(second)
    assert reason == "in-conversation"
    assert f"a mail to {'house.test' if house_first else 'this domain'} today" in sentence
    # Who only has an address at a public provider is not of that house.
    desks.approve(desks.draft(1, "gmail.com", "press@google.com"))
    desks.approve(desks.draft(2, "blog-two.test", "li@gmail.com"))


def test_a_rotation_of_the_key_does_not_make_another_person_of_one_at_a_public_provider(desks: Desks) -> None:
    desks.approve(desks.draft(1, "blog-three.test", "dana@gmail.com"))
    with desks.db.read() as uow:
        [recipient] = uow.session.execute(select(col(Conversation.recipient))).scalars()
    assert recipient is not None
    assert "dana" not in recipient
    desks.vault = Vault(["another-key", "test-key"])
    rotate(desks.db, desks.vault)
    desks.vault = Vault(["another-key"])
    refused = desks.refusal(desks.draft(2, "blog-five.test", "dana@gmail.com"))
    assert refused[0] == "in-conversation"
    assert "people at gmail.com" in refused[1]


def test_what_a_former_version_has_stored_is_compared_and_moves_with_a_rotation(desks: Desks) -> None:
    desks.approve(desks.draft(1, "blog-three.test", "dana@gmail.com"))
    with desks.db.work() as uow:
        row = uow.session.execute(select(Conversation)).scalar_one()
        lasting, row.recipient = row.recipient, f"{VAULT.keyed_hashes('recipient', 'dana@gmail.com')[0]}@gmail.com"
    assert desks.refusal(desks.draft(2, "blog-four.test", "dana@gmail.com"))[0] == "in-conversation"
    with desks.db.work() as uow:
        assert (recipients.rewrite_keys(uow, VAULT), recipients.rewrite_keys(uow, VAULT)) == (1, 0)
        assert uow.session.execute(select(col(Conversation.recipient))).scalar_one() == lasting


@pytest.mark.parametrize("emails", [(None, None), ("a@house.test", "b@house.test")], ids=["domain", "recipient"])
def test_two_that_approve_at_once_make_one_conversation(desks: Desks, emails: tuple[str | None, str | None]) -> None:
    for attempt in range(4):
        # With addresses of one house on two domains, only the index of recipients stands between them.
        names = [f"d{attempt}.test"] * 2 if emails[0] is None else [f"one{attempt}.test", f"two{attempt}.test"]
        homes = [email and email.replace("house", f"house{attempt}") for email in emails]
        drafts = [desks.draft(site, name, home) for site, name, home in zip((1, 2), names, homes, strict=True)]
        won: list[Outbound] = []
        refused: list[Refused] = []
        together = threading.Barrier(2)

        def approve(pitch_id: int, together=together, won=won, refused=refused) -> None:  # type: ignore[no-untyped-def]
            together.wait()
            try:
                won.append(desks.approve(pitch_id))
            except Refused as refusal:
                refused.append(refusal)

        threads = [threading.Thread(target=approve, args=(draft,)) for draft in drafts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (len(won), len(refused)) == (1, 1)
        assert refused[0].skips[0].reason == "in-conversation"
        assert f"(thread {won[0].conversation_id}, " in refused[0].skips[0].sentence
    with desks.db.read() as uow:
        assert len(uow.session.exec(select(Outbound)).all()) == 4


@pytest.mark.parametrize("certain", [True, False])
def test_an_answer_from_the_domain_stops_every_other_conversation_with_it(desks: Desks, certain: bool) -> None:
    row = desks.approve(desks.draft(1, "blog.test", "dana@house.test"))
    other = desks.approve(desks.draft(2, "elsewhere.test"))
    with desks.db.work() as uow:
        # An old thread of the other site in another mailbox: the answer is matched to it, and the open one must stop.
        site = uow.session.get_one(Site, 2)
        old = a_prospect(uow, site, "blog.test" if certain else "old.test", stage=Stage.LOST)
        thread = a_conversation(
            uow, old, a_contact(uow, old), a_mailbox(uow, "kim@other.test"), state=ConversationState.CLOSED
        )
        inbound = Inbound(
            mailbox_id=2, content_key="k", state=InboundState.MATCHED, size=1, stored_at=uow.now(), kind="reply",
            from_address="kim@mail.house.test", prospect_id=old.id, conversation_id=thread.id,
        )  # fmt: skip
        uow.session.add(inbound)
        uow.session.flush()
        for _ in range(2):  # a crash in between must not block twice
            stop_others(uow, inbound, Blocking.REPLY)
    with desks.db.read() as uow:
        blocks = {(one.prospect_id, one.kind) for one in uow.session.exec(select(BlockingEvent))}
        expected = {(row.prospect_id, Blocking.POSSIBLE_REPLY)}
        if certain:
            expected.add((row.prospect_id, Blocking.REPLY))
        assert blocks == expected
        assert other.prospect_id not in {one for one, _ in blocks}
        notes = uow.session.exec(select(StageEvent).where(col(StageEvent.event) == "stopped_by_domain")).all()
        assert len(notes) == len(expected)


def test_a_site_sends_from_its_own_mailboxes_in_its_language(desks: Desks) -> None:
    with desks.db.work() as uow:
        later = uow.now()
        german = a_mailbox(uow, "eva@acme.test", polled_at=later)
        only_other = a_mailbox(uow, "tom@other.test", polled_at=later)
        uow.session.add(MailboxPacing(mailbox_id=german.id, language="de"))
        uow.session.add(MailboxPacing(mailbox_id=1, language="en"))
        uow.session.add(MailboxSite(mailbox_id=only_other.id, site_id=2))
        german_id, other_id = german.id, only_other.id
    assert desks.approve(desks.draft(1, "zeitung.test", language="de")).mailbox_id == german_id
    assert desks.approve(desks.draft(1, "paper.test", language="en")).mailbox_id == 1
    row = desks.approve(desks.draft(2, "news.test"))
    assert row.mailbox_id == other_id
    with desks.db.read() as uow:
        [note] = uow.session.exec(
            select(StageEvent).where(
                col(StageEvent.event) == "pitch_approved", col(StageEvent.prospect_id) == row.prospect_id
            )
        )
        assert note.data["mailbox"] == "tom@other.test: 0 of today's 1000 are taken"
        assert uow.session.get_one(Prospect, row.prospect_id).site_id == 2
