"""Setting up: the form for the first user, and from then on the list of what is done, what is left and what broke."""

from __future__ import annotations

from starlette.responses import Response

from app.domain.said import say
from app.errors import BadInput, Conflict, FieldProblem
from app.reports import setup
from app.team import service as team
from app.team import users
from app.web.door import FACTOR_PAGE, PUBLIC, Pages, Visit
from app.web.i18n import mark
from app.web.pages.account import agent_of, signed_in

pages = Pages()

TITLES = {
    "site": mark("Your site"),
    "competitors": mark("Three to five competitors"),
    "import": mark("Import of backlinks"),
    "pages": mark("Pages to promote"),
    "mailbox": mark("A mailbox"),
    "templates": mark("Pitch templates"),
    "rules": mark("Sending rules"),
    "people": mark("Colleagues"),
}


def _show_first(visit: Visit) -> Response:
    return visit.page("setup_first.html", least=users.LEAST_PASSWORD)


@pages.get("/setup", needs=PUBLIC)
def set_up_page(visit: Visit) -> Response:
    """The form for the first user while there is none; then the list of tasks, for those who may do them."""
    if not users.any_user(visit.uow):
        return _show_first(visit)
    if visit.principal is None:
        return visit.go("/signin")
    if visit.must_set_up:
        return visit.go(FACTOR_PAGE)
    visit.who.require("sites:write")
    found = setup.tasks(visit.uow, visit.container.settings)
    mine = [task for task in setup.still_open(found) if visit.who.may(task.needs)]
    return visit.page("setup.html", found=found, titles=TITLES, upcoming=mine[0] if mine else None)


@pages.post("/setup", needs=PUBLIC, again=_show_first)
def set_up(visit: Visit) -> Response:
    """Create the first user and sign in."""
    if users.any_user(visit.uow):
        raise Conflict(say("the first user exists already; sign in"))
    password = visit.form.get("password", "")
    if password != visit.form.get("again", ""):
        raise BadInput(say("the passwords differ"), FieldProblem("again", say("Enter the same password twice")))
    user = users.create_first(visit.uow, email=visit.text("email"), name=visit.text("name"), password=password)
    return signed_in(visit, team.open_session(visit.uow, user.id, agent=agent_of(visit)), "/setup")
