import type { EntityManager } from '@mikro-orm/postgresql';
import { sha256 } from '../secret.ts';
import { normaliseEmail } from '../user/user.entity.ts';
import { LoginAttempt } from './login-attempt.entity.ts';

/** How long attempts count, from the first one on. */
export const attemptWindowSeconds = 15 * 60;

/** How many attempts something takes in a window. */
export interface AttemptLimit {
  /** Hash of what is counted. */
  readonly subject: string;
  readonly attempts: number;
  /** The account whose attempts these are, from `subjectOfAccount`; absent for what is counted over all accounts. */
  readonly account?: string;
}

/** A limit that is exceeded. */
export interface ExceededLimit {
  readonly attempts: number;
  readonly retryAfterSeconds: number;
}

interface Counted {
  subject: string;
  attempts: number;
  retry_after: number;
}

/** Counts one attempt at each subject, over all processes, and answers a limit that is exceeded by that, if one is. */
export async function countAttempt(
  em: EntityManager,
  limits: readonly AttemptLimit[],
): Promise<ExceededLimit | undefined> {
  // Sorted, so that two attempts lock their rows in the same order.
  const sorted = limits.toSorted((one, other) => (one.subject < other.subject ? -1 : 1));
  const rows = sorted.map(() => '(?, ?, now(), 1)');
  const window = `${attemptWindowSeconds} seconds`;
  // A fork: the count stays also when the transaction around the attempt is rolled back.
  const counted = await em.fork().execute<Counted[]>(
    `insert into login_attempt as l (subject, account, window_start, attempts) values ${rows.join(', ')}
     on conflict (subject) do update set
       account = excluded.account,
       attempts = case when l.window_start > now() - ?::interval then l.attempts + 1 else 1 end,
       window_start = case when l.window_start > now() - ?::interval then l.window_start else now() end
     returning subject, attempts,
       greatest(1, ceil(extract(epoch from window_start + ?::interval - now())))::int as retry_after`,
    [...sorted.flatMap(({ subject, account }) => [subject, account ?? null]), window, window, window],
  );
  for (const { subject, attempts, retry_after: retryAfterSeconds } of counted) {
    const limit = limits.find((each) => each.subject === subject)!;
    if (attempts > limit.attempts) return { attempts: limit.attempts, retryAfterSeconds };
  }
  return undefined;
}

/** Forgets all attempts at an account, wherever they came from. */
export async function forgetAttempts(em: EntityManager, email: string): Promise<void> {
  const account = subjectOfAccount(email);
  await em.nativeDelete(LoginAttempt, { $or: [{ account }, { subject: account }] });
}

/** An account, from wherever somebody comes. */
export function subjectOfAccount(email: string): string {
  return sha256(`account:${normaliseEmail(email)}`);
}

/** An account and an address together. */
export function subjectOfBoth(email: string, address: string): string {
  return sha256(`known:${normaliseEmail(email)}\0${address}`);
}
