"""The HTTP application: one of the two composition roots."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from app.container import Container
from app.errors import GapbridgeError
from app.health import check_database
from app.tracing import RequestTracing


def create_app(container: Container, *, checks: Mapping[str, Callable[[], object]] | None = None) -> FastAPI:
    """The application on `container`. `checks` are further conditions of `/readyz` (name -> function that raises)."""
    # The interactive documentation of FastAPI loads its scripts from a CDN: off.
    app = FastAPI(title="Gapbridge", docs_url=None, redoc_url=None, openapi_url="/api/v1/openapi.json")
    app.state.container = container
    app.add_middleware(RequestTracing)
    _attach_probes(app, {"database": lambda: check_database(container), **(checks or {})})
    return app


def _attach_probes(app: FastAPI, checks: Mapping[str, Callable[[], object]]) -> None:
    @app.get("/healthz", include_in_schema=False)
    async def healthz() -> dict[str, str]:
        """Whether this process answers."""
        return {"status": "ok"}

    @app.get("/readyz", include_in_schema=False)
    def readyz() -> JSONResponse:
        """Whether this process can do its work now: 503 with the named reason when it cannot."""
        problems: dict[str, str] = {}
        for name, check in checks.items():
            try:
                check()
            except GapbridgeError as error:
                # The sentence holds addresses of our servers; it goes to the log of `doctor`, not to the network.
                problems[name] = error.code
        return JSONResponse(
            {"status": "not ready" if problems else "ok", "problems": problems}, status_code=503 if problems else 200
        )

    @app.get("/metrics", include_in_schema=False)
    def metrics() -> Response:
        """The counters of this process in Prometheus' text format."""
        return Response(generate_latest(), headers={"content-type": CONTENT_TYPE_LATEST})
