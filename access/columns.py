"""Columns and constraints that the tables of every domain are made with."""

from __future__ import annotations

from typing import Any

from sqlalchemy import CheckConstraint, Column, ForeignKey

from access.database import Id


def one_of(column: str, values: tuple[str, ...]) -> CheckConstraint:
    return CheckConstraint(f'"{column}" IN ({", ".join(repr(value) for value in values)})', name=column)


def account_column(name: str = "account", **options: Any) -> Column[Any]:
    return Column(name, Id, ForeignKey("accounts.id"), **options)
