"""Who may sign in, and with which keys programs call the API."""

from __future__ import annotations

from starlette.responses import Response

from app.domain.said import say
from app.errors import BadInput, FieldProblem
from app.models import Role
from app.team import api_keys, passkeys, second_factor, users
from app.team import service as team
from app.team.principal import RESOURCES, SCOPES
from app.web.door import Id, Pages, Visit
from app.web.i18n import mark

pages = Pages()

ROLES = {
    "outreach": mark("Outreach: works the queue, the outbox, the inbox and the links"),
    "lead": mark("Lead: also imports, sites, templates, bulk approval and suppression"),
    "operator": mark("Operator: everything, with mailboxes, users and keys"),
    "viewer": mark("Viewer: only reads"),
}
NOTICES = {
    "added": mark("They can sign in now."),
    "saved": mark("Saved."),
    "password": mark("The new password holds, and they are signed out everywhere."),
    "ended": mark("They are signed out everywhere."),
    "reset": mark("Their second factor and their passkeys are gone, and they are signed out everywhere."),
    "revoked": mark("The key does not work any more."),
}


def _role(visit: Visit) -> Role:
    if visit.text("role") not in ROLES:
        raise BadInput(say("there is no such role"), FieldProblem("role", say("Choose one of the roles")))
    return Role(visit.text("role"))


def _show_users(visit: Visit) -> Response:
    return visit.page(
        "users.html",
        users=users.list_users(visit.uow),
        with_factor=second_factor.active_for(visit.uow),
        roles=ROLES,
        least=users.LEAST_PASSWORD,
        notice=visit.notice(NOTICES),
    )


@pages.get("/settings/users", needs="team:write")
def list_users(visit: Visit) -> Response:
    """Everybody, with their roles."""
    return _show_users(visit)


@pages.post("/settings/users", needs="team:write", again=_show_users)
def add_user(visit: Visit) -> Response:
    """Add a member of staff with a first password."""
    users.create(
        visit.uow,
        email=visit.text("email"),
        name=visit.text("name"),
        role=_role(visit),
        password=visit.form.get("password", ""),
    )
    return visit.go("/settings/users?did=added")


def _show_user(visit: Visit, user_id: int) -> Response:
    user = users.get(visit.uow, user_id)
    return visit.page(
        "user.html",
        user=user,
        roles=ROLES,
        least=users.LEAST_PASSWORD,
        sessions=team.sessions_of(visit.uow, user_id),
        factor=second_factor.standing(visit.uow, user_id),
        passkeys=passkeys.of_person(visit.uow, user_id),
        notice=visit.notice(NOTICES),
    )


@pages.get("/settings/users/{user_id}", needs="team:write")
def one_user(visit: Visit, user_id: Id) -> Response:
    """One person: role, whether they may sign in, and a new password."""
    return _show_user(visit, user_id)


@pages.post("/settings/users/{user_id}", needs="team:write", again=_show_user)
def change_user(visit: Visit, user_id: Id) -> Response:
    """Keep role and sign-in; one operator always remains."""
    users.change(visit.uow, user_id, role=_role(visit), active=visit.text("active") == "on")
    return visit.go("/settings/users?did=saved")


@pages.post("/settings/users/{user_id}/password", needs="team:write", again=_show_user)
def set_password(visit: Visit, user_id: Id) -> Response:
    """A new password for somebody who has lost theirs."""
    users.set_password(visit.uow, user_id, visit.form.get("password", ""))
    return visit.go("/settings/users?did=password")


@pages.post("/settings/users/{user_id}/sessions", needs="team:write", again=_show_user)
def end_sessions(visit: Visit, user_id: Id) -> Response:
    """Sign somebody out everywhere: a lost laptop, say."""
    users.get(visit.uow, user_id)
    team.end_sessions(visit.uow, user_id)
    return visit.go(f"/settings/users/{user_id}?did=ended")


@pages.post("/settings/users/{user_id}/second-factor", needs="team:write", again=_show_user)
def reset_second_factor(visit: Visit, user_id: Id) -> Response:
    """Take away the second factor and the passkeys of somebody who has lost them: make sure first that it is them who ask."""
    team.reset_second_factor(visit.uow, user_id)
    return visit.go(f"/settings/users/{user_id}?did=reset")


def _show_keys(visit: Visit, secret: str | None = None, **__: int) -> Response:
    return visit.page(
        "api_keys.html",
        keys=api_keys.list_keys(visit.uow),
        resources=[
            (name, [scope for scope in (f"{name}:read", f"{name}:write") if scope in SCOPES]) for name in RESOURCES
        ],
        secret=secret,
        notice=visit.notice(NOTICES),
    )


@pages.get("/settings/keys", needs="team:write")
def list_keys(visit: Visit) -> Response:
    """Every key with its scopes and its last use; never its secret."""
    return _show_keys(visit)


@pages.post("/settings/keys", needs="team:write", again=_show_keys)
def create_key(visit: Visit) -> Response:
    """Make a key. Its secret is in this one answer and nowhere else."""
    scopes = [name[6:] for name in visit.form if name.startswith("scope-")]
    secret = api_keys.create(visit.uow, name=visit.text("name"), scopes=scopes, actor=visit.actor)[1]
    answer = _show_keys(visit, secret)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@pages.post("/settings/keys/{key_id}/revoke", needs="team:write", again=_show_keys)
def revoke_key(visit: Visit, key_id: Id) -> Response:
    """End a key at once."""
    api_keys.revoke(visit.uow, key_id)
    return visit.go("/settings/keys?did=revoked")
