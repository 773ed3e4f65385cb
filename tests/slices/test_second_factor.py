"""The second factor: codes are the standard's, count once, are few, and lie encrypted, on both databases."""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct
import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text, update

from app.clock import FixedClock
from app.db.vault import Vault
from app.db.work import Database, acting
from app.errors import BadInput, Conflict, NotSignedIn, TooMany, Unavailable
from app.mail import sealed
from app.models import RecoveryCode, Role, SecondFactor, User
from app.team import second_factor, service, users
from tests.slices.test_audit import lines
from tests.slices.test_team import PASSWORD, _cheap_hashes, ana
from tests.support.world import VAULT

__all__ = ["_cheap_hashes"]

HERE = "192.0.2.1"


def code_of(secret: str, at: datetime) -> str:
    """The code by the text of RFC 4226 and RFC 6238, without the library that the application uses."""
    mac = hmac.digest(base64.b32decode(secret), struct.pack(">Q", int(at.timestamp()) // 30), hashlib.sha1)
    (number,) = struct.unpack(">I", mac[mac[-1] & 15 :][:4])
    return f"{(number & 0x7FFFFFFF) % 1_000_000:06}"


def enrol(db: Database, user: User, clock: FixedClock) -> tuple[str, list[str]]:
    """The secret and the recovery codes of a factor that is switched on."""
    with db.work() as uow:
        second_factor.begin(uow, VAULT, user.id)
        enrolment = second_factor.pending(uow, VAULT, user)
        assert enrolment is not None
        codes = second_factor.confirm(uow, VAULT, user.id, code_of(enrolment.secret, clock.now()))
    clock.advance(timedelta(seconds=30))
    return enrolment.secret, codes


def half(db: Database, user: User) -> str:
    done = service.sign_in(db, VAULT, email=user.email, password=PASSWORD, address=HERE)
    assert isinstance(done, service.HalfSignedIn), "the password alone opens nothing"
    return done.token


def finish(db: Database, token: str, code: str, address: str = HERE) -> str:
    return service.finish_sign_in(db, VAULT, token=token, code=code, address=address)


@pytest.mark.parametrize(
    ("second", "code"),
    [(59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"), (20000000000, "353130")],
)
def test_codes_are_those_of_the_standard(db: Database, clock: FixedClock, second: int, code: str) -> None:
    """RFC 6238, appendix B: the last six of its eight digits."""
    user = ana(db)
    secret = base64.b32encode(b"12345678901234567890").decode()
    clock.at = datetime.fromtimestamp(second, UTC)
    with db.work() as uow:
        uow.session.add(
            SecondFactor(
                user_id=user.id,
                secret=VAULT.seal(secret, second_factor.bound_to(user.id)),
                confirmed_at=clock.now(),
                created_at=clock.now(),
            )
        )
        uow.session.flush()
        assert second_factor.spend(uow, VAULT, user.id, f" {code[:3]} {code[3:]} ") == "app"
        assert second_factor.spend(uow, VAULT, user.id, code) is None, "a second time"


def test_the_password_alone_opens_nothing_and_a_code_counts_once(db: Database, clock: FixedClock) -> None:
    user = ana(db)
    secret, _codes = enrol(db, user, clock)
    token = half(db, user)
    used = code_of(secret, clock.now())
    who = service.resume(db, finish(db, token, used))
    assert who is not None
    assert who.second_factor
    for stale in (used, code_of(secret, clock.now() - timedelta(seconds=30)), "000000", "", "１２３４５６"):
        with pytest.raises(BadInput):
            finish(db, half(db, user), stale)
    clock.advance(timedelta(seconds=90))
    late = code_of(secret, clock.now() - timedelta(seconds=30))
    assert finish(db, half(db, user), late), "a step late is allowed for"
    clock.advance(timedelta(seconds=90))
    with pytest.raises(BadInput):
        finish(db, half(db, user), code_of(secret, clock.now() - timedelta(seconds=60)))
    assert lines(db, verb="user.signed_in")[0].after == {"code": "app"}


def test_of_two_sign_ins_with_one_code_one_gets_in(db: Database, clock: FixedClock) -> None:
    user = ana(db)
    secret, codes = enrol(db, user, clock)
    token = half(db, user)
    for code in (code_of(secret, clock.now()), codes[0]):
        outcomes: list[str] = []
        ready = threading.Barrier(4)

        def go(n: int, code: str = code, outcomes: list[str] = outcomes, ready: threading.Barrier = ready) -> None:
            ready.wait()
            try:
                finish(db, token, code, f"198.51.100.{n}")
                outcomes.append("in")
            except BadInput:
                outcomes.append("out")

        threads = [threading.Thread(target=go, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(outcomes) == ["in", "out", "out", "out"]
        clock.advance(timedelta(minutes=1))


def test_recovery_codes_work_once_each_and_only_for_their_person(db: Database, clock: FixedClock) -> None:
    user = ana(db)
    secret, codes = enrol(db, user, clock)
    assert (len(codes), len(set(codes))) == (10, 10)
    assert finish(db, half(db, user), codes[0].upper().replace("-", " "))
    with pytest.raises(BadInput):
        finish(db, half(db, user), codes[0])
    with db.work() as uow:
        assert second_factor.standing(uow, user.id).codes_left == 9
        ben = users.create(uow, email="ben@acme.test", name="Ben", role=Role.LEAD, password=PASSWORD)
    enrol(db, ben, clock)
    with pytest.raises(BadInput):
        finish(db, half(db, ben), codes[1])
    with db.work() as uow:
        fresh = second_factor.renew_codes(uow, user.id)
        stored = " ".join(str(row) for row in uow.session.execute(select(RecoveryCode.code_hash)))
        everything = " ".join(str(row) for row in uow.session.execute(text("SELECT * FROM second_factor")))
    assert not any(code.replace("-", "") in stored.replace("-", "") for code in fresh)
    assert secret not in everything
    with pytest.raises(BadInput):
        finish(db, half(db, user), codes[2])
    assert finish(db, half(db, user), fresh[0])


def test_guessing_codes_is_slow_and_ends(db: Database, clock: FixedClock) -> None:
    user = ana(db)
    secret, _codes = enrol(db, user, clock)
    compared = 0
    for step in range(120):
        token = half(db, user)
        try:
            finish(db, token, "000000", f"192.0.2.{step}")
        except BadInput:
            compared += 1
        except TooMany as refused:
            assert refused.retry_after > 0
            clock.advance(timedelta(seconds=20))
    assert compared == service.CODES_A_DAY
    with pytest.raises(TooMany):
        finish(db, half(db, user), code_of(secret, clock.now()))
    failed = [line.after for line in lines(db, verb="user.code_failed")]
    assert failed == [{"failures": 10}, {"failures": 1}]
    with acting("boss@acme.test"), db.work() as uow:
        service.reset_second_factor(uow, user.id)
    assert isinstance(service.sign_in(db, VAULT, email=user.email, password=PASSWORD, address=HERE), str)


def test_half_a_sign_in_is_short_bound_and_cannot_be_made_up(db: Database, clock: FixedClock) -> None:
    user = ana(db)
    secret, _codes = enrol(db, user, clock)
    token = half(db, user)
    number, until, signature = token.split(".")
    for wrong in (
        "",
        "x",
        f"{number}.{int(until) + 60}.{signature}",
        f"{number + '1'}.{until}.{signature}",
        f"{number}.{until}.",
    ):
        with pytest.raises(NotSignedIn):
            finish(db, wrong, code_of(secret, clock.now()))
    with pytest.raises(NotSignedIn):
        service.finish_sign_in(db, Vault(["another"]), token=token, code=code_of(secret, clock.now()), address=HERE)
    with db.work() as uow:
        users.set_password(uow, user.id, PASSWORD)
    with pytest.raises(NotSignedIn):
        finish(db, token, code_of(secret, clock.now()))
    token = half(db, user)
    clock.advance(service.HALF)
    with pytest.raises(NotSignedIn):
        finish(db, token, code_of(secret, clock.now()))


def test_the_secret_is_bound_to_its_row_and_goes_to_a_new_key(db: Database, clock: FixedClock) -> None:
    user = ana(db)
    secret, _codes = enrol(db, user, clock)
    both = Vault(["new-key", "test-key"])
    assert sealed.rotate(db, both).moved == 1
    with db.work() as uow:
        assert second_factor.spend(uow, Vault(["new-key"]), user.id, code_of(secret, clock.now())) == "app"
        ben = users.create(uow, email="ben@acme.test", name="Ben", role=Role.LEAD, password=PASSWORD)
    enrol(db, ben, clock)
    with db.work() as uow:
        mine = uow.session.get_one(SecondFactor, user.id).secret
        uow.session.execute(update(SecondFactor).where(SecondFactor.user_id == ben.id).values(secret=mine))
    with db.work() as uow, pytest.raises(Unavailable):
        second_factor.spend(uow, both, ben.id, code_of(secret, clock.now()))


def test_it_is_set_up_by_a_code_and_not_replaced_in_silence(db: Database, clock: FixedClock) -> None:
    user = ana(db)
    with db.work() as uow:
        second_factor.begin(uow, VAULT, user.id)
        first = second_factor.pending(uow, VAULT, user)
        second_factor.begin(uow, VAULT, user.id)
        second = second_factor.pending(uow, VAULT, user)
        assert first is not None
        assert second is not None
        with pytest.raises(BadInput):
            second_factor.confirm(uow, VAULT, user.id, code_of(first.secret, clock.now()))
    assert second.uri.startswith(f"otpauth://totp/Gapbridge:ana%40acme.test?secret={second.secret}&issuer=Gapbridge")
    assert isinstance(service.sign_in(db, VAULT, email=user.email, password=PASSWORD, address=HERE), str)
    clock.advance(timedelta(hours=1))
    with db.work() as uow:
        assert second_factor.pending(uow, VAULT, user) is None, "a secret that was left lying about"
        with pytest.raises(Conflict):
            second_factor.confirm(uow, VAULT, user.id, code_of(second.secret, clock.now()))
    enrol(db, user, clock)
    with db.work() as uow:
        assert second_factor.pending(uow, VAULT, user) is None
        with pytest.raises(Conflict):
            second_factor.begin(uow, VAULT, user.id)
        assert second_factor.remove(uow, user.id)
        assert not second_factor.remove(uow, user.id)
        with pytest.raises(Conflict):
            service.reset_second_factor(uow, user.id)
    assert [line.verb for line in lines(db) if "factor" in line.verb] == ["user.factor_removed", "user.factor_added"]
