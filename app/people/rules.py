"""What an erasure does with each column: rows of the person are blanked, every other text is searched, and some are kept.

Every text or JSON column that is not named here is searched for the person and rewritten, so a new table is covered
from its first day. Bytes cannot be searched by the database and text keys cannot be rewritten: those are named one by one
(a test walks the tables and fails for any that is not).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import JSON, Column, String, Table, TypeDecorator
from sqlmodel import SQLModel

from app.db.types import TextEnum

MARK = "[erased]"

#: Columns that are never searched, each with why.
KEPT: Mapping[str, str] = {
    "app_user.*": "staff, not people whom we write to",
    "user_session.*": "hashes and random ids of staff",
    "second_factor.*": "sealed secrets of staff",
    "passkey.*": "public keys of staff",
    "recovery_code.*": "hashes of codes of staff",
    "sign_in_try.*": "hashes of staff accounts and of networks",
    "api_key.*": "names and hashes of keys",
    "installation_rule.*": "rules of the installation, no words of people whom we write to",
    "gap_view.name": "the name that one of us gave to a set of filters",
    "mailbox.email": "our own address",
    "mailbox.username": "our own sign-in",
    "mailbox.from_name": "our own name",
    "mailbox.secret": "sealed",
    "sealed_secret.*": "sealed",
    "installation.*": "the installation itself",
    "lease.*": "names of processes",
    "worker_beat.*": "names of processes",
    "job_fault.job": "the name of a job",
    "mailbox_oauth.*": "sealed tokens and words of the sign-in server",
    "oauth_flow.*": "hashes and random texts of staff's sign-ins",
    "recipient_day.recipient": "a domain, or a keyed hash at public mail providers",
    "domain_lease.domain": "a domain",
    "host_turn.host": "the host of a site",
    "robots_text.origin": "scheme and host of a site",
    "page_memory.key": "a hash of an address; the address itself is searched",
    "sending_domain.domain": "our own domain",
    "site.name": "our own name",
    "erasure.*": "the record of erasures: a keyed hash and counts",
    "suppression.key": "the keyed hash: the fact that outlives the erasure",
    "suppression.pattern": "the glob of a rule; see suppression.value",
    "suppression.value": "blanked by its own rule",
    "suppression_removal.key": "a keyed hash",
    "outbound.token": "random",
    "outbound.message_id": "made by us of random letters and our own domain",
    "outbound_alias.message_id": "made by a mail server",
    "inbound.content_key": "a hash: it keeps erased mail from being read in again",
    "idempotency_key.*": "rows whose answer names the person are deleted whole",
}

#: Columns of bytes, each with the rule that handles them (app.people.erase).
BYTES: Mapping[str, str] = {
    "outbound.raw": "emptied for the person's conversations and wherever it names them",
    "inbound.raw": "dropped for the person's mail and wherever it names them",
    "digest.raw": "emptied wherever it names the person; one that waits is not sent",
    "idempotency_key.body": "the row is deleted",
}


def kept(column: Column[Any]) -> str | None:
    """Why a column is never searched, or None."""
    return KEPT.get(f"{column.table.name}.*") or KEPT.get(f"{column.table.name}.{column.name}")


def holds_text(column: Column[Any]) -> bool:
    """Whether the column can hold somebody's words: text or JSON, and no closed list of values."""
    kind: Any = column.type
    plain = kind.impl_instance if isinstance(kind, TypeDecorator) else kind
    return isinstance(plain, String | JSON) and not isinstance(kind, TextEnum)


def searched() -> Iterator[tuple[Table, list[Column[Any]]]]:
    """Every table with its columns that are searched and rewritten."""
    for table in SQLModel.metadata.sorted_tables:
        columns = [
            column for column in table.columns if holds_text(column) and kept(column) is None and not column.primary_key
        ]
        if columns:
            yield table, columns
