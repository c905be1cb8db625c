"""What goes in and out of the server, whatever the dialect: a request, a reply, an RFC 9457 problem."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message
from typing import Any

PROBLEM_BASE = "https://sandbox.invalid/problems/"


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: Mapping[str, str]
    headers: Message  # looked up without regard to case
    body: bytes

    def wants_page(self) -> bool:
        return "text/html" in self.headers.get("Accept", "")


@dataclass(frozen=True)
class Reply:
    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    drop: bool = False  # close the connection without a word

    def truncated(self) -> "Reply":
        """The same answer with half of its body missing, but a length that fits what is sent."""
        return Reply(self.status, self.body[: len(self.body) // 2], self.content_type, self.headers)


DROPPED = Reply(status=0, drop=True)


def as_json(status: int, value: Any, headers: Mapping[str, str] | None = None) -> Reply:
    return Reply(status, json.dumps(value, separators=(",", ":")).encode(), headers=headers or {})


def as_problem(status: int, code: str, detail: str, headers: Mapping[str, str] | None = None, **members: Any) -> Reply:
    body = {"type": PROBLEM_BASE + code, "title": code.replace("_", " "), "status": status, "code": code}
    body |= {"detail": detail, **members}
    return Reply(status, json.dumps(body).encode(), "application/problem+json", headers or {})
