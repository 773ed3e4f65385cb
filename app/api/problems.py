"""Problem details (RFC 9457): every error of the API in one form, with a stable `code`."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from app.errors import BadInput, GapbridgeError, Refused, Stale, TooMany

MEDIA_TYPE = "application/problem+json"

# The codes of errors that come from HTTP itself; the others are those of app/errors.py.
_HTTP_CODES = {
    400: "bad-request",
    404: "not-found",
    405: "method-not-allowed",
    413: "too-large",
    415: "unsupported-media-type",
}


class FieldError(BaseModel):
    """What is wrong with one field."""

    field: str = Field(description="Dotted path of the field in the input.")
    problem: str = Field(description="A sentence that says the fix.")


class Reason(BaseModel):
    """A named refusal."""

    reason: str = Field(description="Stable name.")
    sentence: str
    until: str | None = Field(default=None, description="When it may end (ISO 8601), where that is known.")


class Problem(BaseModel):
    """An error (RFC 9457)."""

    type: str = Field(description="A name for the kind of error and no address to open: `code` as a URN.")
    title: str
    status: int
    detail: str = Field(description="A sentence that says what happened and what to do.")
    code: str = Field(description="Stable name of the error.")
    errors: list[FieldError] = Field(
        default_factory=list, description="Problems by field, for `bad-input`; what differs, for `stale`."
    )
    reasons: list[Reason] = Field(default_factory=list, description="Named refusals, for `refused`.")
    reference: str | None = Field(default=None, description="Look for this in the logs.")


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    errors: list[FieldError] | None = None,
    reasons: list[Reason] | None = None,
    reference: str | None = None,
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    """A problem as an answer."""
    body = Problem(
        type=f"urn:gapbridge:problem:{code}",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        code=code,
        errors=errors or [],
        reasons=reasons or [],
        reference=reference,
    )
    return JSONResponse(body.model_dump(), status_code=status, media_type=MEDIA_TYPE, headers=headers)


def of_error(error: GapbridgeError) -> JSONResponse:
    """One of our own errors."""
    headers = {}
    if isinstance(error, TooMany):
        headers["Retry-After"] = str(error.retry_after)
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return problem(
        error.status,
        error.code,
        error.detail,
        errors=[FieldError(field=p.field, problem=p.problem) for p in error.problems]
        if isinstance(error, BadInput)
        else [FieldError(field=one.field, problem=f"is now {one.theirs!r}") for one in error.changes]
        if isinstance(error, Stale)
        else None,
        reasons=[Reason(reason=s.reason, sentence=s.sentence, until=s.until) for s in error.skips]
        if isinstance(error, Refused)
        else None,
        headers=headers,
    )


def field_errors(error: RequestValidationError) -> list[FieldError]:
    """The problems of a malformed request, by field; what was sent is not repeated."""
    found: list[FieldError] = []
    for line in error.errors():
        where: list[Any] = list(line.get("loc", ()))
        # The first part says body, query or path, which the name of the field says as well.
        path = ".".join(str(part) for part in where[1:]) or ".".join(str(part) for part in where)
        found.append(FieldError(field=path or "body", problem=str(line.get("msg", "is not valid"))))
    return found


def of_validation(error: RequestValidationError) -> JSONResponse:
    """A request that does not have the form that the API describes."""
    return problem(422, BadInput.code, "the request is malformed; see errors", errors=field_errors(error))


def of_http(error: HTTPException) -> JSONResponse:
    """An error of HTTP itself (no such path, method not allowed, body too large)."""
    code = _HTTP_CODES.get(error.status_code, HTTPStatus(error.status_code).phrase.lower().replace(" ", "-"))
    headers = {str(name): str(value) for name, value in (error.headers or {}).items()}
    return problem(error.status_code, code, str(error.detail), headers=headers)
