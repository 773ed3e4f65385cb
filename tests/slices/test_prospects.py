"""Prospects move by compare-and-set with their history; what blocks is stored once; suppression is final."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy.exc import IntegrityError

from app.db.vault import Vault
from app.db.work import Database
from app.domain.blocking import Blocking
from app.domain.pipeline import Event, Facts, LostReason, Stage
from app.errors import BadInput, Conflict, IllegalTransition, NotFound, Unavailable
from app.models import SuppressionKind
from app.prospects import contacts, repository, service, suppression
from tests.support.world import VAULT, a_contact, a_conversation, a_mailbox, a_prospect, a_site


def test_a_move_changes_the_stage_and_writes_its_line(db: Database) -> None:
    with db.work() as uow:
        prospect = a_prospect(uow, a_site(uow))
        line = service.apply(uow, prospect.id, Event.MENTION_CHECKED, Facts(verdict="no-mention"), actor="ana")
        assert (line.from_stage, line.to_stage) == (Stage.PROSPECT, Stage.CHECKED_MENTION)
    with db.read() as uow:
        assert service.get(uow, 1).stage is Stage.CHECKED_MENTION
        assert [event.event for event in repository.events_of(uow.session, 1)] == ["mention_checked"]


def test_a_refused_move_changes_nothing(db: Database) -> None:
    with db.work() as uow:
        a_prospect(uow, a_site(uow))
    with (
        pytest.raises(IllegalTransition, match=r"editor\.test: it stands at “prospect” now, where a first pitch"),
        db.work() as uow,
    ):
        service.apply(uow, 1, Event.PITCH_SENT, Facts(accepted=True), actor="ana")
    with pytest.raises(NotFound), db.work() as uow:
        service.apply(uow, 99, Event.PITCH_SENT, Facts(), actor="ana")
    with db.read() as uow:
        assert service.get(uow, 1).stage is Stage.PROSPECT
        assert repository.events_of(uow.session, 1) == []


def test_of_two_that_give_up_at_once_one_wins(db: Database) -> None:
    with db.work() as uow:
        a_prospect(uow, a_site(uow))
    outcomes: list[str] = []
    ready = threading.Barrier(4)

    def go() -> None:
        ready.wait()
        try:
            with db.work() as uow:
                service.give_up(uow, 1, LostReason.DECLINED, actor="x")
            outcomes.append("won")
        except (IllegalTransition, Conflict):
            outcomes.append("refused")

    threads = [threading.Thread(target=go) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["refused", "refused", "refused", "won"]
    with db.read() as uow:
        assert len(repository.events_of(uow.session, 1)) == 1


def test_an_unsubscribe_can_never_be_reopened(db: Database) -> None:
    with db.work() as uow:
        a_prospect(uow, a_site(uow))
        service.give_up(uow, 1, LostReason.UNSUBSCRIBED, actor="system")
    with pytest.raises(IllegalTransition, match="final"), db.work() as uow:
        service.reopen(uow, 1, "new editor", actor="ana")


def test_the_end_closes_the_conversation_and_frees_the_domain(db: Database) -> None:
    with db.work() as uow:
        prospect = a_prospect(uow, a_site(uow))
        contact, mailbox = a_contact(uow, prospect), a_mailbox(uow)
        a_conversation(uow, prospect, contact, mailbox)
    with pytest.raises(IntegrityError), db.work() as uow:
        a_conversation(uow, prospect, contact, mailbox)
    with db.work() as uow:
        service.give_up(uow, prospect.id, LostReason.DECLINED, actor="ana")
        a_conversation(uow, prospect, contact, mailbox)


def test_one_message_blocks_once_and_only_a_possible_reply_can_be_cleared(db: Database) -> None:
    with db.work() as uow:
        prospect = a_prospect(uow, a_site(uow))
        possible = service.block(uow, prospect.id, Blocking.POSSIBLE_REPLY)
        reply = service.block(uow, prospect.id, Blocking.REPLY)
        assert len(repository.blocking_after(uow.session, prospect.id, 0)) == 2
        service.clear_block(uow, possible.id, actor="ana")
        assert service.clear_block(uow, possible.id, actor="ben").cleared_by == "ana"
        assert [event.kind for event in repository.blocking_after(uow.session, prospect.id, 0)] == [Blocking.REPLY]
        assert repository.blocking_after(uow.session, prospect.id, reply.id) == []
        with pytest.raises(Conflict, match="certain"):
            service.clear_block(uow, reply.id, actor="ana")


@pytest.mark.parametrize(
    "address",
    [
        "",
        "dana",
        "a@b>\r\nRCPT TO:<x",
        '"a\r\nDATA"@b.test',
        "a@[127.0.0.1]",
        "a@localhost",
        "a@b.test, c@d.test",
        "a" * 320 + "@b.test",
        "dana@b.test\0",
    ],
)
def test_addresses_that_are_none_are_refused_by_field(address: str) -> None:
    with pytest.raises(BadInput) as refused:
        contacts.clean_address(address)
    assert refused.value.problems[0].field == "email"


def test_contacts_are_kept_once_and_people_come_first(db: Database) -> None:
    with db.work() as uow:
        prospect = a_prospect(uow, a_site(uow))
        contacts.add(uow, VAULT, prospect.id, "Info@Editor.test", actor="ana")
        with pytest.raises(BadInput):
            contacts.add(uow, VAULT, prospect.id, "dana@editor.test", name="Dana\r\nBcc: x@far.test", actor="ana")
        contacts.add(
            uow,
            VAULT,
            prospect.id,
            "dana@editor.test",
            name="Dana",
            actor="ana",
            source_url="https://editor.test/about",
        )
        contacts.add(uow, VAULT, prospect.id, "dana@EDITOR.test", role="Editor", actor="ana")
        found = repository.contacts_of(uow.session, prospect.id)
        assert [(c.email, c.is_role_address, c.role) for c in found] == [
            ("dana@editor.test", False, "Editor"),
            ("info@editor.test", True, None),
        ]
        chosen = contacts.best(uow, prospect.id)
        assert chosen is not None
        assert chosen.name == "Dana"


def test_suppression_matches_the_widest_reading_and_survives_a_new_key(db: Database) -> None:
    with db.work() as uow:
        suppression.suppress(
            uow,
            VAULT,
            "Dana+work@Editor.test",
            kind=SuppressionKind.ADDRESS,
            reason="unsubscribed",
            source="mail",
            actor="system",
        )
        suppression.suppress(
            uow,
            VAULT,
            "blog.shop.test",
            kind=SuppressionKind.DOMAIN,
            reason="asked by phone",
            source="ana",
            actor="ana",
        )
        again = suppression.suppress(
            uow, VAULT, "dana@editor.test", kind=SuppressionKind.ADDRESS, reason="other", source="mail", actor="system"
        )
        assert again.reason == "unsubscribed"
    rotated = Vault(["newer-key", "test-key"])
    with db.read() as uow:
        for vault in (VAULT, rotated):
            for address in (
                "dana@editor.test",
                "DANA@editor.test",
                "dana+x@editor.test",
                "anyone@shop.test",
                "x@news.shop.test",
            ):
                skip = suppression.refusal(uow.session, vault, address)
                assert skip is not None, address
                assert skip.reason == "suppressed"
            assert suppression.refusal(uow.session, vault, "tom@editor.test") is None


def test_a_credential_opens_only_in_its_row_and_under_a_known_key() -> None:
    sealed = VAULT.seal("hunter2", "mailbox:1:secret")
    assert "hunter2" not in sealed
    assert Vault(["new", "test-key"]).open(sealed, "mailbox:1:secret") == "hunter2"
    with pytest.raises(Unavailable, match="another row"):
        VAULT.open(sealed, "mailbox:2:secret")
    with pytest.raises(Unavailable, match="GAPBRIDGE_SECRET_KEY"):
        Vault(["other"]).open(sealed, "mailbox:1:secret")


def test_a_signature_fits_its_value_and_purpose() -> None:
    token = VAULT.sign("opt-out", "17")
    assert VAULT.verify("opt-out", "17", token.upper())
    assert Vault(["new", "test-key"]).verify("opt-out", "17", token)
    assert not VAULT.verify("opt-out", "18", token)
    assert not VAULT.verify("reply", "17", token)
