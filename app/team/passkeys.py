"""Passkeys (WebAuthn, level 2): a key in somebody's device or password manager that signs them in without password and code.

The device itself asks for finger, face or PIN, so that one passkey is both factors. What it signs names this installation's address: a
page elsewhere that asks for it gets nothing that opens this one. Each challenge is signed by us and bound to the browser that asked, and
a passkey accepts no challenge again: the database decides that in one statement.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address
from urllib.parse import urlsplit

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import (
    base64url_to_bytes,
    bytes_to_base64url,
    parse_authentication_credential_json,
    parse_client_data_json,
    parse_registration_credential_json,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from app.audit import service as audit
from app.db.vault import Vault
from app.db.work import Database, UnitOfWork
from app.domain.keys import host_of
from app.domain.said import say
from app.errors import BadInput, Conflict, FieldProblem, NotFound, NotSignedIn
from app.models import Passkey, User
from app.settings import Settings
from app.team import service, throttle, users

MOST = 10
LONGEST_NAME = 60
#: Between the question and the device's answer.
LASTS = timedelta(minutes=5)
_ADD, _SIGN_IN = "passkey-add", "passkey-sign-in"
_PORTS = {"http": 80, "https": 443}
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Party:
    """This installation as browsers know it: the host that passkeys are bound to, and the origin of its pages."""

    host: str
    origin: str


def party(settings: Settings) -> Party | None:
    """None where browsers know no passkeys: without https (but on this machine, as `localhost`), and at an address without a name."""
    parts = urlsplit(settings.public_url)
    host = host_of(settings.public_url)
    if not host or (parts.scheme != "https" and host != "localhost") or _is_address(host):
        return None
    port = "" if parts.port in (None, _PORTS.get(parts.scheme)) else f":{parts.port}"
    return Party(host, f"{parts.scheme}://{host}{port}")


def of_person(uow: UnitOfWork, user_id: int) -> list[Passkey]:
    """A person's passkeys, the newest last."""
    return list(
        uow.session.execute(select(Passkey).where(col(Passkey.user_id) == user_id).order_by(col(Passkey.id))).scalars()
    )


def offer(uow: UnitOfWork, vault: Vault, where: Party, user_id: int, *, bound: str) -> str:
    """What a browser needs to make one more passkey (`PublicKeyCredentialCreationOptionsJSON`); `bound` is the session that asks.

    Raises Conflict for somebody who has as many as anybody may have.
    """
    user, known = users.get(uow, user_id), of_person(uow, user_id)
    if len(known) >= MOST:
        raise Conflict(say("you have {most} passkeys already; remove one that you do not use first", most=MOST))
    return options_to_json(
        generate_registration_options(
            rp_id=where.host,
            rp_name="Gapbridge",
            user_id=_handle(where, user_id),
            user_name=user.email,
            user_display_name=user.name,
            challenge=_challenge(uow, vault, _ADD, f"{user_id}.{bound}"),
            timeout=_milliseconds(LASTS),
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
            ),
            exclude_credentials=[PublicKeyCredentialDescriptor(id=base64url_to_bytes(one.credential)) for one in known],
        )
    )


def add(uow: UnitOfWork, vault: Vault, where: Party, user_id: int, *, answer: str, name: str, bound: str) -> Passkey:
    """Keep the passkey that a browser has made for an `offer`; `answer` is its `RegistrationResponseJSON`.

    Raises BadInput for a bad `name` and for what is no answer to an offer of ours, and Conflict where it is kept already.
    """
    if not 1 <= len(name) <= LONGEST_NAME:
        problem = say("Write between 1 and {most} characters", most=LONGEST_NAME)
        raise BadInput(say("the passkey needs a name"), FieldProblem("name", problem))
    try:
        given = parse_registration_credential_json(answer)
        challenge = parse_client_data_json(given.response.client_data_json).challenge
        if _asked_at(uow, vault, challenge, _ADD, f"{user_id}.{bound}") is None:
            raise BadInput(say("the passkey was not kept: making it took too long; begin again"))
        made = verify_registration_response(
            credential=given,
            expected_challenge=challenge,
            expected_rp_id=where.host,
            expected_origin=where.origin,
            require_user_verification=True,
        )
    except WebAuthnException:
        raise BadInput(say("the passkey was not kept: it was not made for this address; begin again")) from None
    row = Passkey(
        user_id=user_id,
        credential=bytes_to_base64url(made.credential_id),
        public_key=bytes_to_base64url(made.credential_public_key),
        counter=made.sign_count,
        name=name,
        created_at=uow.now(),
    )
    try:
        with uow.session.begin_nested():
            uow.session.add(row)
    except IntegrityError:
        raise Conflict(say("this passkey is kept already")) from None
    audit.record(
        uow, "user.passkey_added", "user", user_id, name=users.get(uow, user_id).email, after={"passkey": name}
    )
    return row


