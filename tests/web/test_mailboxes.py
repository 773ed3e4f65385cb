"""The pages of the mailboxes: the list, one of them, and the steps that connect one, with servers that really answer."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from app.clock import FixedClock
from app.deliverability import asked_looks
from app.errors import BadInput, NotFound
from app.jobs import RecordingDispatcher
from app.mail import accounts
from app.mail.sealed import bound_to
from app.models import Folder, Mailbox, MailboxPacing, Role
from app.settings import Settings
from tests.support.desk import furnish
from tests.support.dovecot import dovecot
from tests.support.http import House
from tests.support.signin_smtp import PASSWORD, guarded_smtp
from tests.web.test_access import csrf_of
from tests.web.test_pages import Counter

ANA = "ana@acme.test"


def post(browser: Any, path: str, **data: Any) -> Any:
    return browser.post(path, data={"csrf": csrf_of(browser.get("/")), **data})


def apart(work: Any, *given: Any) -> None:
    """As in a worker: in a thread that has no loop of its own, whatever browser tests have left in this one."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(work, *given).result()


def the_mailbox(house: House) -> Mailbox | None:
    with house.db.read() as look:
        return look.session.exec(select(Mailbox)).one_or_none()


@pytest.fixture
def house(settings: Settings, clock: FixedClock, dispatcher: RecordingDispatcher) -> Any:
    made = House(settings.model_copy(update={"mail_allow_plaintext": True}), clock=clock, dispatcher=dispatcher)
    yield made
    made.close()


def test_a_mailbox_is_connected_step_by_step_and_sends_nothing_before_the_last(house: House) -> None:
    browser = house.browser(Role.OPERATOR)
    assert "Connect a mailbox to send." in browser.get("/mailboxes").text
    assert 'href="/mailboxes/new/imap"' in browser.get("/mailboxes/new").text
    with guarded_smtp() as smtp, dovecot(ANA) as imap:
        given = {
            "email": ANA, "from_name": "Ana Silva", "time_zone": "Europe/Lisbon",
            "smtp_host": "127.0.0.1", "smtp_port": smtp.port, "smtp_security": "none",
            "imap_host": "127.0.0.1", "imap_port": imap.port, "imap_security": "none",
        }  # fmt: skip
        wrong = post(browser, "/mailboxes/new/imap", **given, password="not-this-one")
        assert (wrong.status_code, the_mailbox(house)) == (422, None)
        assert 'href="#f-password"' in wrong.text
        assert "nothing was stored" in wrong.text
        assert f'value="{imap.port}"' in wrong.text, "what was entered is kept"
        assert "not-this-one" not in wrong.text, "but no secret"
        closed = post(browser, "/mailboxes/new/imap", **{**given, "smtp_port": 1}, password=PASSWORD)
        assert 'href="#f-smtp_host"' in closed.text
        assert "465 speaks tls, 587 speaks starttls" in closed.text

        added = post(browser, "/mailboxes/new/imap", **given, password=PASSWORD)
        assert added.status_code == 303, added.text
        assert added.headers["location"] == "/mailboxes/1/checks?did=added"
        again = post(browser, "/mailboxes/new/imap", **given, password=PASSWORD)
        assert (again.status_code, "is connected already" in again.text) == (422, True)
        assert smtp.messages == []

        looked = post(browser, "/mailboxes/1/checks")
        assert (looked.status_code, looked.headers["location"]) == (303, "/mailboxes/1/checks")
        waiting = browser.get("/mailboxes/1/checks").text
        assert 'hx-trigger="every 2s"' in waiting
        assert "A worker begins with it in a moment." in waiting
        apart(asked_looks.run, house.container, 1)
        found = browser.get("/mailboxes/1/checks").text
        assert "every 2s" not in found
        for line in ("smtp-sign-in", "imap-sign-in", "sent-folder"):
            assert f'<strong class="mono">{line}</strong>' in found
        assert "smtp-sign-in" not in browser.get("/mailboxes/1/test").text, "the test message is another look"
        assert smtp.messages == []
        post(browser, "/mailboxes/1/test")
        assert post(browser, "/mailboxes/1/look/cancel").headers["location"] == "/mailboxes/1/test"
        assert "It stops at the next step." in browser.get("/mailboxes/1/test").text
        apart(asked_looks.run, house.container, 1)
        assert "Cancelled. What was found before stands below." in browser.get("/mailboxes/1/test").text
        assert smtp.messages == [], "it was called off before anything was sent"

        assert post(browser, "/mailboxes/1/password", password="not-this-one").status_code == 422
        assert "being set up" in str(the_mailbox(house).paused_reason)  # type: ignore[union-attr]
    for step in ("sign-in", "checks", "limits", "name", "test"):
        page = browser.get(f"/mailboxes/1/{step}").text
        assert "being set up" in page or step == "sign-in"
        assert PASSWORD not in page
    limits = {"daily_cap": 30, "gap_min_seconds": 60, "gap_max_seconds": 90, "ramp_start": 5, "ramp_step": 3}
    refused = post(browser, "/mailboxes/1/limits", **{**limits, "daily_cap": 9000})
    assert (refused.status_code, 'value="9000"' in refused.text) == (422, True)
    assert post(browser, "/mailboxes/1/limits", **limits).headers["location"] == "/mailboxes/1/name?did=saved"
    assert post(browser, "/mailboxes/1/name", from_name="").status_code == 422
    assert post(browser, "/mailboxes/1/name", from_name="Ana S").headers["location"] == "/mailboxes/1/test?did=saved"
    made = the_mailbox(house)
    assert made is not None
    assert (made.daily_cap, made.from_name, made.time_zone) == (30, "Ana S", "Europe/Lisbon")
    assert made.secret not in ("", PASSWORD)
    assert made.paused_reason is not None
    assert post(browser, "/mailboxes/1/resume").headers["location"] == "/mailboxes/1?did=resumed"
    assert the_mailbox(house).paused_reason is None  # type: ignore[union-attr]
    with house.db.read() as look:
        assert look.session.exec(select(MailboxPacing)).one().ramp_start == 5


