/** What the system and PostgreSQL (classes 08, 53 and 57P, and 25P03) call a connection that is lost, refused or not to be had. */
const codes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EPIPE',
  'ETIMEDOUT',
  '25P03',
  '53300',
  '57P01',
  '57P02',
  '57P03',
  '57P05',
]);

/** What `pg` and its pool say, without a code. */
const messages =
  /connection terminated|connection timeout|timeout exceeded when trying to connect|not queryable|connection error|pool after calling end/i;

interface Cause {
  code?: unknown;
  message?: unknown;
  cause?: Cause;
}

/** Whether an error of a query says that the database cannot be reached now; the same query may work in a moment. */
export function isDatabaseLost(error: unknown): boolean {
  // By shape, not by class: what the system throws may come from another realm than this file's `Error`.
  for (let cause = error as Cause | undefined, depth = 0; cause && depth < 8; cause = cause.cause, depth += 1) {
    const code = String(cause.code ?? '');
    if (codes.has(code) || code.startsWith('08') || messages.test(String(cause.message))) return true;
  }
  return false;
}
