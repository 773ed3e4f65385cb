"""The HTTP application: the API, the pages and the health checks, put together over one container."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy.exc import IntegrityError, OperationalError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

import app as package
from app.api import problems
from app.api.rate import Rate
from app.api.v1.routes import DOORS, PREFIX
from app.container import Container
from app.domain.said import say
from app.errors import Conflict, GapbridgeError, Unavailable
from app.frame import Frame
from app.health import check_database
from app.log import get_logger
from app.tracing import RequestTracing
from app.web import errors
from app.web import routes as web
from app.web.i18n import mark

log = get_logger("app.main")

NO_PAGE = mark("There is no such page.")
CRASHED = mark("Something went wrong here; nothing was changed. The reference finds it in the logs.")


def create_app(container: Container, *, checks: Mapping[str, Callable[[], object]] | None = None) -> FastAPI:
    """The application on `container`. `checks` are further conditions of `/readyz` (name -> function that raises)."""
    # No /docs: its page loads scripts from other people's servers. The document itself is all there is.
    app = FastAPI(
        title="Gapbridge",
        version=package.__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=f"{PREFIX}/openapi.json",
        redirect_slashes=False,
    )
    app.state.container = container
    app.state.rate = Rate(container.settings.api_rate)
    for door in DOORS:
        app.include_router(door.router, prefix=PREFIX)
    web.attach(app)
    _describe(app)
    _handle_errors(app)
    _attach_probes(app, {"database": lambda: check_database(container), **(checks or {})})
    https = container.settings.public_url.startswith("https:")
    app.add_middleware(Frame, https=https, crash=_crash, refuse=_answer)
    app.add_middleware(RequestTracing)  # The last one added is the outermost.
    return app


def _attach_probes(app: FastAPI, checks: Mapping[str, Callable[[], object]]) -> None:
    # Simple monitors ask by HEAD.
    @app.api_route("/healthz", methods=["GET", "HEAD"], include_in_schema=False)
    async def healthz() -> dict[str, str]:
        """Whether this process answers."""
        return {"status": "ok"}

    @app.api_route("/readyz", methods=["GET", "HEAD"], include_in_schema=False)
    def readyz() -> JSONResponse:
        """Whether this process can do its work now: 503 with the named reason when it cannot."""
        found: dict[str, str] = {}
        for name, check in checks.items():
            try:
                check()
            except GapbridgeError as error:
                # The sentence holds addresses of our servers; it goes to the log of `doctor`, not to the network.
                found[name] = error.code
        return JSONResponse(
            {"status": "not ready" if found else "ok", "problems": found}, status_code=503 if found else 200
        )

    @app.get("/metrics", include_in_schema=False)
    def metrics() -> Response:
        """The counters of this process in Prometheus' text format."""
        return Response(generate_latest(), headers={"content-type": CONTENT_TYPE_LATEST})


def _describe(app: FastAPI) -> None:
    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            made = get_openapi(title=app.title, version=app.version, routes=app.routes, openapi_version="3.1.0")
            schema = problems.Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            parts = made.setdefault("components", {}).setdefault("schemas", {})
            parts.update(schema.pop("$defs", {}))
            parts["Problem"] = schema
            for unused in ("HTTPValidationError", "ValidationError"):
                parts.pop(unused, None)
            app.openapi_schema = made
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _as_ours(error: Exception) -> GapbridgeError | None:
    if isinstance(error, GapbridgeError):
        return error
    if isinstance(error, IntegrityError):
        log.warning("http.integrity", error=str(error.orig))
        return Conflict(say("somebody else changed the same thing at the same moment; look again"))
    if isinstance(error, OperationalError):
        log.error("http.database", error=str(error.orig))
        return Unavailable(say("the database does not answer now; try again in a moment"))
    return None


def _is_page(request: Request) -> bool:
    return not request.url.path.startswith(("/api/", "/healthz", "/readyz", "/metrics"))


def _answer(request: Request, error: Exception) -> Response:
    ours = _as_ours(error)
    page = _is_page(request)
    if ours is not None:
        return errors.page(request, ours) if page else problems.of_error(ours)
    if isinstance(error, RequestValidationError):
        # A page's only described input is its path: whatever does not fit it names nothing that exists.
        return errors.of_status(request, 404, NO_PAGE) if page else problems.of_validation(error)
    if isinstance(error, HTTPException):
        detail = NO_PAGE if error.status_code == 404 else f"{error.detail}."
        return errors.of_status(request, error.status_code, detail) if page else problems.of_http(error)
    raise error


def _crash(request: Request, reference: str) -> Response:
    if _is_page(request):
        return errors.of_status(request, 500, CRASHED, reference=reference)
    return problems.problem(500, "crashed", CRASHED, reference=reference)


def _handle_errors(app: FastAPI) -> None:
    for kind in (GapbridgeError, IntegrityError, OperationalError, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, _answer)
