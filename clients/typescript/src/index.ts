export * from './core/index.ts';
export { Executions, type FollowOptions, type WaitOptions } from './executions.ts';
export { Flowpact, type FlowpactOptions } from './flowpact.ts';
export type * from './generated/index.ts';
export { operations } from './generated/index.ts';
