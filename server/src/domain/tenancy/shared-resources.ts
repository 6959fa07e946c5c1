import type { BatchBacklog } from '../batch-metrics.ts';
import type { CacheLoad } from './shared-cache.ts';
import type { DueLoad } from './due-organisations.ts';
import type { SlotsLoad } from './shared-slots.ts';

/** Memory that organisations share, in bytes. */
export interface MemoryLoad {
  readonly held: number;
  readonly bound: number;
  /** What waits until there is room. */
  readonly waiting: number;
  /** Milliseconds for which the oldest of these has waited. */
  readonly oldestMs: number;
}

/**
 * What organisations share in this process, by kind and name, for whoever measures it. What is made anew under a name takes
 * the place of what had it before: a process has one of each.
 */
export const sharedResources = {
  slots: new Map<string, () => SlotsLoad>(),
  caches: new Map<string, () => CacheLoad>(),
  batchers: new Map<string, () => BatchBacklog>(),
  due: new Map<string, () => DueLoad>(),
  memory: new Map<string, () => MemoryLoad>(),
};

export function watchSlots(name: string, read: () => SlotsLoad): void {
  sharedResources.slots.set(name, read);
}

export function watchCache(name: string, read: () => CacheLoad): void {
  sharedResources.caches.set(name, read);
}

export function watchBatcher(name: string, read: () => BatchBacklog): void {
  sharedResources.batchers.set(name, read);
}

export function watchDue(name: string, read: () => DueLoad): void {
  sharedResources.due.set(name, read);
}

export function watchMemory(name: string, read: () => MemoryLoad): void {
  sharedResources.memory.set(name, read);
}
