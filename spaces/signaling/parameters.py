"""What a query parameter may say: told in `/openapi.json` and read from requests by the same value."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Protocol


class BadValueError(Exception):
    """A value that a parameter does not take; the message goes on after its name: "… is not between 1 and 100"."""

    def __init__(self, values: list[str], complaint: str) -> None:
        super().__init__(complaint)
        self.values = values


class Kind(Protocol):
    def read(self, text: str) -> Any:
        """Raises BadValueError."""

    def schema(self) -> dict[str, Any]:
        """JSON Schema."""


@dataclass(frozen=True, slots=True)
class Text:
    """Any text, or one that matches as a whole."""

    least: int = 0
    most: int | None = None
    """Both in characters."""
    pattern: str | None = None

    def read(self, text: str) -> str:
        if len(text) < self.least or (self.most is not None and len(text) > self.most):
            raise BadValueError([text[:100]], f"is not {self.least} to {self.most} characters long")
        if self.pattern is not None and re.fullmatch(self.pattern, text) is None:
            raise BadValueError([text], f"does not match {anchored(self.pattern)}")
        return text

    def schema(self) -> dict[str, Any]:
        limits: dict[str, Any] = {"minLength": self.least} if self.least else {}
        if self.most is not None:
            limits["maxLength"] = self.most
        if self.pattern is not None:
            limits["pattern"] = anchored(self.pattern)
        return {"type": "string", **limits}


@dataclass(frozen=True, slots=True)
class Number:
    least: int
    most: int
    default: int | None = None

    def read(self, text: str) -> int:
        number = int(text) if re.fullmatch(r"-?[0-9]{1,19}", text, re.ASCII) else None
        if number is None or not self.least <= number <= self.most:
            raise BadValueError([text[:100]], f"is not between {self.least} and {self.most}")
        return number

    def schema(self) -> dict[str, Any]:
        default = {} if self.default is None else {"default": self.default}
        return {"type": "integer", "minimum": self.least, "maximum": self.most, **default}


@dataclass(frozen=True, slots=True)
class Choice:
    values: tuple[str, ...]
    default: str | None = None

    def read(self, text: str) -> str:
        if text not in self.values:
            raise BadValueError([text[:100]], f"is not one of [{','.join(self.values)}]")
        return text

    def schema(self) -> dict[str, Any]:
        default = {} if self.default is None else {"default": self.default}
        return {"type": "string", "enum": list(self.values), **default}


@dataclass(frozen=True, slots=True)
class Several:
    """Values of one kind with commas between them, each counted once."""

    each: Choice | Text
    most: int

    def read(self, text: str) -> tuple[str, ...]:
        values = text.split(",") if text else []
        if not 1 <= len(values) <= self.most:
            raise BadValueError([f"{len(values)} values"], f"is not a list of 1 to {self.most} values")
        bad, complaint = [], ""
        for value in values:
            try:
                self.each.read(value)
            except BadValueError as error:
                bad.append(value[:100])
                complaint = str(error)
        if bad:
            raise BadValueError(bad, complaint)
        return tuple(dict.fromkeys(values))

    def schema(self) -> dict[str, Any]:
        return {"type": "array", "items": self.each.schema(), "minItems": 1, "maxItems": self.most}


@dataclass(frozen=True, slots=True)
class Parameter:
    """Of a query."""

    name: str
    description: str
    kind: Kind = Text()
    required: bool = False

    def described(self) -> dict[str, Any]:
        """An OpenAPI parameter object."""
        commas = {"style": "form", "explode": False} if isinstance(self.kind, Several) else {}
        return {
            "name": self.name,
            "in": "query",
            "required": self.required,
            "schema": self.kind.schema(),
            "description": self.description,
            **commas,
        }


def anchored(pattern: str) -> str:
    return f"^{pattern}$"
