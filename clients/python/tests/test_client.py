"""Retries, keys, errors and pages, over real HTTP."""

from __future__ import annotations

import email.utils
import socket
import time
import unittest
from typing import Any

from flowpact.client import Flowpact
from flowpact.errors import (
    APIConnectionError,
    APIError,
    APITimeoutError,
    AuthenticationError,
    ConflictError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
    StreamError,
    UnprocessableError,
    ValidationError,
)
from flowpact.exceptions import NotFoundException
from flowpact.models import CreateStreamTicketRequest, ExecutionCompletedEvent, ExecutionPausedEvent
from flowpact.pages import items
from flowpact.retry import RetryPolicy

from tests.answers import EXECUTION, TICKET, event, log_page, stream, workflow_page
from tests.server import META, Asked, Server, Told, error

UNAVAILABLE = error(503, "service_unavailable")
LIMITED = error(429, "rate_limit_exceeded", headers={"Retry-After": "3"}, limit=60, window="minute", retry_after=3)
NOTHING = Told(204, b"")


def request_ticket(client: Flowpact, **parameters: Any) -> object:
    return client.live.create_stream_ticket(CreateStreamTicketRequest(execution_id=EXECUTION), **parameters)


class ClientTest(unittest.TestCase):
    def setUp(self) -> None:
        self.slept: list[float] = []

    def client(self, url: str, **policy: Any) -> Flowpact:
        retry = RetryPolicy(sleep=self.slept.append, random=lambda: 1.0, **policy)
        return Flowpact(url, api_key="fp_live_secret", retry=retry)