def remove(uow: UnitOfWork, user_id: int, passkey_id: int) -> None:
    """Take one of a person's passkeys away. Raises NotFound when it is not theirs."""
    gone = delete(Passkey).where(col(Passkey.id) == passkey_id, col(Passkey.user_id) == user_id)
    name = uow.session.execute(gone.returning(col(Passkey.name))).scalar_one_or_none()
    if name is None:
        raise NotFound(say("this passkey is gone already"))
    email = users.get(uow, user_id).email
    audit.record(uow, "user.passkey_removed", "user", user_id, name=email, before={"passkey": name})


def ask(uow: UnitOfWork, vault: Vault, where: Party, *, bound: str) -> str:
    """What a browser needs to sign somebody in (`PublicKeyCredentialRequestOptionsJSON`); `bound` is the form of the page that asks."""
    return options_to_json(
        generate_authentication_options(
            rp_id=where.host,
            challenge=_challenge(uow, vault, _SIGN_IN, bound),
            timeout=_milliseconds(LASTS),
            user_verification=UserVerificationRequirement.REQUIRED,
        )
    )


def sign_in(
    db: Database, vault: Vault, where: Party, *, answer: str, bound: str, address: str, agent: str | None = None
) -> str:
    """A new session's secret id for the `AuthenticationResponseJSON` of a passkey of somebody who may sign in.

    Raises NotSignedIn for any other answer, and TooMany after five such a minute from one network.
    """
    counted = throttle.key("passkey-address", throttle.network(address))
    with db.work() as uow:
        refusal = throttle.refusal(uow, counted, service.TRIES_PER_WINDOW)
    if refusal is not None:
        raise refusal
    try:
        with db.work() as uow:
            passkey, user = _spend(uow, vault, where, answer, bound)
            throttle.give_back(uow, counted)
            return service.let_in(uow, user, agent, passkey=passkey.name)
    except NotSignedIn:
        with db.work() as uow:
            service.note_failure(uow, "user.passkey_failed", None)
        raise


def _spend(uow: UnitOfWork, vault: Vault, where: Party, answer: str, bound: str) -> tuple[Passkey, User]:
    """The passkey that gave this answer, which it does not give again, and whose it is."""
    wrong = NotSignedIn(say("the passkey's answer is not one for this address; begin again"))
    try:
        given = parse_authentication_credential_json(answer)
        challenge = parse_client_data_json(given.response.client_data_json).challenge
        asked_at = _asked_at(uow, vault, challenge, _SIGN_IN, bound)
        if asked_at is None:
            raise NotSignedIn(say("the sign-in took too long; begin again"))
        whose = select(Passkey, User).join(User, col(User.id) == col(Passkey.user_id))
        found = uow.session.execute(
            whose.where(col(Passkey.credential) == given.id, col(User.active).is_(True))
        ).first()
        if found is None:
            raise NotSignedIn(say("this passkey opens nothing here; sign in by your password"))
        passkey, user = found
        shown = verify_authentication_response(
            credential=given,
            expected_challenge=challenge,
            expected_rp_id=where.host,
            expected_origin=where.origin,
            credential_public_key=base64url_to_bytes(passkey.public_key),
            credential_current_sign_count=passkey.counter,
            require_user_verification=True,
        )
    except WebAuthnException:
        raise wrong from None
    if given.response.user_handle not in (None, _handle(where, user.id)):
        raise wrong
    spent = (
        update(Passkey)
        .where(col(Passkey.id) == passkey.id, col(Passkey.last_challenge) < asked_at)
        .values(last_challenge=asked_at, counter=shown.new_sign_count, last_used_at=uow.now())
        .returning(col(Passkey.id))
    )
    if uow.session.execute(spent).scalar_one_or_none() is None:
        raise NotSignedIn(say("this answer was used already; begin again"))
    return passkey, user


def _challenge(uow: UnitOfWork, vault: Vault, purpose: str, bound: str) -> bytes:
    text = f"{uow.now().timestamp() * 1_000_000:.0f}.{secrets.token_urlsafe(16)}"
    return f"{text}.{vault.sign(purpose, f'{text}.{bound}')}".encode()


def _asked_at(uow: UnitOfWork, vault: Vault, challenge: bytes, purpose: str, bound: str) -> int | None:
    """When we made the challenge (microseconds since 1970); None when it is not ours, not for this, or too old."""
    text, _dot, signature = challenge.decode("ascii", "replace").rpartition(".")
    at = text.partition(".")[0]
    if not vault.verify(purpose, f"{text}.{bound}", signature):
        return None
    age = uow.now().timestamp() * 1_000_000 - int(at)
    return int(at) if 0 <= age < LASTS / _MICROSECOND else None


def _handle(where: Party, user_id: int) -> bytes:
    """What a passkey knows of its person: the same for all of theirs, and no word about them (WebAuthn, 14.6.1)."""
    return hashlib.sha256(f"{where.host}.{user_id}".encode()).digest()


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _milliseconds(span: timedelta) -> int:
    return int(span / timedelta(milliseconds=1))
