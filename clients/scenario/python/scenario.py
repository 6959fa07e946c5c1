"""The scenario of `npm run test:sdks` in Python: what it does is the same in every language."""

import os

import flowpact
from flowpact.exceptions import BadRequestException, NotFoundException
from flowpact.follow import follow
from flowpact.models import (
    CreateWorkflowRequest,
    ExecuteWorkflowRequest,
    Execution,
    ExecutionCompletedEvent,
    LoginRequest,
    NodeCompletedEvent,
    WorkflowDefinition,
    WorkflowEdge,
    WorkflowNode,
)
from flowpact.pages import items

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
    with flowpact.ApiClient(flowpact.Configuration(host=url)) as client:
        request = LoginRequest(email=email, password=password)
        return flowpact.AuthApi(client).login(request).data.access_token


def follow_to_end(client: flowpact.ApiClient, execution_id: str) -> Execution:
    events = list(follow(client, execution_id))
    assert [events[0].type, events[1].type] == ["connected", "execution:started"], events
    assert isinstance(events[-1], ExecutionCompletedEvent), events
    outputs = [event.data.output for event in events if isinstance(event, NodeCompletedEvent)]
    assert len(outputs) == 2, outputs
    rest = list(follow(client, execution_id, last_event_id=events[-2].sequence))
    assert [event.sequence for event in rest[1:]] == [events[-1].sequence], rest
    return flowpact.ExecutionsApi(client).get_execution(execution_id).data


def main() -> None:
    with flowpact.ApiClient(flowpact.Configuration(host=url, access_token=sign_in())) as client:
        workflows, executions = flowpact.WorkflowsApi(client), flowpact.ExecutionsApi(client)

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

        try:
            workflows.get_workflow("wf_01kaq4e5n8e3s4t5v6w7x8y9z0")
            raise AssertionError("a missing workflow was found")
        except NotFoundException as error:
            assert error.data is not None and error.data.error.code == "resource_not_found", error

        try:
            workflows.publish_workflow(others[0])
            raise AssertionError("an empty workflow was published")
        except BadRequestException as error:
            assert error.data is not None and error.data.error.code == "validation_error", error
            assert error.data.error.details.errors, error

        again = workflows.execute_workflow(workflow.id, ExecuteWorkflowRequest(input={"amount": 1}), wait="10s").data
        runs = [run.id for run in items(executions.list_executions, workflow_id=workflow.id, per_page=1)]
        assert runs == [again.id, started.id], runs

        try:
            list(follow(client, "exec_01kaq4j9qaf5h6j7k8m9n0p1q2"))
            raise AssertionError("a missing execution was followed")
        except NotFoundException as error:
            assert error.data is not None and error.data.error.code == "resource_not_found", error

        for workflow_id in listed:
            workflows.delete_workflow(workflow_id)


main()
