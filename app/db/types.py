"""Column types: text enums with a CHECK, and JSON that keeps its shape on both databases."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import JSON, CheckConstraint, Column, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.types import TypeDecorator

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
