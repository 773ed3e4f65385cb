"""Idempotency-Key: a repeated request gets the first answer again, and its effect happens once.

The key is inserted at the beginning of the transaction that has the effect, and the answer is stored at its end: whoever
comes second waits for the first at the unique key, and then finds the answer. A request that fails leaves no key, because
it left no effect either: it may be tried again.
"""

from __future__ import annotations

import hashlib

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response

from app.db.work import UnitOfWork
from app.domain.said import say
from app.errors import BadInput, FieldProblem
from app.models import IdempotencyKey

_KEPT_HEADERS = ("content-type", "location")


async def fingerprint(request: Request) -> str:
    """A hash of what is asked: method, path, query and body. Parts of a form count, the boundary between them does not."""
    digest = hashlib.sha256(f"{request.method} {request.url.path}?{request.url.query}\n".encode())
    if request.headers.get("content-type", "").startswith("multipart/"):
        for name, value in (await request.form()).multi_items():
            digest.update(f"\n{name}=".encode(errors="replace"))
            if isinstance(value, UploadFile):
                digest.update(f"{value.filename}:{value.size}\n".encode(errors="replace"))
                while chunk := await value.read(1 << 20):
                    digest.update(chunk)
                await value.seek(0)
            else:
                digest.update(value.encode(errors="replace"))
    else:
        digest.update(await request.body())
    return digest.hexdigest()


def claim(uow: UnitOfWork, caller: str, key: str, request_sha256: str) -> Response | None:
    """Take the key for this transaction (None), or the stored answer. Raises BadInput when the request was another."""
    dialect = postgresql if uow.session.get_bind().dialect.name == "postgresql" else sqlite
    taken = uow.session.execute(
        dialect.insert(IdempotencyKey)
        .values(
            caller=caller,
            key=key,
            request_sha256=request_sha256,
            status=0,
            headers={},
            body=b"",
            created_at=uow.now(),
        )
        .on_conflict_do_nothing(index_elements=["caller", "key"])
        .returning(col(IdempotencyKey.key))
    ).first()
    if taken is not None:
        return None
    stored = uow.session.execute(
        select(IdempotencyKey).where(col(IdempotencyKey.caller) == caller, col(IdempotencyKey.key) == key)
    ).scalar_one()
    if stored.request_sha256 != request_sha256:
        raise BadInput(
            say("this Idempotency-Key was used for another request"),
            FieldProblem(
                "Idempotency-Key", say("Use a new key for a new request, and the same body with the same key")
            ),
        )
    return Response(stored.body, stored.status, {**stored.headers, "Idempotency-Replayed": "true"})


def keep(uow: UnitOfWork, caller: str, key: str, answer: Response) -> None:
    """Store the answer beside its effect."""
    uow.session.execute(
        update(IdempotencyKey)
        .where(col(IdempotencyKey.caller) == caller, col(IdempotencyKey.key) == key)
        .values(
            status=answer.status_code,
            headers={name: answer.headers[name] for name in _KEPT_HEADERS if name in answer.headers},
            body=bytes(answer.body),
        )
    )
