"""What every route of the API owes: commit before the answer, problems in one form, keys with scopes, idempotency."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlalchemy import func, select

from app.api.v1.routes import DOORS
from app.frame import LARGEST_BODY
from app.models import Competitor, IdempotencyKey, Site
from tests.support.http import House

ACME = {"name": "Acme", "domains": ["acme.test"], "brand_names": ["Acme"]}


def problem_of(answer: Any, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert (body["status"], body["code"]) == (status, code)
    assert body["detail"]
    return body


def test_a_failed_commit_answers_503_and_not_201(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    api = house.api()

    driver = house.db.engine.dialect.dbapi

    def fail(connection: Any) -> None:
        connection.rollback()  # What a database does with a transaction that it cannot make durable.
        raise driver.OperationalError("disk I/O error")

    with monkeypatch.context() as patched:
        patched.setattr(house.db.engine.dialect, "do_commit", fail)
        problem_of(api.post("/api/v1/sites", json=ACME), 503, "unavailable")
    assert api.get("/api/v1/sites").json() == []
    assert api.post("/api/v1/sites", json=ACME).status_code == 201


def test_a_crash_is_a_problem_with_a_reference_and_no_trace(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.sites import service

    def crash(_: Any) -> None:
        raise ZeroDivisionError("secret detail")

    api = house.api()
    monkeypatch.setattr(service, "list_sites", crash)
    answer = api.get("/api/v1/sites", headers={"X-Request-Id": "my-request-1"})
    assert problem_of(answer, 500, "crashed")["reference"] == "my-request-1" == answer.headers["x-request-id"]
    assert "secret detail" not in answer.text
    assert "default-src 'self'" in answer.headers["content-security-policy"]


def test_callers_need_a_key_with_the_scope(house: House) -> None:
    """The matrix of who may what, made from the table of routes: every route, with no key, a wrong one, and all but the right scope."""
    from app.team.principal import SCOPES

    stranger = house.stranger()
    table = [route for door in DOORS for route in door.table]
    document = house.app.openapi()
    registered = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert {(route.method, "/api/v1" + route.path) for route in table} == registered
    others = {needs: house.key(SCOPES - {needs}, name=needs) for needs in {route.needs for route in table}}
    for route in table:
        path = "/api/v1" + route.path
        for name in ("site_id", "competitor_id", "page_id", "prospect_id", "pitch_id", "outbound_id", "message_id"):
            path = path.replace("{" + name + "}", "1")
        problem_of(stranger.request(route.method, path), 401, "not-signed-in")
        wrong = {"Authorization": "Bearer gbk_wrong"}
        problem_of(stranger.request(route.method, path, headers=wrong), 401, "not-signed-in")
        lacking = {"Authorization": f"Bearer {others[route.needs]}"}
        assert (
            route.needs
            in problem_of(stranger.request(route.method, path, headers=lacking), 403, "not-allowed")["detail"]
        )


def test_malformed_input_is_422_by_field_and_never_repeated(api: Any) -> None:
    body = problem_of(api.post("/api/v1/sites", json={**ACME, "id": 7, "min_authority": "canary"}), 422, "bad-input")
    assert {line["field"] for line in body["errors"]} == {"id", "min_authority"}
    assert "canary" not in str(body)
    assert {
        line["field"]
        for line in problem_of(api.post("/api/v1/sites", json={**ACME, "domains": ["co.uk"]}), 422, "bad-input")[
            "errors"
        ]
    } == {"domains"}
    for content in (b"{", b"[" * 100_000, b'{"name": "\\ud800"}', b'{"name": "a\\u0000b"}', b"\xff", b"null"):
        answer = api.post("/api/v1/sites", content=content, headers={"Content-Type": "application/json"})
        assert answer.status_code in (400, 422), (content[:20], answer.text)
    nan = b'{"name":"A","domains":["a.test"],"brand_names":["A"],"min_authority":NaN}'
    problem_of(api.post("/api/v1/sites", content=nan, headers={"Content-Type": "application/json"}), 422, "bad-input")
    problem_of(api.get(f"/api/v1/sites/{2**40}"), 422, "bad-input")
    problem_of(api.get("/api/v1/sites/9"), 404, "not-found")
    problem_of(api.get("/api/v1/nothing"), 404, "not-found")
    assert problem_of(api.patch("/api/v1/sites"), 405, "method-not-allowed")


def test_a_body_over_the_limit_is_refused(api: Any) -> None:
    problem_of(api.post("/api/v1/sites", content=b"x" * (LARGEST_BODY + 1)), 413, "too-large")

    def chunks() -> Any:
        for _ in range(30):
            yield b" " * 50_000

    answer = api.post("/api/v1/sites", content=chunks(), headers={"Content-Type": "application/json"})
    problem_of(answer, 413, "too-large")


def test_fifty_identical_requests_have_one_effect_and_one_answer(house: House) -> None:
    api = house.api()
    site = api.post("/api/v1/sites", json=ACME).json()
    answers: list[Any] = []
    ready = threading.Barrier(50)

    def go() -> None:
        ready.wait()
        answers.append(
            api.post(
                f"/api/v1/sites/{site['id']}/competitors",
                json={"domain": "rival.test"},
                headers={"Idempotency-Key": "one"},
            )
        )

    threads = [threading.Thread(target=go) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} == {201}, [answer.text for answer in answers[:3]]
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotency-replayed" not in answer.headers for answer in answers) == 1
    with house.db.read() as uow:
        assert uow.session.execute(select(func.count()).select_from(Competitor)).scalar_one() == 1


def test_a_key_belongs_to_one_request_and_one_caller(house: House) -> None:
    api, other = house.api(), house.api()
    headers = {"Idempotency-Key": "k"}
    assert api.post("/api/v1/sites", json=ACME, headers=headers).status_code == 201
    body = problem_of(api.post("/api/v1/sites", json={**ACME, "name": "B"}, headers=headers), 422, "bad-input")
    assert body["errors"][0]["field"] == "Idempotency-Key"
    again = api.post("/api/v1/sites", json=ACME, headers=headers)
    assert (again.status_code, again.headers["idempotency-replayed"]) == (201, "true")
    mine = other.post("/api/v1/sites", json={"name": "C", "domains": ["c.test"], "brand_names": ["C"]}, headers=headers)
    assert mine.json()["name"] == "C"
    # What failed left no effect and no key: it may be tried again.
    late = {"Idempotency-Key": "late"}
    path = "/api/v1/sites/3/competitors"
    problem_of(api.post(path, json={"domain": "rival.test"}, headers=late), 404, "not-found")
    with house.db.read() as uow:
        assert uow.session.execute(select(func.count()).select_from(IdempotencyKey)).scalar_one() == 2
        assert uow.session.execute(select(func.count()).select_from(Site)).scalar_one() == 2


def test_competitors_and_pages(api: Any) -> None:
    site = api.post("/api/v1/sites", json=ACME).json()["id"]
    path = f"/api/v1/sites/{site}"
    advice = [api.post(f"{path}/competitors", json={"domain": f"r{n}.test"}).json()["advice"] for n in range(6)]
    assert [bool(said) for said in advice] == [False] * 5 + [True]
    first = api.get(f"{path}/competitors").json()[0]
    assert api.delete(f"{path}/competitors/{first['id']}").status_code == 204
    problem_of(api.delete(f"{path}/competitors/{first['id']}"), 404, "not-found")
    problem_of(api.post(f"{path}/competitors", json={"domain": "r1.test"}), 409, "conflict")
    problem_of(api.post(f"{path}/pages", json={"url": "https://acme.test/", "title": "Home"}), 422, "bad-input")
    for no_day in (0, 86_400, "86400", " 2026 "):
        page_in = {"url": "https://acme.test/guide", "title": "Guide", "published_on": no_day}
        [wrong] = problem_of(api.post(f"{path}/pages", json=page_in), 422, "bad-input")["errors"]
        assert (wrong["field"], wrong["problem"][:27]) == ("published_on", "Write a day as 2026-06-01, ")
    page = api.post(f"{path}/pages", json={"url": "https://acme.test/guide", "title": "Guide"}).json()
    assert api.delete(f"{path}/pages/{page['id']}").json()["archived_at"]
    assert api.get(f"{path}/pages").json() == []
    assert len(api.get(f"{path}/pages?archived=true").json()) == 1


def test_a_monitor_may_ask_by_head(house: House) -> None:
    for path in ("/healthz", "/readyz"):
        assert house.stranger().head(path).status_code == 200
