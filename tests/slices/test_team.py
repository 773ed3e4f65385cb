"""Sign-in, sessions, the throttle and API keys, on both databases."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.clock import FixedClock
from app.db.work import Database
from app.errors import BadInput, Conflict, NotAllowed, NotSignedIn, TooMany
from app.models import ApiKey, Role, SignInTry, User, UserSession
from app.team import api_keys, service, users
from app.team.principal import READS, ROLE_SCOPES, SCOPES
from tests.support.world import VAULT

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def _cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same algorithm with parameters that do not cost seconds; one test below measures the real ones."""
    from pwdlib import PasswordHash
    from pwdlib.hashers.argon2 import Argon2Hasher

    users._nobody.cache_clear()
    monkeypatch.setattr(users, "_hasher", PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),)))
    yield
    users._nobody.cache_clear()


def ana(db: Database) -> User:
    with db.work() as uow:
        return users.create(uow, email="Ana@Acme.test", name="Ana", role=Role.OUTREACH, password=PASSWORD)


def test_a_session_is_a_random_id_of_which_only_the_hash_is_kept(db: Database) -> None:
    ana(db)
    secret = service.sign_in(db, VAULT, email="ana@acme.test ", password=PASSWORD, address="192.0.2.1")
    again = service.sign_in(db, VAULT, email="ana@acme.test", password=PASSWORD, address="192.0.2.1")
    assert secret != again
    who = service.resume(db, secret)
    assert who is not None
    assert (who.actor, who.role, who.scopes) == ("ana@acme.test", Role.OUTREACH, ROLE_SCOPES[Role.OUTREACH])
    with db.read() as uow:
        rows = uow.session.execute(select(UserSession)).scalars().all()
        assert secret not in {value for row in rows for value in row.model_dump().values()}
        assert "argon2id" in uow.session.execute(select(User.password_hash)).scalar_one()
    with db.work() as uow:
        service.sign_out(uow, secret)
    assert service.resume(db, secret) is None
    assert service.resume(db, again) is not None
    assert service.resume(db, None) is None
    assert service.resume(db, "made up") is None


def test_a_session_ends_when_idle_and_when_old_and_with_its_user(db: Database, clock: FixedClock) -> None:
    user = ana(db)
    with db.work() as uow:
        idle = service.open_session(uow, user.id)
        used = service.open_session(uow, user.id)
    clock.advance(service.IDLE - timedelta(seconds=1))
    assert service.resume(db, used) is not None
    clock.advance(timedelta(seconds=1))
    assert service.resume(db, idle) is None
    for _ in range(1000):
        if service.resume(db, used) is None:
            break
        clock.advance(timedelta(hours=6))
    with db.read() as uow:
        created = uow.session.execute(select(UserSession.created_at)).scalars().first()
    assert created is not None
    assert service.ABSOLUTE <= clock.now() - created <= service.ABSOLUTE + timedelta(hours=6)
    with db.work() as uow:
        last = service.open_session(uow, user.id)
        uow.session.get(User, user.id).active = False  # type: ignore[union-attr]
    assert service.resume(db, last) is None
    with pytest.raises(NotSignedIn):
        service.sign_in(db, VAULT, email="ana@acme.test", password=PASSWORD, address="192.0.2.1")


def guess(db: Database, email: str, address: str) -> str:
    try:
        service.sign_in(db, VAULT, email=email, password="wrong wrong wrong", address=address)
    except TooMany as refused:
        assert 0 < refused.retry_after <= 60
        return "throttled"
    except NotSignedIn as refused:
        assert refused.detail == service.WRONG
        return "compared"
    return "in"


def test_no_minute_lets_more_than_ten_guesses_through(db: Database, clock: FixedClock) -> None:
    ana(db)
    moments: list[float] = []
    for step in range(240):
        if guess(db, "ana@acme.test", f"192.0.2.{step % 250}") == "compared":
            moments.append(step * 0.5)
        clock.advance(timedelta(seconds=0.5))
    assert moments
    assert max(sum(1 for at in moments if start <= at < start + 60) for start in moments) <= 10
    by_address = [guess(db, f"user{n}@acme.test", "2001:db8::" + hex(n)[2:]) for n in range(40)]
    assert by_address.count("compared") == service.TRIES_PER_WINDOW
    assert guess(db, "someone@else.test", "198.51.100.7") == "compared"


def test_guesses_side_by_side_are_all_counted(db: Database) -> None:
    ana(db)
    outcomes: list[str] = []
    threads = [
        threading.Thread(target=lambda: outcomes.append(guess(db, "ana@acme.test", "192.0.2.9"))) for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(outcomes), outcomes.count("compared")) == (20, service.TRIES_PER_WINDOW)