def test_the_list_tells_what_is_wrong_and_costs_a_fixed_number_of_statements(house: House) -> None:
    furnish(house)
    lead = house.browser(Role.LEAD)
    with house.db.work() as uow:
        accounts.pause(uow, 1, reason="the provider wants to talk")
    counter = Counter(house)
    lead.get("/mailboxes")
    assert len(counter.during(lead, "/mailboxes")) <= 8
    page = lead.get("/mailboxes").text
    assert "the provider wants to talk" in page
    assert "/mailboxes/new" not in page, "only an operator connects one"
    assert "Resume" not in lead.get("/mailboxes/1").text
    operator = house.browser(Role.OPERATOR)
    assert "Resume" in operator.get("/mailboxes/1").text
    post(operator, "/mailboxes/1/resume")
    assert post(operator, "/mailboxes/1/pause", reason="").status_code == 422
    assert post(operator, "/mailboxes/1/pause", reason="We move").headers["location"] == "/mailboxes/1?did=paused"
    assert "We move (operator@acme.test)" in lead.get("/mailboxes").text


def test_a_rest_that_ran_out_is_shown_as_none_before_its_next_turn(house: House, clock: FixedClock) -> None:
    furnish(house)
    operator = house.browser(Role.OPERATOR)
    with house.db.work() as uow:
        box = accounts.get(uow.session, 1)
        box.paused_reason, box.paused_until = "451 try later", uow.now() + timedelta(minutes=15)
    pages = ("/mailboxes", "/mailboxes/1", "/mailboxes/1/limits", "/mailboxes/1/checks", "/settings")
    assert ["451 try later" in operator.get(path).text for path in pages] == [True] * 5
    assert "A mailbox needs attention." in operator.get("/").text
    clock.advance(timedelta(minutes=16))
    assert ["451 try later" in operator.get(path).text for path in pages] == [False] * 5
    assert "A mailbox needs attention." not in operator.get("/").text
    assert "Resume" not in operator.get("/mailboxes/1").text


