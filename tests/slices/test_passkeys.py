"""Passkeys: what a device answers opens its person's account once, and nothing else does, on both databases."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import col

from app.clock import FixedClock
from app.db.work import Database
from app.errors import BadInput, Conflict, NotFound, NotSignedIn, TooMany
from app.models import Role, User
from app.settings import Settings
from app.team import passkeys, service, users
from tests.slices.test_audit import lines
from tests.slices.test_team import PASSWORD, _cheap_hashes, ana
from tests.support.authenticator import Authenticator, decoded, encoded
from tests.support.world import VAULT

__all__ = ["_cheap_hashes"]

WHERE = passkeys.Party("gap.example", "https://gap.example")
HERE = "192.0.2.1"
SESSION, FORM = "a session", "a form"
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def offer(db: Database, user: User, bound: str = SESSION) -> str:
    with db.read() as uow:
        return passkeys.offer(uow, VAULT, WHERE, user.id, bound=bound)


def keep(db: Database, user: User, answer: str, name: str = "Laptop", bound: str = SESSION) -> int:
    with db.work() as uow:
        return passkeys.add(uow, VAULT, WHERE, user.id, answer=answer, name=name, bound=bound).id


def a_device(db: Database, user: User, **how: Any) -> Authenticator:
    device = Authenticator(WHERE.origin, **how)
    keep(db, user, device.make(offer(db, user)))
    return device


def ask(db: Database, bound: str = FORM) -> str:
    with db.read() as uow:
        return passkeys.ask(uow, VAULT, WHERE, bound=bound)


def enter(db: Database, answer: str, bound: str = FORM) -> str:
    return passkeys.sign_in(db, VAULT, WHERE, answer=answer, bound=bound, address=HERE, agent=AGENT)


def changed(answer: str, **response: Callable[[bytes], bytes]) -> str:
    found = json.loads(answer)
    for name, change in response.items():
        found["response"][name] = encoded(change(decoded(found["response"][name])))
    return json.dumps(found)


def test_a_passkey_signs_its_person_in_without_password_and_code(db: Database, clock: FixedClock) -> None:
    user = ana(db)
    first, second = a_device(db, user), a_device(db, user, counter=7)
    assert first.handle == second.handle, "one person, so a password manager shows one line"
    assert user.email.encode() not in first.handle
    for device in (first, second, second, first):
        clock.advance(timedelta(seconds=1))
        who = service.resume(db, enter(db, device.use(ask(db))))
        assert who is not None
        assert (who.id, who.role) == (user.id, user.role)
    with db.read() as uow:
        kept = passkeys.of_person(uow, user.id)
        assert [(one.name, one.counter, one.last_used_at) for one in kept] == [
            ("Laptop", 0, uow.now()),
            ("Laptop", 9, uow.now() - timedelta(seconds=1)),
        ]
    told = [line.after for line in lines(db, verb="user.signed_in")]
    assert told == [{"browser": "Firefox on Linux", "passkey": "Laptop"}] * 4


def test_an_answer_counts_once_and_no_older_question_after_it(db: Database, clock: FixedClock) -> None:
    device = a_device(db, ana(db))
    older = ask(db)
    clock.advance(timedelta(seconds=1))
    answer = device.use(ask(db))
    enter(db, answer)
    for again in (answer, device.use(older)):
        with pytest.raises(NotSignedIn, match="this answer was used already; begin again"):
            enter(db, again)
    clock.advance(timedelta(seconds=1))
    assert enter(db, device.use(ask(db)))


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("origin", "not one for this address"),
        ("host", "not one for this address"),
        ("no PIN", "not one for this address"),
        ("signature", "not one for this address"),
        ("handle", "not one for this address"),
        ("no JSON", "not one for this address"),
        ("nothing", "not one for this address"),
        ("another form", "took too long"),
        ("of an offer", "took too long"),
        ("made up", "took too long"),
        ("late", "took too long"),
        ("unknown", "opens nothing here; sign in by your password"),
        ("not active", "opens nothing here; sign in by your password"),
    ],
)
def test_no_other_answer_opens_anything(db: Database, clock: FixedClock, how: str, words: str) -> None:
    user = ana(db)
    device = a_device(db, user)
    question = ask(db, "another form" if how == "another form" else FORM)
    if how == "origin":
        device.origin = "https://gap-example.evil.test"
    elif how == "host":
        device.host = "evil.test"
    elif how == "no PIN":
        device.verifies = False
    elif how == "handle":
        device.handle = b"somebody else"
    elif how == "of an offer":
        question = json.dumps({"challenge": json.loads(offer(db, user))["challenge"]})
    elif how == "made up":
        question = json.dumps({"challenge": encoded(b"9.9.\xff")})
    elif how == "late":
        clock.advance(passkeys.LASTS)
    elif how == "unknown":
        device.id = b"another"
    elif how == "not active":
        with db.work() as uow:
            uow.session.execute(update(User).where(col(User.id) == user.id).values(active=False))
    answer = device.use(question)
    if how == "signature":
        answer = changed(answer, signature=lambda it: it[:-1] + bytes([it[-1] ^ 1]))
    elif how in ("no JSON", "nothing"):
        answer = "{" if how == "no JSON" else ""
    with pytest.raises(NotSignedIn, match=words):
        enter(db, answer)
    assert [line.after for line in lines(db, verb="user.passkey_failed")] == [{"failures": 1}]
    with db.read() as uow:
        assert passkeys.of_person(uow, user.id)[0].last_used_at is None
        assert service.sessions_of(uow, user.id) == []


def test_a_key_that_counts_backwards_was_copied(db: Database, clock: FixedClock) -> None:
    device = a_device(db, ana(db), counter=5)
    enter(db, device.use(ask(db)))
    device.counter = 3
    clock.advance(timedelta(seconds=1))
    with pytest.raises(NotSignedIn):
        enter(db, device.use(ask(db)))


def test_guesses_are_few(db: Database, clock: FixedClock) -> None:
    device = a_device(db, ana(db))
    for _ in range(service.TRIES_PER_WINDOW):
        with pytest.raises(NotSignedIn):
            enter(db, "{}")
    with pytest.raises(TooMany):
        enter(db, device.use(ask(db)))
    clock.advance(timedelta(minutes=1))
    for _ in range(2 * service.TRIES_PER_WINDOW):
        assert enter(db, device.use(ask(db))), "good ones are not counted"
        clock.advance(timedelta(seconds=1))


def test_only_the_answer_to_an_offer_of_this_session_is_kept(db: Database, clock: FixedClock) -> None:
    user = ana(db)
    with db.work() as uow:
        ben = users.create(uow, email="ben@acme.test", name="Ben", role=Role.LEAD, password=PASSWORD)
    device = Authenticator(WHERE.origin)
    answer = device.make(offer(db, user))
    for whose, bound in ((ben, SESSION), (user, "another session")):
        with pytest.raises(BadInput, match="took too long"):
            keep(db, whose, answer, bound=bound)
    for bad in (Authenticator("https://evil.test"), Authenticator(WHERE.origin, verifies=False)):
        with pytest.raises(BadInput, match="was not made for this address"):
            keep(db, user, bad.make(offer(db, user)))
    with pytest.raises(BadInput, match="was not made for this address"):
        keep(db, user, "{}")
    for name in ("", "x" * 61):
        with pytest.raises(BadInput) as nameless:
            keep(db, user, answer, name)
        assert nameless.value.problems[0].field == "name"
    with db.read() as uow:
        assert passkeys.of_person(uow, user.id) == []
    keep(db, user, answer)
    with pytest.raises(Conflict, match="kept already"):
        keep(db, user, answer)
    assert encoded(device.id) in offer(db, user), "a device that has one is not asked to make another"
    late = Authenticator(WHERE.origin).make(offer(db, user))
    clock.advance(passkeys.LASTS)
    with pytest.raises(BadInput, match="took too long"):
        keep(db, user, late)
    for _ in range(passkeys.MOST - 1):
        a_device(db, user)
    with pytest.raises(Conflict, match="10 passkeys already"):
        offer(db, user)


def test_one_is_taken_away_by_its_person_and_all_by_an_operator(db: Database) -> None:
    user = ana(db)
    with db.work() as uow:
        ben = users.create(uow, email="ben@acme.test", name="Ben", role=Role.LEAD, password=PASSWORD)
    device, other = a_device(db, user), a_device(db, user)
    with db.read() as uow:
        first = passkeys.of_person(uow, user.id)[0].id
    with db.work() as uow, pytest.raises(NotFound):
        passkeys.remove(uow, ben.id, first)
    with db.work() as uow:
        passkeys.remove(uow, user.id, first)
    with pytest.raises(NotSignedIn):
        enter(db, device.use(ask(db)))
    session = enter(db, other.use(ask(db)))
    with db.work() as uow:
        service.reset_second_factor(uow, user.id)
    assert service.resume(db, session) is None, "what it has opened is over"
    with pytest.raises(NotSignedIn):
        enter(db, other.use(ask(db)))
    with db.work() as uow, pytest.raises(Conflict, match="no second factor and no passkey"):
        service.reset_second_factor(uow, user.id)
    named = [(line.verb, line.before) for line in lines(db) if line.verb.startswith("user.passkey") and line.before]
    assert sorted(named) == [
        ("user.passkey_removed", {"passkey": "Laptop"}),
        ("user.passkeys_reset", {"passkeys": ["Laptop"]}),
    ]


@pytest.mark.parametrize(
    ("public_url", "party"),
    [
        ("https://gap.example", ("gap.example", "https://gap.example")),
        ("https://Gap.Example:443/", ("gap.example", "https://gap.example")),
        ("https://gap.example:8443/x", ("gap.example", "https://gap.example:8443")),
        ("https://bücher.example", ("xn--bcher-kva.example", "https://xn--bcher-kva.example")),
        ("http://localhost:8321", ("localhost", "http://localhost:8321")),
        ("http://gap.example", None),
        ("http://127.0.0.1:8321", None),
        ("https://192.0.2.7", None),
        ("https://[2001:db8::7]", None),
    ],
)
def test_where_browsers_know_passkeys(settings: Settings, public_url: str, party: tuple[str, str] | None) -> None:
    found = passkeys.party(settings.model_copy(update={"public_url": public_url}))
    assert found == (passkeys.Party(*party) if party else None)
