import { DomainError } from '../domain-error.ts';

/** The entry has another version than the one that the change was made from. */
export class KvVersionConflictError extends DomainError {
  override readonly code = 'kv_version_conflict';

  constructor(key: string, version: number, expected: number) {
    const is = version === 0 ? 'is not there' : `is at version ${version}`;
    super(`The entry ${key} ${is}, not at version ${expected}. Read it again and repeat the change.`, { key, version });
  }
}

/** Only a list has an end to append to. */
export class KvNotAListError extends DomainError {
  override readonly code = 'kv_not_a_list';

  constructor(key: string) {
    super(`The value under ${key} is no list. Append to another key, or set this one to a list.`, { key });
  }
}
