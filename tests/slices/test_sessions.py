"""The sessions of a person: listed, ended, and what of it stands in the audit, on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.clock import FixedClock
from app.db.work import Database, acting
from app.errors import Conflict, NotSignedIn, TooMany
from app.models import Role
from app.team import service, users
from tests.slices.test_audit import lines
from tests.slices.test_team import PASSWORD, _cheap_hashes, ana
from tests.support.world import VAULT

__all__ = ["_cheap_hashes"]

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"


def test_a_person_sees_and_ends_their_own_sessions_only(db: Database, clock: FixedClock) -> None:
    me = ana(db)
    with db.work() as uow:
        ben = users.create(uow, email="ben@acme.test", name="Ben", role=Role.LEAD, password=PASSWORD)
        others = service.open_session(uow, ben.id)
    here = service.sign_in(db, VAULT, email=me.email, password=PASSWORD, address="192.0.2.1", agent=FIREFOX)
    clock.advance(timedelta(minutes=10))
    there = service.sign_in(db, VAULT, email=me.email, password=PASSWORD, address="192.0.2.1", agent="curl/8")
    third = service.sign_in(db, VAULT, email=me.email, password=PASSWORD, address="192.0.2.1", agent="curl/8")
    who = service.resume(db, here)
    assert who is not None
    with db.read() as uow:
        listed = service.sessions_of(uow, me.id)
        foreign = service.sessions_of(uow, ben.id)[0].handle
    assert len(listed) == 3
    assert (listed[0].id_hash, listed[0].agent) == (who.session, "Firefox on Linux"), "just used"
    assert FIREFOX not in str([one.model_dump() for one in listed])

    with acting(me.email), db.work() as uow:
        with pytest.raises(Conflict):
            service.end_sessions(uow, me.id, only=foreign)
        service.end_sessions(uow, me.id, only=next(one.handle for one in listed if one.id_hash != who.session))
        assert service.end_sessions(uow, me.id, but=who.session) == 1
        assert service.end_sessions(uow, me.id, but=who.session) == 0
    assert [service.resume(db, one) is None for one in (here, there, third)] == [False, True, True]
    assert service.resume(db, others) is not None
    with acting("boss@acme.test"), db.work() as uow:
        assert service.end_sessions(uow, me.id) == 1
    assert service.resume(db, here) is None
    told = [(line.actor, line.before) for line in lines(db, verb="user.sessions_ended")]
    assert told[0] == ("boss@acme.test", {"sessions": 1, "browsers": ["Firefox on Linux"]})
    assert len(told) == 3, "what ended nothing leaves no line"


def test_a_session_that_is_over_is_not_listed(db: Database, clock: FixedClock) -> None:
    me = ana(db)
    with db.work() as uow:
        service.open_session(uow, me.id)
    clock.advance(service.IDLE)
    with db.read() as uow:
        assert service.sessions_of(uow, me.id) == []


def test_coming_and_going_stand_in_the_audit(db: Database) -> None:
    me = ana(db)
    secret = service.sign_in(db, VAULT, email=me.email, password=PASSWORD, address="192.0.2.1", agent=FIREFOX)
    with db.work() as uow:
        service.sign_out(uow, secret)
        service.sign_out(uow, secret)
    assert [(line.verb, line.actor, line.after) for line in lines(db)][:2] == [
        ("user.signed_out", me.email, None),
        ("user.signed_in", me.email, {"browser": "Firefox on Linux"}),
    ]


def test_failures_are_told_without_filling_the_audit(db: Database, clock: FixedClock) -> None:
    me = ana(db)
    for email in (me.email, "hunter2-in-the-wrong-field"):
        done = 0
        while done < 101:
            try:
                service.sign_in(db, VAULT, email=email, password="wrong wrong", address=f"192.0.2.{done}")
            except TooMany:
                clock.advance(timedelta(minutes=1))
            except NotSignedIn:
                done += 1
    told = lines(db, verb="user.sign_in_failed")
    assert {line.actor for line in told} == {service.NOBODY}
    counts = [(line.name, line.after) for line in reversed(told)]
    ladder = [{"failures": number} for number in (1, 10, 100)]
    assert counts == [(me.email, one) for one in ladder] + [(None, one) for one in ladder]
    clock.advance(timedelta(days=1))
    with pytest.raises(NotSignedIn):
        service.sign_in(db, VAULT, email=me.email, password="wrong wrong", address="192.0.2.1")
    assert len(lines(db, verb="user.sign_in_failed")) == 7
