"""How a route is made: a scope, one transaction, one service call, and an answer that is sent only after the commit.

A route is a plain function `(call, ...parameters) -> model`. The door wraps it so that the transaction begins and ends
inside one call in one thread: the commit stands before the answer, and a request never holds the database's write lock
while it waits for a thread (a dependency with `yield` does: forty waiting requests then block the one that could finish).
"""

from __future__ import annotations

import base64
import functools
import inspect
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Generic, TypeVar, get_type_hints

from fastapi import APIRouter, Depends, Header, Path, Query, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, TypeAdapter
from pydantic_core import PydanticCustomError
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from app.api import idempotency
from app.api.problems import MEDIA_TYPE, Problem
from app.container import Container
from app.db.work import UnitOfWork, acting
from app.domain.said import say
from app.errors import BadInput, FieldProblem, NotSignedIn
from app.team import api_keys
from app.team.principal import Principal

T = TypeVar("T")

LARGEST_ID = 2**31 - 1
Id = Annotated[int, Path(ge=1, le=LARGEST_ID)]
RowId = Annotated[int, Field(ge=1, le=LARGEST_ID)]
# PostgreSQL stores no NUL in a text; saying so here makes it the caller's error and not ours.
Text = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$", max_length=4000)]
Line = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]*$", max_length=500)]


def _written(value: object) -> object:
    # The validator would take a number, also one in a text, for seconds since 1970: `2026` for an evening of that year.
    if isinstance(value, (int, float)) or (isinstance(value, str) and _NUMBER.fullmatch(value)):
        raise PydanticCustomError("number_for_a_day", "Write a day as 2026-06-01, a moment as 2026-06-01T09:00:00Z")
    return value


_NUMBER = re.compile(r"\s*[-+]?[\d.]+\s*")
Day = Annotated[date, BeforeValidator(_written)]
Moment = Annotated[AwareDatetime, BeforeValidator(_written)]
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
        description="A key of your choice: the same request under the same key has its effect once.",
    ),
]
Cursor = Annotated[str | None, Query(max_length=500, description="`next` of the page before.")]
Limit = Annotated[int, Query(ge=1, le=200, description="Rows on a page.")]

_bearer = HTTPBearer(auto_error=False, description="An API key.")


class Model(BaseModel):
    """Base of what callers send: an unknown field is an error, so that a typo (or a forbidden field) never passes."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Out(BaseModel):
    """Base of what callers get."""

    model_config = ConfigDict(from_attributes=True)


class Page(BaseModel, Generic[T]):
    """Some rows, and the cursor of the page after them (null at the end)."""

    items: list[T]
    next: str | None = None


class Csv(StreamingResponse):
    """A CSV file, sent while it is read. Only for GET: it is not kept under an Idempotency-Key."""

    media_type = "text/csv"


@dataclass(frozen=True, slots=True)
class Call:
    """What a route gets: its transaction, the caller, and the wired dependencies."""

    uow: UnitOfWork
    principal: Principal
    container: Container

    @property
    def actor(self) -> str:
        """How the caller stands in the history."""
        return self.principal.actor


@dataclass(frozen=True, slots=True)
class Route:
    """One line of the table of routes, for the matrix of who may what and for the reference; `does` is in words."""

    method: str
    path: str
    needs: str
    does: str


def encode_cursor(*position: str | int) -> str:
    """An opaque cursor for a position in an order."""
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode().rstrip("=")


def decode_cursor(cursor: str | None, *kinds: type) -> tuple[Any, ...] | None:
    """The position, or None without a cursor. Raises BadInput (field `cursor`) for what this API did not make."""
    if cursor is None:
        return None
    wrong = BadInput(
        say("the cursor is not one of this list"), FieldProblem("cursor", say("Send `next` of the page before"))
    )
    try:
        position = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except ValueError:
        raise wrong from None
    if not isinstance(position, list) or len(position) != len(kinds):
        raise wrong
    for value, kind in zip(position, kinds, strict=True):
        if type(value) is not kind or (isinstance(value, int) and abs(value) > LARGEST_ID):
            raise wrong
        if isinstance(value, str) and "\0" in value:
            raise wrong
    return tuple(position)


def authorize(needs: str) -> Callable[..., Principal]:
    """The dependency that finds the caller and asks for the scope `needs`."""

    def caller(request: Request, given: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]) -> Principal:
        if given is None:
            raise NotSignedIn(say("send an API key: Authorization: Bearer gbk_..."))
        container: Container = request.app.state.container
        found = api_keys.authenticate(container.db, given.credentials)
        request.app.state.rate.count(found.caller)
        found.require(needs)
        return found

    return caller


def _problems(statuses: Sequence[int]) -> dict[int | str, dict[str, Any]]:
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": "Problem", "content": content} for status in statuses}


class Door:
    """Makes routes and keeps their table."""

    def __init__(self, tag: str) -> None:
        # Every answer is made by `_wrap`; the schema of a problem is put into the document once, by the application.
        self.tag = tag
        self.router = APIRouter(tags=[tag])
        self.table: list[Route] = []

    def route(
        self, method: str, path: str, *, needs: str, answers: Any, status: int = 200, own_transactions: bool = False
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Register a function under `method` and `path` for callers with the scope `needs`; `answers` is its model, or Csv.

        `own_transactions` is for work that is several transactions by nature and finds its earlier effect by itself.
        """

        def register(endpoint: Callable[..., Any]) -> Callable[..., Any]:
            self.table.append(Route(method, path, needs, inspect.getdoc(endpoint) or ""))
            statuses = [400, 401, 403, 404, 413, 422, 429, 503]
            if method != "GET":
                statuses.append(409)
            self.router.add_api_route(
                path,
                _wrap(endpoint, method, needs, answers, status, own_transactions),
                methods=[method],
                status_code=status,
                name=endpoint.__name__,
                operation_id=endpoint.__name__,
                responses=_problems(sorted(statuses)),
                **({"response_class": Csv} if answers is Csv else {"response_model": answers}),
            )
            return endpoint

        return register


