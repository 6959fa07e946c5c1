"""Answers as the contract describes them."""

from __future__ import annotations

import json
from typing import Any

from tests.server import META, Told

EXECUTION = "exec_01kaq4j9qaf5h6j7k8m9n0p1q2"
TIME = "2026-11-22T10:30:00.000Z"

TICKET = Told(
    200,
    {
        "data": {
            "ticket": "fp_ticket_3xK9vQ1sZr8TnB4mWc7YhD2pLf6GjE5a",
            "execution_id": EXECUTION,
            "after": 0,
            "expires_at": TIME,
        },
        "meta": META,
    },
)


def workflow_page(page: int, pages: int) -> Told:
    workflow = {
        "id": "wf_01kaq4e5n8e3s4t5v6w7x8y9z0",
        "name": f"Order {page}",
        "description": "Approves orders and notes the large ones.",
        "status": "published",
        "tags": ["orders"],
        "group_id": None,
        "node_count": 4,
        "revision": 2,
        "published_version": 1,
        "has_unpublished_changes": False,
        "created_at": TIME,
        "updated_at": TIME,
        "published_at": TIME,
    }
    return Told(200, {"data": [workflow], "pagination": pagination(page, pages), "meta": META})


def log_page(cursor: str | None, following: str | None) -> Told:
    line = {
        "id": "log_01kaq4jascf5h6j7k8m9n0p1q5",
        "execution_id": EXECUTION,
        "level": "info",
        "message": f"after {cursor}",
        "node_id": "note",
        "attempt": 1,
        "data": {"order_id": "A-1042"},
        "timestamp": TIME,
    }
    cursors = {"next_cursor": following, "has_more": following is not None}
    return Told(200, {"data": [line], "pagination": {**pagination(1, 3), **cursors}, "meta": META})


def pagination(page: int, pages: int) -> dict[str, Any]:
    return {
        "page": page,
        "per_page": 1,
        "total_count": pages,
        "total_pages": pages,
        "has_next": page < pages,
        "has_prev": page > 1,
    }


def event(type: str, sequence: int, **data: Any) -> bytes:
    message = {
        "id": "evt_01kaq4jatdf5h6j7k8m9n0p1q6",
        "type": type,
        "sequence": sequence,
        "execution_id": EXECUTION,
        "timestamp": TIME,
        "data": data,
    }
    return f"id: {sequence}\nevent: {type}\ndata: {json.dumps(message)}\n\n".encode()


def stream(*events: bytes) -> Told:
    return Told(200, b"".join(events), {"Content-Type": "text/event-stream"})
