"""One correlation id leads from the request through the bell to the job; it is never taken from a hostile header."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from app.container import Container
from app.jobs import Job
from app.log import correlation_id
from app.main import create_app
from app.settings import Settings
from tests.support.brokers import until
from tests.support.databases import Templates
from workers.runtime import Runtime, assemble, disassemble
from workers.work import Work


@pytest.fixture
def seen() -> list[str | None]:
    return []


@pytest.fixture
def client(tmp_path: Path, templates: Templates, seen: list[str | None]) -> Iterator[TestClient]:
    """The application with its embedded workers and a page that puts work into the outbox."""

    def deliver(container: Container, mailbox_id: int) -> None:
        seen.append(correlation_id())

    with templates.copy("sqlite", tmp_path) as url:
        container, broker = assemble(Settings(_env_file=None, data_dir=tmp_path, database_url=url))
        runtime = Runtime(container, broker, [Work(Job.OUTBOX_DELIVER, run=deliver, due=lambda *_: [])])
        runtime.start()
        app = create_app(container)

        def approve() -> dict[str, str]:
            with container.db.work() as uow:
                uow.ring(Job.OUTBOX_DELIVER, 1)
            return {}

        app.add_api_route("/approve-for-this-test", approve, methods=["GET"])
        with TestClient(app) as made:
            yield made
        runtime.stop()
        disassemble(container, broker)


def test_one_id_from_the_request_to_the_job(client: TestClient, seen: list[str | None]) -> None:
    answer = client.get("/approve-for-this-test", headers={"X-Request-ID": "from-the-proxy-1"})
    assert answer.headers["x-request-id"] == "from-the-proxy-1"
    until(lambda: seen)
    answer = client.get("/approve-for-this-test")
    until(lambda: len(seen) == 2)
    assert seen == ["from-the-proxy-1", answer.headers["x-request-id"]]


@pytest.mark.parametrize("hostile", ["a b", "x" * 65, "a\tb", "{}", ""])
def test_a_hostile_id_is_replaced(client: TestClient, hostile: str) -> None:
    assert client.get("/healthz", headers={"X-Request-ID": hostile}).headers["x-request-id"] not in (hostile, "")
