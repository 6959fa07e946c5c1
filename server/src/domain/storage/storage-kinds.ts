import { p } from '@mikro-orm/core';

/**
 * What organisations store, by the columns that sum it up: `events` are those of executions, `deliveries` the events that
 * somebody listens to and what was sent to webhooks, `other` the answers kept for repeated requests, the items of bulk jobs
 * and the times of schedules.
 */
export const storageKinds = [
  'inputs',
  'outputs',
  'events',
  'logs',
  'submissions',
  'kv',
  'workflows',
  'deliveries',
  'other',
] as const;

/** One of `storageKinds`. */
export type StorageKind = (typeof storageKinds)[number];

/** Bytes by kind. */
export type StoredBytes = Readonly<Record<StorageKind, number>>;

const bytes = () => p.bigint('number').default(0);

/** The columns of a table that has a sum of bytes for each kind. */
export const storageColumns = {
  inputs: bytes(),
  outputs: bytes(),
  events: bytes(),
  logs: bytes(),
  submissions: bytes(),
  kv: bytes(),
  workflows: bytes(),
  deliveries: bytes(),
  other: bytes(),
} satisfies Record<StorageKind, unknown>;
