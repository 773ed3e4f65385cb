"""Mail of our own people in a conversation: never the prospect's answer, and never anybody's wish to be left alone."""

from __future__ import annotations

from app.desk.addressees import addressees
from app.domain.blocking import Blocking
from app.domain.pipeline import Stage
from app.inbox import scouting, service
from app.mail.ports import Head
from app.models import Conversation, Mailbox, Site, Triage
from app.reports import inbox as reports
from app.reports import pipeline
from tests.slices.test_inbox_acting import World, parser, world  # noqa: F401 - fixtures
from tests.support.letters import letter
from tests.support.world import a_mailbox

BOSS = "Boss <boss@acme.test>"
STOP = "Anna, please stop writing to them. They do not want our mails."


def test_a_colleague_in_copy_is_not_the_prospect(world: World) -> None:  # noqa: F811
    out = world.send()
    [row] = world.receive(
        letter(STOP, sender=BOSS, to="dana@editor.test", cc="ana@acme.test", references=out.message_id)
    )
    assert (row.kind, row.rule, row.intent) == ("other", "own-side", None)
    assert row.prospect_id == out.prospect_id
    assert world.stage(out.prospect_id) is Stage.PITCHED
    assert not any(world.suppressed(address) for address in ("dana@editor.test", "boss@acme.test"))
    # It may hand on what somebody has told them: nothing leaves until a person has looked.
    assert world.blocks(out.prospect_id) == [Blocking.POSSIBLE_REPLY]
    with world.db.read() as uow:
        assert uow.session.get_one(Triage, row.id).waits
        assert reports.opened(uow, row.id).possible
        assert sum(pipeline.counts(uow, badge="replied").values()) == 0
    with world.db.work() as uow:
        service.dismiss(uow, row.id, actor="ana")
    assert world.blocks(out.prospect_id) == []


def test_what_a_colleague_hands_on_counts_once_a_person_says_so(world: World) -> None:  # noqa: F811
    out = world.send()
    [row] = world.receive(letter("Dana told me yes.", sender=BOSS, references=out.message_id))
    with world.db.work() as uow:
        service.is_reply(uow, row.id, actor="ana")
    with world.db.read() as uow:
        assert sum(pipeline.counts(uow, badge="replied").values()) == 1
        row = service.get(uow, row.id)
        # The answer to it is for the prospect, not for the colleague.
        assert addressees(uow, row, uow.session.get_one(Conversation, out.conversation_id)).sure == "dana@editor.test"


def test_an_opt_out_with_a_mark_of_ours_counts_whoever_it_seems_to_come_from(world: World) -> None:  # noqa: F811
    out = world.send()
    [row] = world.receive(letter("", sender=BOSS, to="ana@acme.test", subject=f"unsubscribe-{out.token}"))
    assert (row.kind, row.match_kind) == ("opt-out", "token")
    assert world.stage(out.prospect_id) is Stage.LOST
    assert world.suppressed("dana@editor.test")


def test_every_domain_of_ours_is_our_side(world: World) -> None:  # noqa: F811
    with world.db.work() as uow:
        uow.session.get_one(Site, 1).domains = ["acme.test", "acme-old.test"]
        a_mailbox(uow, "ana@agency.test")
    out = world.send()
    senders = ["boss@mail.acme.test", "Chief <chief@ACME-old.test>", "x@agency.test"]
    rows = world.receive(*(letter("unsubscribe me", sender=sender, in_reply_to=out.message_id) for sender in senders))
    assert [(row.kind, row.rule) for row in rows] == [("other", "own-side")] * 3
    away = letter("I am out.", sender=BOSS, in_reply_to=out.message_id, auto_submitted="auto-replied")
    nobody = letter("Lunch? Please stop writing to me.", sender=BOSS, subject="Lunch")
    [absent, lunch] = world.receive(away, nobody)
    assert (absent.kind, absent.prospect_id, lunch.kind, lunch.prospect_id) == ("auto-reply", None, "other", None)
    assert not world.suppressed("boss@acme.test")


def test_whom_we_write_to_at_our_own_provider_is_not_our_side(world: World) -> None:  # noqa: F811
    with world.db.work() as uow:
        uow.session.get_one(Mailbox, 1).email = "ana@gmail.com"
        a_mailbox(uow, "ana@small-provider.test")
    out = world.send()
    known = world.send("small-provider.test")
    [stranger, neighbour] = world.receive(
        letter("unsubscribe me", sender="dana.private@gmail.com", in_reply_to=out.message_id),
        letter("unsubscribe me", sender="dana@small-provider.test", in_reply_to=known.message_id),
    )
    assert (stranger.kind, neighbour.kind) == ("opt-out", "opt-out")


def test_a_folder_of_internal_mail_holds_no_answers(world: World) -> None:  # noqa: F811
    out = world.send()

    def head(sender: str) -> Head:
        raw = f"From: {sender}\r\nIn-Reply-To: {out.message_id}\r\nSubject: Re: x\r\n\r\n".encode()
        return Head(uid=1, message_id="<m@x.test>", size=10, own=False, header=raw)

    with world.db.read() as uow:
        mailbox = uow.session.get_one(Mailbox, 1)
    assert not scouting._answers(world.deps, mailbox, [head(BOSS)])
    assert scouting._answers(world.deps, mailbox, [head(BOSS), head("dana@editor.test")])
