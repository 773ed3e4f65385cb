"""The editors answer in the thread, change their sites, and behave as their parts say."""

from __future__ import annotations

import email
import email.policy
import smtplib
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import timedelta

import pytest

from app.clock import SteppedClock
from app.sandbox import cast
from app.sandbox.editors import Desk, Nothing, Notice, Server, decide
from app.sandbox.sites import Sites
from tests.support.mailserver import PASSWORD, Bounce, PostOffice, mail_server


@pytest.fixture
def world() -> Iterator[tuple[PostOffice, Sites, Desk, SteppedClock]]:
    clock = SteppedClock()
    addresses = [cast.OUR_MAILBOX, *(editor.address for editor in cast.EDITORS)]
    with mail_server(*addresses, clock=clock) as office, Sites() as sites:
        server = Server(office.host, office.smtp_port, office.imap_port, dict.fromkeys(addresses, PASSWORD))
        yield office, sites, Desk(server, sites, clock), clock


def pitch(office: PostOffice, editor: cast.Editor, number: int = 1) -> bytes:
    raw = (
        f"From: {cast.OUR_NAME} <{cast.OUR_MAILBOX}>\r\nReply-To: mara+tok{number}@{cast.OUR_DOMAIN}\r\n"
        f"To: {editor.address}\r\nSubject: A link\r\nMessage-ID: <{number}.{editor.domain}@{cast.OUR_DOMAIN}>\r\n"
        f"References: <root@{cast.OUR_DOMAIN}>\r\n\r\nWould {cast.DEPTHS.url} help?\r\n"
    ).encode()
    with smtplib.SMTP(office.host, office.smtp_port, "client.test", timeout=10) as client:
        client.login(cast.OUR_MAILBOX, PASSWORD)
        client.sendmail(cast.OUR_MAILBOX, [editor.address], raw)
    return raw


def ours(office: PostOffice) -> list[email.message.EmailMessage]:
    return [email.message_from_bytes(raw, policy=email.policy.default) for raw in office.stored(cast.OUR_MAILBOX)]


def page(sites: Sites, editor: cast.Editor) -> str:
    request = urllib.request.Request(f"http://127.0.0.1:{sites.port}{editor.path}", headers={"Host": editor.domain})
    with urllib.request.urlopen(request, timeout=5) as response:
        return str(response.read().decode())


def test_an_answer_is_in_the_thread_and_the_mention_becomes_a_link(world) -> None:
    office, sites, desk, _ = world
    editor = cast.editor_at("quaysidenotes.test")
    raw = pitch(office, editor)
    assert [deed.what for deed in desk.round()] == ["adds the link", "answers"]
    (answer,) = ours(office)
    assert answer["In-Reply-To"] == f"<1.{editor.domain}@{cast.OUR_DOMAIN}>"
    assert answer["References"].split() == [f"<root@{cast.OUR_DOMAIN}>", answer["In-Reply-To"]]
    assert (answer["To"], answer["Subject"]) == ("mara+tok1@tidelark.test", "Re: A link")
    assert f"> Would {cast.DEPTHS.url} help?" in answer.get_content()
    assert f'<a href="{cast.DEPTHS.url}">Tidelark</a> was the only app' in page(sites, editor)
    assert desk.mailbox(editor.address) == [raw]
    assert desk.round() == []


def test_the_holiday(world) -> None:
    office, _, desk, clock = world
    editor = cast.editor_at("estuaryeye.test")
    pitch(office, editor)
    desk.round()
    pitch(office, editor, 2)
    desk.round()
    (notice,) = ours(office)
    assert notice["Auto-Submitted"] == "auto-replied"
    assert notice["Return-Path"] == "<>"
    back = desk.began + timedelta(days=editor.away.days)
    assert f"back on {back.day} {back:%B %Y}" in notice.get_content()
    clock.advance(timedelta(days=editor.away.days))
    assert desk.round() == []  # what came during the holiday is not read
    pitch(office, editor, 3)
    assert [deed.what for deed in desk.round()] == ["adds the link", "answers"]


def test_lost_and_restored(world) -> None:
    office, sites, desk, _ = world
    editor = cast.editor_at("sandbarpost.test")
    pitch(office, editor)
    desk.round()
    assert sites.has_link(editor, cast.DEPTHS.url)
    sites.remove_links(editor)
    assert cast.OUR_DOMAIN not in page(sites, editor)
    pitch(office, editor, 2)
    desk.round()
    assert cast.DEPTHS.url in page(sites, editor)


def test_a_full_mailbox_is_a_report_from_the_server(world) -> None:
    office, _, desk, _ = world
    editor = cast.editor_at("mooringsweekly.test")
    office.bounces[editor.address] = Bounce(*editor.bounce)
    pitch(office, editor)
    assert desk.round() == []
    assert [message.get_content_type() for message in ours(office)] == ["multipart/report"]


def test_the_dead_page_of_a_competitor_is_dead() -> None:
    with Sites() as sites:
        for competitor in cast.COMPETITORS:
            request = urllib.request.Request(
                f"http://127.0.0.1:{sites.port}{competitor.page}", headers={"Host": competitor.domain}
            )
            if competitor.alive:
                urllib.request.urlopen(request, timeout=5).close()
            else:
                with pytest.raises(urllib.error.HTTPError) as error:
                    urllib.request.urlopen(request, timeout=5)
                error.value.close()
                assert error.value.code == 404


def test_decisions_are_pure_and_total() -> None:
    for editor in cast.EDITORS:
        for read in range(4):
            for day in (0.0, 15.9, 16.0, 40.0):
                for noticed in (False, True):
                    reaction = decide(editor, read, day, noticed)
                    away = editor.away is not None and day < editor.away.days
                    assert isinstance(reaction, Notice | Nothing | cast.Turn)
                    assert isinstance(reaction, Notice) == (away and not noticed)


def test_the_cast_has_every_part() -> None:
    domains = [person.domain for person in (*cast.EDITORS, *cast.NOISE, *cast.COMPETITORS)]
    assert len(set(domains)) == len(domains)
    assert all(domain.endswith(".test") for domain in domains)
    assert len(cast.EDITORS) >= 12
    assert all(turn.says or turn.does or not number for e in cast.EDITORS for number, turn in enumerate(e.turns))