def _wrap(
    endpoint: Callable[..., Any], method: str, needs: str, answers: Any, status: int, own_transactions: bool
) -> Callable[..., Response]:
    adapter: TypeAdapter[Any] | None = TypeAdapter(answers) if answers not in (None, Csv) else None
    hints = get_type_hints(endpoint, include_extras=True)

    def answer_of(result: Any) -> Response:
        if isinstance(result, Csv):
            return result
        if adapter is None:
            return Response(status_code=status)
        body = adapter.dump_json(adapter.validate_python(result, from_attributes=True))
        return Response(body, status, media_type="application/json")

    @functools.wraps(endpoint)
    def handle(**given: Any) -> Response:
        request: Request = given.pop("_request")
        principal: Principal = given.pop("_principal")
        key: str | None = given.pop("_key", None)
        print_ = given.pop("_print", "")
        container: Container = request.app.state.container
        with acting(principal.actor):
            return carry_out(container, principal, key, print_, given)

    def carry_out(
        container: Container, principal: Principal, key: str | None, print_: str, given: dict[str, Any]
    ) -> Response:
        if own_transactions:
            with container.db.read() as uow:
                answer = answer_of(endpoint(Call(uow, principal, container), **given))
            if key is not None:
                with container.db.work() as uow:
                    stored = idempotency.claim(uow, principal.caller, key, print_)
                    if stored is not None:
                        return stored
                    idempotency.keep(uow, principal.caller, key, answer)
            return answer
        with container.db.read() if method == "GET" else container.db.work() as uow:
            if key is not None and (stored := idempotency.claim(uow, principal.caller, key, print_)) is not None:
                return stored
            answer = answer_of(endpoint(Call(uow, principal, container), **given))
            if key is not None:
                idempotency.keep(uow, principal.caller, key, answer)
        return answer

    own = [
        parameter.replace(annotation=hints[name], kind=inspect.Parameter.KEYWORD_ONLY)
        for name, parameter in list(inspect.signature(endpoint).parameters.items())[1:]
    ]
    added: list[tuple[str, Any, Any]] = [
        ("_request", Request, inspect.Parameter.empty),
        ("_principal", Principal, Depends(authorize(needs))),
    ]
    if method == "POST":
        added += [("_key", Key, None), ("_print", str, Depends(idempotency.fingerprint))]
    parameters = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)
        for name, annotation, default in added
    ]
    handle.__signature__ = inspect.Signature(parameters + own)  # type: ignore[attr-defined]
    # FastAPI would resolve the names of the annotations again, in this module; they are resolved already.
    handle.__annotations__ = {}
    return handle


__all__ = [
    "Call",
    "Csv",
    "Cursor",
    "Day",
    "Door",
    "Id",
    "Key",
    "Limit",
    "Line",
    "Model",
    "Moment",
    "Out",
    "Page",
    "Problem",
    "Route",
    "RowId",
    "Text",
    "decode_cursor",
    "encode_cursor",
]
