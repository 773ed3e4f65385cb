"""Column types: text enums with a CHECK, sentences with what filled them, and JSON that keeps its shape on both databases."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import JSON, CheckConstraint, Column, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.types import TypeDecorator

from app.domain.said import kept, stored

E = TypeVar("E", bound=StrEnum)


class TextEnum(TypeDecorator[E]):
    """A StrEnum stored as text and returned as the enum: no native type, so that a new member needs no ALTER TYPE."""

    impl = String
    cache_ok = True

    def __init__(self, enum: type[E]) -> None:
        super().__init__(length=32)
        self.enum = enum

    def __repr__(self) -> str:
        return "sa.String(length=32)"

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """Refuse a value that the enum does not know (ValueError), whatever way it came."""
        return None if value is None else self.enum(value).value

    def process_result_value(self, value: str | None, dialect: Dialect) -> E | None:
        """The enum member."""
        return None if value is None else self.enum(value)


class Said(TypeDecorator[str]):
    """A text for people. A `Sentence` keeps its template and values, so that a page says it in its reader's language."""

    impl = String
    cache_ok = True

    def __repr__(self) -> str:
        return "sa.String()"

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """See `app.domain.said.stored`."""
        return None if value is None else stored(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        """See `app.domain.said.kept`."""
        return None if value is None else kept(value)


class SaidJson(TypeDecorator[Any]):
    """JSON in which sentences keep their template and values; see `Said`."""

    impl = JSON
    cache_ok = True

    def __repr__(self) -> str:
        return "sa.JSON().with_variant(postgresql.JSONB(), 'postgresql')"

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        """JSONB on PostgreSQL."""
        return dialect.type_descriptor(JSONB() if dialect.name == "postgresql" else JSON())

    def coerce_compared_value(self, op: Any, value: Any) -> Any:
        """A member is asked for by its name, as in any JSON."""
        return self.impl_instance.coerce_compared_value(op, value)

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """Every text as `app.domain.said.stored` keeps it."""
        return _each(value, stored)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """Every text as `app.domain.said.kept` reads it."""
        return _each(value, kept)


def _each(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {name: _each(one, change) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_each(one, change) for one in value]
    return change(value) if isinstance(value, str) else value


def enum_column(enum: type[StrEnum], *, nullable: bool = False, **kwargs: Any) -> Column[Any]:
    """A column for `enum`."""
    return Column(TextEnum(enum), nullable=nullable, **kwargs)


def enum_check(column: str, enum: type[StrEnum]) -> CheckConstraint:
    """The CHECK that keeps `column` to the members of `enum`, whoever writes."""
    members = ", ".join(f"'{member.value}'" for member in enum)
    return CheckConstraint(f"{column} IN ({members})", name=column)


JSON_TYPE = JSON().with_variant(JSONB(), "postgresql")


def json_column(*, nullable: bool = False, **kwargs: Any) -> Column[Any]:
    """A JSON column (JSONB on PostgreSQL). Values are replaced, never changed in place."""
    return Column(JSON_TYPE, nullable=nullable, **kwargs)
