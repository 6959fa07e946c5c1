"""Lists as iterators. Written by hand: openapi-generator knows no pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol, TypeVar

Item = TypeVar("Item")


class Page(Protocol[Item]):
    """An answer of any list operation."""

    @property
    def data(self) -> list[Item]: ...

    @property
    def pagination(self) -> Any: ...


def items(operation: Callable[..., Page[Item]], *arguments: Any, **parameters: Any) -> Iterator[Item]:
    """Every item of a list: ``items(workflows.list_workflows, status="published")``.

    Pages are fetched as they are needed. Where the operation has a cursor it is used, so that nothing is lost or doubled
    while items are added.
    """
    while True:
        answer = operation(*arguments, **parameters)
        yield from answer.data
        pagination = answer.pagination
        if hasattr(pagination, "next_cursor"):
            if pagination.next_cursor is None:
                return
            parameters = {**parameters, "page": None, "cursor": pagination.next_cursor}
        elif pagination.has_next:
            parameters = {**parameters, "page": pagination.page + 1}
        else:
            return
