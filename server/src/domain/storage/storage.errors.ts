import { DomainError } from '../domain-error.ts';
import { storageCeiling } from '../organisation/plan.ts';
import { inWords } from './bytes-in-words.ts';

/** What an organisation stores, and may store, in bytes. */
export interface StorageUsed {
  readonly usedBytes: number;
  readonly quotaBytes: number;
}

const remedy =
  'Delete executions, submissions, stored values or workflows, wait until retention removes old executions, or change the plan. getUsage shows what uses the storage.';

/** The organisation stores as much as its plan allows: nothing is taken that would be stored. */
export class StorageQuotaExceededError extends DomainError {
  override readonly code = 'storage_quota_exceeded';

  constructor({ usedBytes, quotaBytes }: StorageUsed) {
    super(
      `The storage quota is used up: the organisation stores ${inWords(usedBytes)}, and its plan allows ${inWords(quotaBytes)}. ${remedy}`,
      { used_bytes: usedBytes, quota_bytes: quotaBytes },
    );
  }
}

/** The organisation stores so much more than its plan allows that what is under way ends. */
export class StorageCeilingReachedError extends DomainError {
  override readonly code = 'storage_quota_exceeded';

  constructor({ usedBytes, quotaBytes }: StorageUsed) {
    super(
      `The organisation stores ${inWords(usedBytes)}, more than ${storageCeiling} times the ${inWords(quotaBytes)} that its plan allows, so executions under way end. ${remedy}`,
      { used_bytes: usedBytes, quota_bytes: quotaBytes },
    );
  }
}

/** As StorageQuotaExceededError, for those who are not of the organisation: they learn no figures. */
export class NoRoomForOthersError extends DomainError {
  override readonly code = 'storage_quota_exceeded';

  constructor(options?: ErrorOptions) {
    super(
      'The organisation that this is for has used up its storage quota. Tell them, and try again later.',
      {},
      options,
    );
  }
}

/** What `work` comes to, for somebody who is not of the organisation. */
export async function forOthers<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    throw error instanceof StorageQuotaExceededError ? new NoRoomForOthersError({ cause: error }) : error;
  }
}
