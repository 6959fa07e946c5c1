import { publishedWorkflow } from '../resources.ts';
import type { ApiCaller } from '../contract-harness.ts';
import type { TagRequests } from './tag-requests.ts';

export const live: TagRequests = {
  async good() {
    return { createStreamTicket: { json: {} } };
  },
  writes: ['stream_ticket'],
  idempotent: {
    createStreamTicket: async () => ({ first: { json: { after: 1 } }, other: { after: 2 } }),
  },
  around: {
    createStreamTicket: async (harness, example) => ({
      json: { ...example, execution_id: await finishedExecution(harness) },
    }),
  },
};

/** Runs a workflow to its end; answers the id of the execution. */
export async function finishedExecution(harness: ApiCaller, n = 1): Promise<string> {
  const path = { workflow_id: await publishedWorkflow(harness) };
  const { body } = await harness.call('executeWorkflow', { path, query: { wait: '10s' }, json: { input: { n } } });
  return body.data.id;
}
