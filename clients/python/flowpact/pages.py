"""Lists as iterators. Written by hand: openapi-generator knows no pages. The contract says how they are turned."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ParamSpec, Protocol, TypeVar, cast

from flowpact.contract import CURSOR_PARAMETER, HAS_NEXT, NEXT_CURSOR, PAGE, PAGE_PARAMETER

Item = TypeVar("Item")
Parameters = ParamSpec("Parameters")


class Page(Protocol[Item]):
    """An answer of any list operation."""

    @property
    def data(self) -> list[Item]: ...

    @property
    def pagination(self) -> Any: ...


def items(
    operation: Callable[Parameters, Page[Item]], *arguments: Parameters.args, **parameters: Parameters.kwargs
) -> Iterator[Item]:
    """Every item of a list: ``items(client.workflows.list_workflows, status="published")``.

    Takes what the operation takes. Pages are fetched as they are needed. Where the operation has a cursor it is used, so that
    nothing is lost or doubled while items are added.
    """
    turn = cast(Callable[..., Page[Item]], operation)
    following: dict[str, Any] = dict(parameters)
    while True:
        answer = turn(*arguments, **following)
        yield from answer.data
        pagination = answer.pagination
        if hasattr(pagination, NEXT_CURSOR):
            cursor = getattr(pagination, NEXT_CURSOR)
            if cursor is None:
                return
            following = {**following, PAGE_PARAMETER: None, CURSOR_PARAMETER: cursor}
        elif getattr(pagination, HAS_NEXT):
            following = {**following, PAGE_PARAMETER: getattr(pagination, PAGE) + 1}
        else:
            return