def test_a_right_password_gives_its_try_back(db: Database) -> None:
    ana(db)
    for _ in range(3 * service.TRIES_PER_WINDOW):
        service.sign_in(db, VAULT, email="ana@acme.test", password=PASSWORD, address="192.0.2.1")
    with db.read() as uow:
        assert set(uow.session.execute(select(SignInTry.failures)).scalars()) == {0}


def test_an_unknown_account_takes_the_time_of_a_known_one(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes the time is the one comparison with a hash: it is made for both, at the same price."""
    from pwdlib import PasswordHash
    from pwdlib.hashers.argon2 import Argon2Hasher

    compared: list[str] = []

    class Watched(PasswordHash):
        def verify_and_update(self, password: str | bytes, hash: str | bytes) -> tuple[bool, str | None]:
            compared.append(str(hash).rpartition("$")[0].rpartition("$")[0])
            return super().verify_and_update(password, hash)

    monkeypatch.setattr(users, "_hasher", Watched((Argon2Hasher(time_cost=2, memory_cost=4096, parallelism=1),)))
    users._nobody.cache_clear()
    ana(db)
    for email in ("ana@acme.test", "nobody@acme.test"):
        guess(db, email, "203.0.113.1")
    assert len(compared) == 2
    assert compared[0] == compared[1]
    assert "m=4096,t=2" in compared[0]


def test_real_hashes_are_costly() -> None:
    from pwdlib import PasswordHash

    hashed = PasswordHash.recommended().hash(PASSWORD)
    memory = int(hashed.split("m=")[1].split(",")[0])
    assert hashed.startswith("$argon2id$")
    assert memory >= 19_456  # KiB, the least that OWASP advises for argon2id


def test_users_are_checked_by_field(db: Database) -> None:
    with db.work() as uow, pytest.raises(BadInput) as refused:
        users.create(uow, email="ana", name=" ", role=Role.LEAD, password="short")
    assert [problem.field for problem in refused.value.problems] == ["email", "name", "password"]
    ana(db)
    with db.work() as uow, pytest.raises(Conflict):
        users.create(uow, email="ana@acme.test", name="Ana", role=Role.LEAD, password=PASSWORD)
    with db.work() as uow, pytest.raises(Conflict, match="first user"):
        users.create_first(uow, email="eve@acme.test", name="Eve", password=PASSWORD)


def test_of_two_first_users_one_wins(db: Database) -> None:
    outcomes: list[str] = []
    ready = threading.Barrier(2)

    def go(n: int) -> None:
        ready.wait()
        try:
            with db.work() as uow:
                users.create_first(uow, email=f"u{n}@acme.test", name="U", password=PASSWORD)
            outcomes.append("made")
        except Conflict:
            outcomes.append("refused")

    threads = [threading.Thread(target=go, args=(n,)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["made", "refused"]


def test_a_key_is_shown_once_and_ends_when_revoked(db: Database) -> None:
    with db.work() as uow:
        key, secret = api_keys.create(uow, name="crm", scopes=["prospects:write", "events:read"], actor="ana")
    who = api_keys.authenticate(db, secret)
    assert (who.actor, who.caller, sorted(who.scopes)) == (
        "key:crm",
        f"key:{key.id}",
        ["events:read", "prospects:write"],
    )
    who.require("events:read")
    with pytest.raises(NotAllowed, match="outbox:write"):
        who.require("outbox:write")
    with db.read() as uow:
        stored = uow.session.execute(select(ApiKey)).scalar_one()
        assert stored.last_used_at is not None
        assert secret not in map(str, stored.model_dump().values())
    with db.work() as uow:
        api_keys.revoke(uow, key.id)
    for wrong in (secret, "gbk_", "", secret + "x"):
        with pytest.raises(NotSignedIn):
            api_keys.authenticate(db, wrong)
    with db.work() as uow, pytest.raises(BadInput) as refused:
        api_keys.create(uow, name="", scopes=["team:write"], actor="ana")
    assert [problem.field for problem in refused.value.problems] == ["name", "scopes"]


def test_no_role_but_the_operators_may_manage_the_team() -> None:
    assert {role for role, scopes in ROLE_SCOPES.items() if "team:write" in scopes} == {Role.OPERATOR}
    assert "team:write" not in SCOPES
    assert not {scope for scope in ROLE_SCOPES[Role.VIEWER] if scope not in READS}