class Retries(ClientTest):
    def test_a_read_is_repeated_with_delays_that_double(self) -> None:
        with Server(UNAVAILABLE, None, NOTHING) as server:
            self.client(server.url).workflows.delete_workflow("wf_1")
        self.assertEqual(self.slept, [0.5, 1.0])
        self.assertEqual([asked.method for asked in server.asked], ["DELETE"] * 3)

    def test_jitter_takes_up_to_half_of_a_delay_and_there_is_a_most(self) -> None:
        self.assertEqual(RetryPolicy(random=lambda: 0.0).delay(1), 0.5)
        self.assertEqual(RetryPolicy(random=lambda: 1.0).delay(9), 8.0)

    def test_retry_after_is_kept_to_in_seconds_and_as_a_date(self) -> None:
        date = email.utils.formatdate(time.time() + 30, usegmt=True)
        later = error(503, "service_unavailable", headers={"Retry-After": date})
        with Server(LIMITED, later, NOTHING) as server:
            self.client(server.url).workflows.delete_workflow("wf_1")
        self.assertEqual(self.slept[0], 3.0)
        self.assertTrue(0 < self.slept[1] <= 30, self.slept)

    def test_a_retry_after_that_is_too_long_is_not_waited_for(self) -> None:
        with Server(LIMITED) as server, self.assertRaises(RateLimitError) as caught:
            self.client(server.url, max_retry_after=2).workflows.delete_workflow("wf_1")
        self.assertEqual((caught.exception.retry_after, self.slept), (3.0, []))

    def test_the_last_error_is_raised_when_attempts_are_used_up(self) -> None:
        with Server(UNAVAILABLE, UNAVAILABLE) as server, self.assertRaises(ServerError):
            self.client(server.url, max_retries=1).workflows.delete_workflow("wf_1")

    def test_an_operation_with_a_key_is_repeated_with_the_same_key(self) -> None:
        with Server(UNAVAILABLE, None, TICKET, TICKET) as server:
            client = self.client(server.url)
            request_ticket(client)
            request_ticket(client)
        keys = [asked.headers["idempotency-key"] for asked in server.asked]
        self.assertEqual(len(set(keys[:3])), 1)
        self.assertNotEqual(keys[2], keys[3])

    def test_a_key_of_the_caller_is_sent(self) -> None:
        with Server(TICKET, TICKET) as server:
            request_ticket(self.client(server.url), idempotency_key="mine")
            request_ticket(self.client(server.url), _headers={"idempotency-key": "mine"})
        self.assertEqual([asked.headers["idempotency-key"] for asked in server.asked], ["mine", "mine"])

    def test_a_twin_at_work_is_waited_for_and_another_conflict_is_not(self) -> None:
        at_work = error(409, "request_in_progress", headers={"Retry-After": "1"})
        with Server(at_work, TICKET, error(409, "execution_already_finished")) as server:
            request_ticket(self.client(server.url))
            with self.assertRaises(ConflictError):
                request_ticket(self.client(server.url))
        self.assertEqual(self.slept, [1.0])

    def test_a_write_without_a_key_is_repeated_only_where_it_never_ran(self) -> None:
        with Server(LIMITED, UNAVAILABLE, None) as server:
            with self.assertRaises(ServerError):
                self.client(server.url).executions.cancel_execution(EXECUTION)
            with self.assertRaises(APIConnectionError):
                self.client(server.url).executions.cancel_execution(EXECUTION)
        self.assertNotIn("idempotency-key", server.asked[0].headers)
        self.assertEqual(self.slept, [3.0])

    def test_an_answer_that_breaks_off_is_asked_for_again(self) -> None:
        whole = workflow_page(1, 1)
        with Server(Told(200, whole.body, missing=10), whole) as server:
            self.assertEqual(len(self.client(server.url).workflows.list_workflows().data), 1)
        self.assertEqual(self.slept, [0.5])

    def test_what_never_answers_is_a_connection_error(self) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            with self.assertRaises(APIConnectionError) as caught:
                self.client(f"http://127.0.0.1:{taken.getsockname()[1]}").workflows.get_workflow("wf_1")
        self.assertNotIn("fp_live_secret", str(caught.exception))
        self.assertEqual(self.slept, [0.5, 1.0])

    def test_what_takes_too_long_is_a_timeout(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent, self.assertRaises(APITimeoutError):
            client = self.client(f"http://127.0.0.1:{silent.getsockname()[1]}", max_retries=0)
            client.workflows.get_workflow("wf_1", _request_timeout=0.05)

    def test_a_redirect_is_not_followed(self) -> None:
        with Server(NOTHING) as other, Server(Told(302, {}, {"Location": other.url})) as server:
            with self.assertRaises(APIError) as caught:
                self.client(server.url).workflows.get_workflow("wf_1")
        self.assertEqual((caught.exception.status, other.asked), (302, []))

    def test_an_id_that_would_name_another_operation_is_refused(self) -> None:
        for id in ("", ".", ".."):
            with self.assertRaises(ValueError):
                Flowpact().workflows.get_workflow(id)


class Errors(ClientTest):
    def raised(self, told: Told) -> APIError:
        with Server(told) as server, self.assertRaises(APIError) as caught:
            self.client(server.url, max_retries=0).workflows.get_workflow("wf_1")
        return caught.exception

    def test_each_status_has_its_class(self) -> None:
        kinds = {
            400: ValidationError,
            401: AuthenticationError,
            403: PermissionDeniedError,
            404: NotFoundError,
            409: ConflictError,
            422: UnprocessableError,
            429: RateLimitError,
            500: ServerError,
            503: ServerError,
            418: APIError,
        }
        for status, kind in kinds.items():
            self.assertIs(type(self.raised(error(status, "some_code"))), kind)

    def test_an_error_has_code_request_and_details(self) -> None:
        raised = self.raised(error(404, "resource_not_found", resource="workflow", id="wf_1"))
        self.assertEqual((raised.status, raised.code), (404, "resource_not_found"))
        self.assertEqual(raised.request_id, META["request_id"])
        self.assertEqual(raised.details, {"resource": "workflow", "id": "wf_1"})
        self.assertEqual(
            str(raised), f"404 resource_not_found: This is resource_not_found. (request {META['request_id']})"
        )
        self.assertIsInstance(raised, NotFoundException)

    def test_problem_details_say_the_same(self) -> None:
        problem = {"code": "insufficient_scope", "detail": "No.", "details": {"missing_scopes": ["a:b"]}, "meta": META}
        raised = self.raised(Told(403, problem, {"Content-Type": "application/problem+json"}))
        assert isinstance(raised, PermissionDeniedError)
        self.assertEqual((raised.code, raised.message, raised.missing_scopes), ("insufficient_scope", "No.", ["a:b"]))

    def test_a_validation_error_lists_every_problem(self) -> None:
        problem = {"field": "name", "message": "must be a string", "location": "body"}
        raised = self.raised(error(400, "validation_error", errors=[problem]))
        assert isinstance(raised, ValidationError)
        self.assertEqual(raised.problems, [problem])

    def test_an_answer_that_is_none_of_the_contracts_is_an_error_too(self) -> None:
        raised = self.raised(Told(502, b"<h1>Bad gateway</h1>", {"Content-Type": "text/html", "X-Request-Id": "r1"}))
        self.assertEqual((raised.status, raised.code, raised.request_id, raised.details), (502, None, "r1", {}))


class Pages(ClientTest):
    def test_pages_are_turned_by_number_and_filters_stay(self) -> None:
        def answer(asked: Asked) -> Told:
            return workflow_page(int(asked.query.get("page", ["1"])[0]), 3)

        with Server(always=answer) as server:
            client = self.client(server.url)
            found = [workflow.name for workflow in items(client.workflows.list_workflows, tag="shop")]
            self.assertEqual(found, ["Order 1", "Order 2", "Order 3"])
            found = [workflow.name for workflow in items(client.workflows.list_workflows, page=3)]
            self.assertEqual(found, ["Order 3"])
        self.assertTrue(all(asked.query["tag"] == ["shop"] for asked in server.asked[:3]))

    def test_pages_are_fetched_as_they_are_needed(self) -> None:
        with Server(workflow_page(1, 3)) as server:
            next(items(self.client(server.url).workflows.list_workflows))
        self.assertEqual(len(server.asked), 1)

    def test_a_cursor_is_followed_where_there_is_one(self) -> None:
        following = {None: "b", "b": "c", "c": None}

        def answer(asked: Asked) -> Told:
            cursor = asked.query.get("cursor", [None])[0]
            return log_page(cursor, following[cursor])

        with Server(always=answer) as server:
            logs = items(self.client(server.url).executions.list_execution_logs, EXECUTION)
            self.assertEqual([line.message for line in logs], ["after None", "after b", "after c"])
        self.assertTrue(all("page" not in asked.query for asked in server.asked[1:]))


class Follow(ClientTest):
    def test_a_broken_stream_is_taken_up_after_the_last_event(self) -> None:
        paused = event("execution:paused", 1, status="paused")
        strange = event("moon:landed", 2)
        done = event("execution:completed", 3, status="completed", output=None, duration_ms=23)
        with Server(stream(paused, strange), UNAVAILABLE, stream(done)) as server:
            events = list(self.client(server.url).follow(EXECUTION))
        self.assertEqual([type(each) for each in events], [ExecutionPausedEvent, ExecutionCompletedEvent])
        self.assertEqual([asked.headers.get("last-event-id") for asked in server.asked], [None, "2", "2"])

    def test_it_ends_with_an_error_when_connections_bring_nothing(self) -> None:
        with Server(always=lambda _: stream()) as server, self.assertRaises(StreamError):
            list(self.client(server.url).follow(EXECUTION, max_reconnects=2))
        self.assertEqual(len(server.asked), 3)

    def test_what_the_server_refuses_is_a_typed_error(self) -> None:
        with Server(error(404, "resource_not_found")) as server, self.assertRaises(NotFoundError) as caught:
            list(self.client(server.url).follow(EXECUTION))
        self.assertEqual(caught.exception.code, "resource_not_found")


if __name__ == "__main__":
    unittest.main()
