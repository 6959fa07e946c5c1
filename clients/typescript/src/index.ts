export * from './core/index.ts';
export { Executions, type FollowOptions, type WaitOptions } from './executions.ts';
export { Flowpact, type FlowpactOptions } from './flowpact.ts';
export type * from './generated/index.ts';
export { operations, webhookNames } from './generated/index.ts';
export { verifyWebhook } from './webhooks.ts';