def test_a_folder_that_was_given_up_is_read_again_by_its_button(house: House) -> None:
    furnish(house)
    with house.db.work() as uow:
        inbox = uow.session.exec(select(Folder).where(Folder.name == "INBOX")).one()
        inbox.stopped_reason, inbox.renumbered_at = "its server has renumbered it", uow.now()
    assert "Read it again" not in house.browser(Role.LEAD).get("/mailboxes/1").text
    operator = house.browser(Role.OPERATOR)
    page = operator.get("/mailboxes/1").text
    assert "its server has renumbered it" in page
    assert "it was read anew" in page
    assert "Read it again" in page
    answer = post(operator, "/mailboxes/1/folders/start", name="INBOX")
    assert answer.headers["location"] == "/mailboxes/1?did=started"
    assert "its server has renumbered it" not in operator.get("/mailboxes/1").text
    assert post(operator, "/mailboxes/1/folders/start", name="INBOX").status_code == 409


def test_resting_and_renaming_want_a_mailbox_and_words(house: House) -> None:
    with house.db.work() as uow, pytest.raises(NotFound):
        accounts.pause(uow, 7, reason="x")
    furnish(house)
    with house.db.work() as uow, pytest.raises(BadInput):
        accounts.pause(uow, 1, reason=" ")
    with house.db.work() as uow, pytest.raises(BadInput):
        accounts.rename(uow, 1, "two\nlines")


def test_a_mailbox_is_moved_by_its_page_only_when_the_new_servers_take_it(house: House) -> None:
    operator = house.browser(Role.OPERATOR)
    with guarded_smtp() as smtp, dovecot(ANA) as imap:
        given = {
            "smtp_host": "127.0.0.1", "smtp_port": smtp.port, "smtp_security": "none",
            "imap_host": "127.0.0.1", "imap_port": imap.port, "imap_security": "none",
        }  # fmt: skip
        first = {"email": ANA, "from_name": "Ana Silva", "time_zone": "Europe/Lisbon", "password": PASSWORD}
        assert post(operator, "/mailboxes/new/imap", **given, **first).status_code == 303
        wrong = post(operator, "/mailboxes/1/servers", **{**given, "imap_port": 1}, time_zone="Europe/Berlin")
        assert (wrong.status_code, 'href="#f-imap_host"' in wrong.text) == (422, True)
        # The stored password is for the servers that it was entered for: another one is not even asked.
        with socket.create_server(("127.0.0.2", 0)) as listener:
            listener.settimeout(1)
            other = {**given, "imap_host": "127.0.0.2", "imap_port": listener.getsockname()[1]}
            refused = post(operator, "/mailboxes/1/servers", **other, time_zone="Europe/Berlin")
            assert (refused.status_code, 'href="#f-password"' in refused.text) == (422, True)
            with pytest.raises(TimeoutError):
                listener.accept()
        row = the_mailbox(house)
        assert row is not None
        assert (row.imap_port, row.time_zone) == (imap.port, "Europe/Lisbon")
        # Nor is one kept that no server has taken.
        wrong = post(operator, "/mailboxes/1/servers", **given, time_zone="Europe/Lisbon", password="not the one")
        assert wrong.status_code == 422
        row = the_mailbox(house)
        assert row is not None
        assert house.container.vault.open(row.secret, bound_to(1)) == PASSWORD
        with dovecot(ANA) as elsewhere:
            moved = post(
                operator, "/mailboxes/1/servers", **{**given, "imap_port": elsewhere.port}, time_zone="Europe/Berlin"
            )
            assert moved.headers["location"] == "/mailboxes/1?did=moved"
        row = the_mailbox(house)
        assert row is not None
        assert (row.imap_port, row.time_zone) == (elsewhere.port, "Europe/Berlin")
    assert post(operator, "/mailboxes/1/off").headers["location"] == "/mailboxes/1?did=off"
    row = the_mailbox(house)
    assert row is not None
    assert (row.active, row.secret) == (False, "")
    assert post(operator, "/mailboxes/1/resume").status_code == 409
    assert "It is switched off." in operator.get("/mailboxes/1/servers").text


def test_further_addresses_are_saved_and_the_page_says_so(house: House) -> None:
    operator = house.browser(Role.OPERATOR)
    furnish(house)
    kept = post(operator, "/mailboxes/1/aliases", aliases="hello@brand.test").headers["location"]
    page = operator.get(kept).text
    assert "The addresses are saved." in page
    assert "hello@brand.test" in page
