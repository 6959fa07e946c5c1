import { webhook } from '../resources.ts';
import type { TagRequests } from './tag-requests.ts';

/** It hears of next to nothing; the servers of tests may call there, and nobody answers. */
const json = { name: 'Matrix', url: 'http://127.0.0.1:9/', events: ['alert.triggered'] };

export const webhooks: TagRequests = {
  async good(harness) {
    const path = { webhook_id: await webhook(harness, json) };
    const tested = await harness.call('testWebhook', { path, json: {} });
    const delivery = { ...path, delivery_id: tested.body.data.id as string };
    return {
      listEventTypes: {},
      listWebhooks: {},
      createWebhook: { json: { ...json, enabled: false } },
      getWebhook: { path },
      updateWebhook: { path, json: { name: 'Matrix' } },
      deleteWebhook: { path },
      rotateWebhookSecret: { path, json: {} },
      testWebhook: { path, json: {} },
      recoverWebhook: { path, json: { since: '2026-01-01T00:00:00Z' } },
      listWebhookDeliveries: { path },
      getWebhookDelivery: { path: delivery },
      listWebhookDeliveryAttempts: { path: delivery },
      resendWebhookDelivery: { path: delivery },
    };
  },
  writes: ['webhook', 'webhook_delivery'],
  idempotent: {
    createWebhook: async () => ({ first: { json }, other: { ...json, name: 'B' } }),
    rotateWebhookSecret: async (harness) => ({
      first: { path: { webhook_id: await webhook(harness, json) }, json: { overlap_seconds: 1 } },
      other: { overlap_seconds: 2 },
    }),
    testWebhook: async (harness) => ({
      first: { path: { webhook_id: await webhook(harness, json) }, json: {} },
      other: { event_type: 'alert.triggered' },
    }),
    recoverWebhook: async (harness) => ({
      first: { path: { webhook_id: await webhook(harness, json) }, json: { since: '2026-01-01T00:00:00Z' } },
      other: { since: '2026-01-02T00:00:00Z' },
    }),
  },
  around: {
    updateWebhook: async (harness) => ({ path: { webhook_id: await webhook(harness, json) } }),
    rotateWebhookSecret: async (harness) => ({ path: { webhook_id: await webhook(harness, json) } }),
    testWebhook: async (harness) => ({ path: { webhook_id: await webhook(harness, json) } }),
    recoverWebhook: async (harness) => ({ path: { webhook_id: await webhook(harness, json) } }),
  },
};
