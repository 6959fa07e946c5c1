import { publishedWorkflow } from '../resources.ts';
import type { TagRequests } from './tag-requests.ts';

export const executions: TagRequests = {
  async good(harness) {
    const workflow = { workflow_id: await publishedWorkflow(harness) };
    const executed = await harness.call('executeWorkflow', {
      path: workflow,
      query: { wait: '10s' },
      json: { input: { n: 1 } },
    });
    const path = { execution_id: executed.body.data.id as string };
    return {
      listWorkflowExecutions: { path: workflow },
      listExecutions: {},
      getExecution: { path },
      cancelExecution: { path },
      listExecutionSteps: { path },
      listExecutionLogs: { path },
      streamExecutionEvents: { path },
    };
  },
};
