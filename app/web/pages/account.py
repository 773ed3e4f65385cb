"""Sign-in, sign-out, and how a person wants the pages."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Annotated
from urllib.parse import quote

from fastapi import Path
from starlette.responses import Response

from app.digest import service as digests
from app.digest.notices import TOLD_TO
from app.domain.digest import Kind
from app.domain.people import DENSITIES, LANGUAGES, UNDO_SECONDS, Preferences
from app.domain.said import say
from app.errors import BadInput, FieldProblem
from app.team import passkeys, preferences, second_factor, users
from app.team import service as team
from app.web import i18n, keymap
from app.web.door import PRE_COOKIE, PUBLIC, SIGNED_IN, Pages, Visit, inside, is_https, session_cookie
from app.web.rendering import THEME_COOKIE

pages = Pages()


def _set_cookie(visit: Visit, answer: Response, name: str, value: str, age: timedelta) -> None:
    answer.set_cookie(
        name,
        value,
        max_age=int(age.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=is_https(visit.container),
        path="/",
    )


def _half_cookie(visit: Visit) -> str:
    return f"{session_cookie(visit.container)}-half"


def signed_in(visit: Visit, secret: str, path: str) -> Response:
    """Show `path` next, in a browser that holds the session `secret` from now on."""
    answer = visit.go(path)
    _set_cookie(visit, answer, session_cookie(visit.container), secret, team.ABSOLUTE)
    answer.delete_cookie(PRE_COOKIE, path="/")
    return answer


def agent_of(visit: Visit) -> str | None:
    """What the browser says of itself."""
    return visit.request.headers.get("user-agent")


def show_sign_in(visit: Visit) -> Response:
    """The form for address and password, and the button for a passkey where browsers know any here."""
    following = visit.text("next") or visit.request.query_params.get("next", "/")
    return visit.page(
        "signin.html", next=inside(following), passkeys=passkeys.party(visit.container.settings) is not None
    )


@pages.get("/signin", needs=PUBLIC)
def sign_in_page(visit: Visit) -> Response:
    """The sign-in form; on a new installation the set-up form."""
    if visit.principal is not None:
        return visit.go("/")
    return visit.go("/setup") if not users.any_user(visit.uow) else show_sign_in(visit)


@pages.post("/signin", needs=PUBLIC, again=show_sign_in, own_transactions=True)
def sign_in(visit: Visit) -> Response:
    """Sign in: a new session each time, and the former one of this browser ends. Who has a second factor is asked for it."""
    done = team.sign_in(
        visit.container.db,
        visit.container.vault,
        email=visit.text("email"),
        password=visit.form.get("password", ""),
        address=visit.address,
        agent=agent_of(visit),
    )
    following = inside(visit.text("next") or "/")
    if isinstance(done, str):
        return enter(visit, done, following)
    answer = visit.go("/signin/code" + (f"?next={quote(following)}" if following != "/" else ""))
    _set_cookie(visit, answer, _half_cookie(visit), done.token, team.HALF)
    return answer


def enter(visit: Visit, secret: str, following: str) -> Response:
    """Into the app with a new session; the former one of this browser ends."""
    former = visit.request.cookies.get(session_cookie(visit.container))
    if former:
        with visit.container.db.work() as uow:
            team.sign_out(uow, former)
    return signed_in(visit, secret, following)


def _show_code(visit: Visit) -> Response:
    following = visit.text("next") or visit.request.query_params.get("next", "/")
    return visit.page("signin_code.html", next=inside(following))


@pages.get("/signin/code", needs=PUBLIC)
def code_page(visit: Visit) -> Response:
    """The second half of a sign-in: the form for the code."""
    token = visit.request.cookies.get(_half_cookie(visit))
    if visit.principal is not None or team.half_signed_in(visit.uow, visit.container.vault, token) is None:
        return visit.go("/signin")
    return _show_code(visit)


@pages.post("/signin/code", needs=PUBLIC, again=_show_code, own_transactions=True)
def finish_sign_in(visit: Visit) -> Response:
    """The code of the app, or a recovery code; each is accepted once."""
    secret = team.finish_sign_in(
        visit.container.db,
        visit.container.vault,
        token=visit.request.cookies.get(_half_cookie(visit)),
        code=visit.text("code"),
        address=visit.address,
        agent=agent_of(visit),
    )
    answer = enter(visit, secret, inside(visit.text("next") or "/"))
    answer.delete_cookie(_half_cookie(visit), path="/", secure=is_https(visit.container), httponly=True, samesite="lax")
    return answer


@pages.post("/signout", needs=SIGNED_IN)
def sign_out(visit: Visit) -> Response:
    """End the session on the server and in the browser."""
    team.sign_out(visit.uow, visit.request.cookies.get(session_cookie(visit.container)))
    answer = visit.go("/signin")
    answer.delete_cookie(
        session_cookie(visit.container), path="/", secure=is_https(visit.container), httponly=True, samesite="lax"
    )
    return answer


@pages.post("/theme", needs=SIGNED_IN)
def set_theme(visit: Visit) -> Response:
    """Keep the choice of colours with the user, and in a cookie for the pages before sign-in."""
    users.set_theme(visit.uow, visit.who.id, visit.text("theme"))
    answer = visit.go(inside(visit.text("back") or "/"))
    answer.set_cookie(THEME_COOKIE, visit.text("theme"), max_age=31_536_000, samesite="lax", path="/")
    return answer


NOTICES = {
    "saved": i18n.mark("Saved."),
    "password": i18n.mark("The new password holds, and you are signed out everywhere else."),
    "ended": i18n.mark("The session is over: whoever used it has to sign in again."),
    "ended-others": i18n.mark("Every other session is over."),
}


# What each mail is called, and when it comes.
WORDS = {
    Kind.REPLIES: (i18n.mark("Replies that wait"), i18n.mark("Each morning at seven.")),
    Kind.LATE: (i18n.mark("Messages that wait too long"), i18n.mark("Within the hour, once for each message.")),
    Kind.MAILBOXES: (i18n.mark("Mailboxes that need somebody"), i18n.mark("At once, and each day until it is mended.")),
    Kind.LINKS: (i18n.mark("Links of tier 1 that were lost"), i18n.mark("Within the hour, once for each link.")),
}


def _show_me(visit: Visit, **__: str) -> Response:
    words = NOTICES.get(visit.request.query_params.get("did", ""))
    return visit.page(
        "me.html",
        languages=LANGUAGES,
        densities=DENSITIES,
        undo_range=UNDO_SECONDS,
        can_digest=digests.is_configured(visit.container.settings),
        notices=[(kind.value, *WORDS[kind]) for kind, roles in TOLD_TO.items() if visit.who.role in roles],
        kinds={"digest": i18n.mark("the digest"), **{kind.value: words for kind, (words, _hint) in WORDS.items()}},
        digest=digests.latest(visit.uow, visit.who.id),
        undo_default=int(visit.container.settings.undo_window.total_seconds()),
        sessions=team.sessions_of(visit.uow, visit.who.id),
        factor=second_factor.standing(visit.uow, visit.who.id),
        passkeys=passkeys.of_person(visit.uow, visit.who.id),
        notice=i18n._(words) if words else None,
    )


@pages.get("/me", needs=SIGNED_IN)
def me(visit: Visit) -> Response:
    """Language, time zone, colours, density, single keys and the undo window of the person who is signed in."""
    return _show_me(visit)


@pages.post("/me", needs=SIGNED_IN, again=_show_me)
def save_me(visit: Visit) -> Response:
    """Keep them."""
    wanted = Preferences(
        language=visit.text("language") or None,
        time_zone=visit.text("time_zone") or "UTC",
        density=visit.text("density") or DENSITIES[0],
        single_keys=visit.text("single_keys") == "on",
        undo_seconds=visit.number("undo_seconds"),
        digest=visit.text("digest") or "off",
        **{f"mail_{kind.value}": visit.text(f"mail_{kind.value}") == "on" for kind in TOLD_TO},
    )
    preferences.save(visit.uow, visit.who.id, wanted)
    answer = visit.go("/me?did=saved")
    if wanted.language:
        answer.set_cookie(i18n.COOKIE, wanted.language, max_age=31_536_000, samesite="lax", path="/")
    else:
        answer.delete_cookie(i18n.COOKIE, path="/")
    return answer


def _show_password(visit: Visit) -> Response:
    return visit.page("password.html", least=users.LEAST_PASSWORD)


@pages.get("/me/password", needs=SIGNED_IN)
def password_page(visit: Visit) -> Response:
    """The form for a password of one's own choice."""
    return _show_password(visit)


