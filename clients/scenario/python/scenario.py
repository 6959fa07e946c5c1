"""The scenario of `npm run test:sdks` in Python: what it does is the same in every language."""

import os
import time

import flowpact
from flowpact.exceptions import BadRequestException, NotFoundException
from flowpact.models import (
    CreateWorkflowRequest,
    ExecuteWorkflowRequest,
    Execution,
    LoginRequest,
    WorkflowDefinition,
    WorkflowEdge,
    WorkflowNode,
)

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


def wait(executions: flowpact.ExecutionsApi, execution_id: str) -> Execution:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        execution = executions.get_execution(execution_id).data
        if execution.status in ("completed", "failed", "cancelled"):
            return execution
        time.sleep(0.05)
    raise TimeoutError(f"{execution_id} has not ended")


def all_workflows(workflows: flowpact.WorkflowsApi) -> list[str]:
    ids: list[str] = []
    page = 1
    while True:
        answer = workflows.list_workflows(tag=tag, per_page=1, page=page)
        ids += [workflow.id for workflow in answer.data]
        if not answer.pagination.has_next:
            return ids
        page += 1


def main() -> None:
    with flowpact.ApiClient(flowpact.Configuration(host=url, access_token=sign_in())) as client:
        workflows, executions = flowpact.WorkflowsApi(client), flowpact.ExecutionsApi(client)

        request = CreateWorkflowRequest(name="SDK scenario", tags=[tag], definition=definition)
        workflow = workflows.create_workflow(request).data
        assert workflows.publish_workflow(workflow.id).data.version == 1

        started = workflows.execute_workflow(workflow.id, ExecuteWorkflowRequest(input={"amount": 12.5})).data
        execution = wait(executions, started.id)
        assert execution.status == "completed", execution.error
        assert "12.5" in str(execution.output), execution.output

        others = [
            workflows.create_workflow(CreateWorkflowRequest(name=name, tags=[tag])).data.id
            for name in ("Second", "Third")
        ]
        listed = all_workflows(workflows)
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

        for workflow_id in listed:
            workflows.delete_workflow(workflow_id)


main()
