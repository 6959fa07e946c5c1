"""Following an execution as it happens. Written by hand: openapi-generator knows no event streams."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass

import urllib3

from flowpact.api.executions_api import ExecutionsApi
from flowpact.api_client import ApiClient
from flowpact.contract import LAST_EVENTS, ExecutionEventVariant
from flowpact.errors import APIConnectionError, StreamError
from flowpact.exceptions import ApiException, ServiceException
from flowpact.models.execution_event import ExecutionEvent
from flowpact.rest import RESTResponse
from flowpact.retry import RetryPolicy

Event = ExecutionEventVariant

_LAST = LAST_EVENTS["streamExecutionEvents"]


@dataclass
class _Message:
    id: str
    event: str
    data: str


def follow(
    client: ApiClient,
    execution_id: str,
    *,
    last_event_id: int | None = None,
    idle_timeout: float = 60.0,
    max_reconnects: int = 5,
) -> Iterator[Event]:
    """The events of an execution, from its beginning (or after ``last_event_id``) to its end.

    A broken connection is taken up again after the last event seen, so that none is lost and none comes twice; events have
    their id in ``sequence``. ``idle_timeout`` is seconds without a byte, keep-alives included. Events of a type that this
    version of the SDK does not know are left out. Raises ``APIError`` for what the server refuses, and ``StreamError``
    after ``max_reconnects`` connections in a row without an event.
    """
    policy: RetryPolicy = getattr(client, "retry", RetryPolicy())
    seen = last_event_id
    fruitless = 0
    greeted = False
    cause: Exception | None = None
    while fruitless <= max_reconnects:
        if fruitless > 0:
            policy.sleep(policy.delay(fruitless - 1) or 0.0)
        try:
            for message in _connection(client, execution_id, seen, idle_timeout):
                event = _decode(message.data)
                if message.event == "connected":
                    if not greeted and event is not None:
                        greeted = True
                        yield event
                    continue
                seen = int(message.id)
                fruitless = 0
                if event is not None:
                    yield event
                if message.event in _LAST:
                    return
        except (urllib3.exceptions.HTTPError, APIConnectionError, ServiceException, OSError) as error:
            cause = error
        except ApiException as error:
            if error.status != 429:
                raise
            cause = error
        fruitless += 1
    raise StreamError(f"the stream of {execution_id} broke {fruitless} times in a row without an event") from cause


def _connection(client: ApiClient, execution_id: str, after: int | None, idle_timeout: float) -> Iterator[_Message]:
    response = ExecutionsApi(client).stream_execution_events_without_preload_content(
        execution_id,
        last_event_id=after,
        _request_timeout=(10.0, idle_timeout),
        # The generated code would ask for JSON alone, which only errors are.
        _headers={"Accept": "text/event-stream, application/json"},
    )
    try:
        if response.status != 200:
            refused = RESTResponse(response)
            refused.read()
            client.response_deserialize(response_data=refused, response_types_map={})
        yield from _messages(response)
    finally:
        response.close()


def _messages(response: urllib3.HTTPResponse) -> Iterator[_Message]:
    """WHATWG HTML section 9.2.6; this server ends its lines with a line feed."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    rest = ""
    id, event, data = "", "", list[str]()
    for chunk in response.stream():
        *lines, rest = (rest + decoder.decode(chunk)).split("\n")
        for line in lines:
            if line == "":
                if data:
                    yield _Message(id, event, "\n".join(data))
                event, data = "", []
                continue
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if name == "id":
                id = value
            elif name == "event":
                event = value
            elif name == "data":
                data.append(value)


def _decode(text: str) -> Event | None:
    try:
        return ExecutionEvent.from_json(text).actual_instance
    except ValueError:
        return None
