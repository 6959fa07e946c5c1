"""The scenario of `npm run test:sdks` in Python: what it does is the same in every language."""

import os
import queue
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer

from flowpact.client import Flowpact
from flowpact.errors import NotFoundError, ValidationError, WebhookVerificationError
from flowpact.models import (
    CreateWebhookRequest,
    CreateWorkflowRequest,
    EventType,
    ExecuteWorkflowRequest,
    Execution,
    ExecutionCompletedEvent,
    LoginRequest,
    NodeCompletedEvent,
    RotateWebhookSecretRequest,
    TestWebhookRequest,
    WebhookTestWebhook,
    WorkflowDefinition,
    WorkflowEdge,
    WorkflowNode,
)
from flowpact.pages import items
from flowpact.webhooks import verify_webhook

url, tag = os.environ["FLOWPACT_URL"], os.environ["FLOWPACT_TAG"]
email, password = os.environ["FLOWPACT_EMAIL"], os.environ["FLOWPACT_PASSWORD"]

definition = WorkflowDefinition(
    nodes=[
        WorkflowNode(id="total", type="set", params={"values": {"total": "{{ input.amount }}"}}),
        WorkflowNode(
            id="answer",
            type="respond",
            params={"body": {"total": "{{ steps.total.output.total }}", "approved": True}},
        ),
    ],
    edges=[WorkflowEdge.model_validate({"id": "e1", "from": "total", "to": "answer", "port": "default"})],
)


def sign_in() -> str:
    with Flowpact(url) as client:
        return client.auth.login(LoginRequest(email=email, password=password)).data.access_token


def follow_to_end(client: Flowpact, execution_id: str) -> Execution:
    events = list(client.follow(execution_id))
    assert [events[0].type, events[1].type] == ["connected", "execution:started"], events
    assert isinstance(events[-1], ExecutionCompletedEvent), events
    outputs = [event.data.output for event in events if isinstance(event, NodeCompletedEvent)]
    assert len(outputs) == 2, outputs
    rest = list(client.follow(execution_id, last_event_id=events[-2].sequence))
    assert [event.sequence for event in rest[1:]] == [events[-1].sequence], rest
    return client.executions.get_execution(execution_id).data


def mistakes(client: Flowpact, empty: str) -> None:
    try:
        client.workflows.get_workflow("wf_01kaq4e5n8e3s4t5v6w7x8y9z0")
        raise AssertionError("a missing workflow was found")
    except NotFoundError as error:
        assert error.code == "resource_not_found" and error.request_id, error
        assert error.details["resource"] == "workflow", error.details

    try:
        client.workflows.publish_workflow(empty)
        raise AssertionError("an empty workflow was published")
    except ValidationError as error:
        assert error.code == "validation_error" and error.problems, error

    try:
        list(client.follow("exec_01kaq4j9qaf5h6j7k8m9n0p1q2"))
        raise AssertionError("a missing execution was followed")
    except NotFoundError as error:
        assert error.code == "resource_not_found", error


def receive(client: Flowpact) -> None:
    """A message to a webhook is verified with its secret, and after a rotation with either."""
    messages: queue.Queue[tuple[bytes, Mapping[str, str]]] = queue.Queue()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            messages.put((self.rfile.read(int(self.headers["Content-Length"])), dict(self.headers)))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Receiver) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/"
        request = CreateWebhookRequest(name=tag, url=address, events=[EventType.FORM_DOT_SUBMITTED])
        created = client.webhooks.create_webhook(request).data
        webhook, old = created.webhook.id, created.secret
        client.webhooks.test_webhook(webhook, TestWebhookRequest())
        payload, headers = messages.get(timeout=30)
        event = verify_webhook(payload, headers, old)
        assert isinstance(event, WebhookTestWebhook) and event.data.webhook_id == webhook, event
        new = client.webhooks.rotate_webhook_secret(webhook, RotateWebhookSecretRequest()).data.secret
        client.webhooks.test_webhook(webhook, TestWebhookRequest())
        payload, headers = messages.get(timeout=30)
        assert verify_webhook(payload, headers, old) == verify_webhook(payload, headers, new)
        try:
            verify_webhook(payload + b" ", headers, [old, new])
            raise AssertionError("a message that was changed was verified")
        except WebhookVerificationError:
            pass
        client.webhooks.delete_webhook(webhook)
        server.shutdown()


def main() -> None:
    with Flowpact(url, access_token=sign_in()) as client:
        workflows = client.workflows

        request = CreateWorkflowRequest(name="SDK scenario", tags=[tag], definition=definition)
        workflow = workflows.create_workflow(request).data
        assert workflows.publish_workflow(workflow.id).data.version == 1

        started = workflows.execute_workflow(workflow.id, ExecuteWorkflowRequest(input={"amount": 12.5})).data
        execution = follow_to_end(client, started.id)
        assert execution.status == "completed", execution.error
        assert "12.5" in str(execution.output), execution.output

        others = [
            workflows.create_workflow(CreateWorkflowRequest(name=name, tags=[tag])).data.id
            for name in ("Second", "Third")
        ]
        listed = [found.id for found in items(workflows.list_workflows, tag=tag, per_page=1)]
        assert len(listed) == 3 and set(others) < set(listed), listed

        again = workflows.execute_workflow(workflow.id, ExecuteWorkflowRequest(input={"amount": 1}), wait="10s").data
        runs = [run.id for run in items(client.executions.list_executions, workflow_id=workflow.id, per_page=1)]
        assert runs == [again.id, started.id], runs

        mistakes(client, others[0])
        receive(client)
        for workflow_id in listed:
            workflows.delete_workflow(workflow_id)


main()
