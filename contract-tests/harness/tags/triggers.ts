import { publishedWorkflow, SLOW, trigger } from '../resources.ts';
import type { ApiCaller } from '../contract-harness.ts';
import type { TagRequests } from './tag-requests.ts';

const hook = { kind: 'webhook', auth: { type: 'bearer' } };

export const triggers: TagRequests = {
  async good(harness) {
    const workflow_id = await publishedWorkflow(harness);
    const path = { trigger_id: await trigger(harness, hook, { workflow_id }) };
    return {
      listTriggers: {},
      createTrigger: { json: { workflow_id, name: 'Matrix', config: { kind: 'manual' } } },
      getTrigger: { path },
      updateTrigger: { path, json: { name: 'Matrix' } },
      deleteTrigger: { path },
      enableTrigger: { path },
      disableTrigger: { path },
      executeTrigger: { path, json: { input: { n: 1 } } },
      rotateTriggerSecret: { path, json: {} },
    };
  },
  writes: ['trigger'],
  idempotent: {
    async createTrigger(harness) {
      const json = { workflow_id: await publishedWorkflow(harness), name: 'A', config: hook };
      return { first: { json }, other: { ...json, name: 'B' } };
    },
    executeTrigger: async (harness) => ({
      first: { path: await fresh(harness), json: { input: { n: 1 } } },
      other: { input: { n: 2 } },
    }),
    rotateTriggerSecret: async (harness) => ({
      first: { path: await fresh(harness), json: { overlap_seconds: 1 } },
      other: { overlap_seconds: 2 },
    }),
  },
  around: {
    createTrigger: async (harness, example) => ({
      json: { ...example, workflow_id: await publishedWorkflow(harness, SLOW) },
    }),
    updateTrigger: async (harness) => ({ path: await fresh(harness) }),
    executeTrigger: async (harness) => ({ path: { trigger_id: await trigger(harness, hook, {}, SLOW) } }),
    rotateTriggerSecret: async (harness) => ({ path: await fresh(harness) }),
  },
};

async function fresh(harness: ApiCaller): Promise<{ trigger_id: string }> {
  return { trigger_id: await trigger(harness, hook) };
}
