import { execution, FAILING, publishedWorkflow, SLOW } from '../resources.ts';
import type { TagRequests } from './tag-requests.ts';

export const executions: TagRequests = {
  async good(harness) {
    const workflow = { workflow_id: await publishedWorkflow(harness) };
    const path = { execution_id: await execution(harness) };
    return {
      listWorkflowExecutions: { path: workflow },
      listExecutions: {},
      getExecution: { path },
      deleteExecution: { path },
      cancelExecution: { path },
      pauseExecution: { path },
      resumeExecution: { path },
      retryExecution: { path, json: {} },
      replayExecution: { path, json: {} },
      listExecutionSteps: { path },
      listExecutionLogs: { path },
      streamExecutionEvents: { path },
    };
  },
  idempotent: {
    retryExecution: async (harness) => ({
      first: { path: { execution_id: await execution(harness, FAILING) }, json: { from: 'failure' } },
      other: { from: 'start' },
    }),
    replayExecution: async (harness) => ({
      first: { path: { execution_id: await execution(harness) }, json: { input: { n: 2 } } },
      other: { input: { n: 3 } },
    }),
  },
  around: {
    retryExecution: async (harness) => ({ path: { execution_id: await execution(harness, FAILING) } }),
    async replayExecution(harness) {
      return { path: { execution_id: await execution(harness, SLOW) } };
    },
  },
};
