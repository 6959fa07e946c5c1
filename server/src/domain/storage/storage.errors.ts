import { DomainError } from '../domain-error.ts';
import { inWords } from './bytes-in-words.ts';

/** The organisation stores as much as its plan allows: nothing is taken that would be stored. */
export class StorageQuotaExceededError extends DomainError {
  override readonly code = 'storage_quota_exceeded';

  constructor(usedBytes: number, quotaBytes: number) {
    super(
      `The organisation stores ${inWords(usedBytes)}, and its plan allows ${inWords(quotaBytes)}. Delete executions, submissions, ` +
        `stored values or workflows, wait until old executions are removed, or change the plan. getUsage shows what takes the room.`,
      { used_bytes: usedBytes, quota_bytes: quotaBytes },
    );
  }
}

/** As StorageQuotaExceededError, for those who are not of the organisation: they learn no figures. */
export class NoRoomForOthersError extends DomainError {
  override readonly code = 'storage_quota_exceeded';

  constructor(options?: ErrorOptions) {
    super('Whom this is for has no room to store more. Tell them, and try again later.', {}, options);
  }
}