@pages.post("/me/password", needs=SIGNED_IN, again=_show_password, own_transactions=True)
def change_password(visit: Visit) -> Response:
    """Take another password, for the former one. Every session ends, and this browser goes on in a new one."""
    db = visit.container.db
    team.confirm_password(db, visit.who.name, visit.form.get("password", ""), visit.address)
    password = visit.form.get("new_password", "")
    if password != visit.form.get("again", ""):
        raise BadInput(say("the passwords differ"), FieldProblem("again", say("Enter the same password twice")))
    with db.work() as uow:
        users.set_password(uow, visit.who.id, password, field="new_password")
        secret = team.open_session(uow, visit.who.id, agent=agent_of(visit))
    return signed_in(visit, secret, "/me?did=password")


@pages.post("/me/sessions/{session}/end", needs=SIGNED_IN, again=_show_me)
def end_session(visit: Visit, session: Annotated[str, Path(max_length=64)]) -> Response:
    """End one of one's own sessions, on whatever device it is."""
    team.end_sessions(visit.uow, visit.who.id, only=session)
    return visit.go("/me?did=ended")


@pages.post("/me/sessions/end-others", needs=SIGNED_IN)
def end_other_sessions(visit: Visit) -> Response:
    """End every session of this person but the one that asks."""
    team.end_sessions(visit.uow, visit.who.id, but=visit.who.session)
    return visit.go("/me?did=ended-others")


@pages.get("/keys", needs=SIGNED_IN)
def keys(visit: Visit) -> Response:
    """What every key does."""
    return visit.page("keys.html", groups=keymap.GROUPS)


@pages.post("/me/keys", needs=SIGNED_IN)
def switch_keys(visit: Visit) -> Response:
    """Single keys on or off, from the list of keys."""
    wanted = dataclasses.replace(visit.who.preferences, single_keys=visit.text("single_keys") == "on")
    preferences.save(visit.uow, visit.who.id, wanted)
    return visit.go(inside(visit.text("back") or "/me"))
