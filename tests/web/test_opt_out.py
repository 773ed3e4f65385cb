"""The opt-out link: a scanner's look changes nothing, a person's or a mail program's word does, for ever and for that token alone."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update
from sqlmodel import col

from app.clock import FixedClock
from app.domain.delivery import OutboundState
from app.domain.pipeline import Stage
from app.models import Conversation, ConversationState, Outbound, Prospect, StageEvent, Suppression
from app.outbox import service as outbox
from app.prospects import repository
from app.web.pages.public import ADDRESSES_AN_HOUR
from tests.support.desk import furnish
from tests.support.http import House

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def tokens(house: House) -> dict[str, str]:
    """Recipient -> token of the messages that have left."""
    furnish(house, more=0)
    with house.db.read() as uow:
        return {row[0]: row[1] for row in uow.session.execute(select(Outbound.to_address, Outbound.token))}


def suppressed(house: House) -> list[str]:
    with house.db.read() as uow:
        return sorted(str(value) for value in uow.session.execute(select(Suppression.value)).scalars())


def test_fifty_scanners_open_every_link_and_nobody_is_opted_out(house: House, tokens: dict[str, str]) -> None:
    known, unknown = next(iter(tokens.values())), "a" * 24
    agents = ("GoogleImageProxy", "Barracuda Sentinel", "Mozilla/5.0 (SafeLinks)", "curl/8", "")
    methods = ("GET", "HEAD", "OPTIONS", "GET", "HEAD")
    for number, (agent, method) in zip(range(50), itertools.product(agents * 2, methods), strict=False):
        at = f"/u/{known if number % 5 else unknown}" + (
            "?List-Unsubscribe=One-Click" if number % 3 else "?confirm=yes"
        )
        answer = house.stranger().request(method, at, headers={"User-Agent": agent})
        assert answer.status_code in (200, 405)
    # A bare POST, or one with another body, is a scanner's, too: it gets the page with the button.
    for body in ({}, {"List-Unsubscribe": "one-click"}, {"List-Unsubscribe": "Yes"}, {"confirm": "no"}):
        answer = house.stranger().post(f"/u/{known}", data=body)
        assert (answer.status_code, "Do not write to me again" in answer.text) == (200, True)
    assert house.stranger().post(f"/u/{known}?List-Unsubscribe=One-Click&confirm=yes").status_code == 200
    assert suppressed(house) == []


def test_one_click_takes_both_forms_of_body_and_answers_without_cookie_or_redirect(
    house: House, tokens: dict[str, str]
) -> None:
    (first, one), (second, two) = list(tokens.items())[:2]
    answer = house.stranger().post(f"/u/{one}", data=ONE_CLICK)
    # RFC 8058 3.1: the body may come as multipart/form-data just as well.
    other = house.stranger().post(f"/u/{two}", files={"List-Unsubscribe": (None, "One-Click")})
    for got in (answer, other):
        assert (got.status_code, got.text, "location" in got.headers) == (200, "You are unsubscribed.\n", False)
        assert "set-cookie" not in got.headers
    assert suppressed(house) == sorted((first, second))


def test_a_token_opts_out_its_own_address_and_a_forged_one_nobody(house: House, tokens: dict[str, str]) -> None:
    (first, one), (_, two) = list(tokens.items())[:2]
    swapped = one[:12] + two[12:]
    for forged in (swapped, one[:-1], one.upper() if one.upper() != one else "x", "b" * 24):
        answer = house.stranger().post(f"/u/{forged}", data=ONE_CLICK)
        assert (answer.status_code, "not known" in answer.text) == (404, True)
    assert suppressed(house) == []
    assert house.stranger().post(f"/u/{one}", data={"confirm": "yes"}).status_code == 200
    assert suppressed(house) == [first]


def test_a_token_works_whatever_became_of_its_campaign(house: House, tokens: dict[str, str], clock: FixedClock) -> None:
    with house.db.work() as uow:
        uow.session.execute(update(Outbound).values(state=OutboundState.CANCELLED, hold_reason="expired"))
        uow.session.execute(update(Conversation).values(state=ConversationState.CLOSED, closed_at=uow.now()))
    clock.advance(timedelta(days=3000))
    for token in tokens.values():
        assert "Do not write to me again" in house.stranger().get(f"/u/{token}").text
        assert house.stranger().post(f"/u/{token}", data=ONE_CLICK).status_code == 200
    assert suppressed(house) == sorted(tokens)


def test_an_unknown_token_offers_to_enter_the_address(house: House, tokens: dict[str, str]) -> None:
    address = next(iter(tokens))
    unknown = "/u/" + "a" * 24
    assert 'name="email"' in house.stranger().get(unknown).text
    wrong = house.stranger().post(unknown, data={"email": "not an address"})
    assert (wrong.status_code, "not an address" in wrong.text, suppressed(house)) == (422, True, [])
    done = house.stranger().post(unknown, data={"email": f" {address.upper()} "})
    assert (done.status_code, "will not be written to again" in done.text) == (200, True)
    assert suppressed(house) == [address]
    with house.db.read() as uow:
        row = uow.session.execute(select(Outbound).where(col(Outbound.to_address) == address)).scalars().first()
        assert row is not None
        # Suppressed, and nothing else: anybody may have entered it.
        assert uow.session.get_one(Conversation, row.conversation_id).state is ConversationState.OPEN
        assert uow.session.get_one(Prospect, row.prospect_id).stage is not Stage.LOST
        assert not repository.blocking_after(uow.session, row.prospect_id, 0)
        notes = select(StageEvent.event).where(col(StageEvent.prospect_id) == row.prospect_id)
        assert "opted_out_by_address" in set(uow.session.execute(notes).scalars())
        assert outbox.knows_token(uow, row.token)
        assert uow.session.execute(select(func.count()).select_from(Suppression)).scalar_one() == 1


def test_one_network_enters_no_more_than_a_few_addresses_and_links_are_not_counted(
    house: House, tokens: dict[str, str], clock: FixedClock
) -> None:
    unknown = "/u/" + "a" * 24
    answers = [
        house.stranger().post(unknown, data={"email": f"person{number}@elsewhere.test"}).status_code
        for number in range(ADDRESSES_AN_HOUR + 2)
    ]
    assert answers == [200] * ADDRESSES_AN_HOUR + [429] * 2
    assert len(suppressed(house)) == ADDRESSES_AN_HOUR
    assert house.stranger().post(f"/u/{next(iter(tokens.values()))}", data=ONE_CLICK).status_code == 200
    clock.advance(timedelta(hours=1))
    assert house.stranger().post(unknown, data={"email": "late@elsewhere.test"}).status_code == 200
