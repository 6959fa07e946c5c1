import { DomainError } from './domain-error.ts';

/**
 * Why an error passes by itself: the database cannot be used now, or this process is stopping (`unavailable`), or others were
 * at work on the same rows (`contended`).
 */
export type Passing = 'unavailable' | 'contended';

/**
 * SQLSTATE classes (PostgreSQL, Appendix A): lost connections, shortage of resources, intervention of an operator and faults
 * of the system; lost races and locks that cannot be had. A key of five characters is one condition: a server that only
 * reads, and transactions that stood still or took too long.
 */
const sqlStates: Readonly<Record<string, Passing>> = {
  '08': 'unavailable',
  '25006': 'unavailable',
  '25P03': 'unavailable',
  '25P04': 'unavailable',
  '40': 'contended',
  '53': 'unavailable',
  '55': 'contended',
  '57': 'unavailable',
  '58': 'unavailable',
};

/** Of these classes, and yet what the statement itself did: a protocol violation, which is what a NUL in its text is called. */
const ownFaults = new Set(['08P01']);

/** What the system calls a connection that is lost, refused or not to be had. */
const systemCodes = new Set([
  'EADDRNOTAVAIL',
  'EAI_AGAIN',
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'EMFILE',
  'ENETDOWN',
  'ENETUNREACH',
  'ENFILE',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
]);

/** What `pg`, its pool and Kysely say, without a code. */
const messages =
  /^(connection terminated|connection timeout|timeout expired$|query read timeout$|timeout exceeded when trying to connect|cannot use a pool after calling end|driver has already been destroyed)|not queryable$|connection error/i;

const deepestCause = 8;

interface Cause {
  readonly code?: unknown;
  readonly message?: unknown;
  readonly cause?: unknown;
}

/**
 * Why the same statement may work in a moment; undefined for every other error, which comes back however often it is tried,
 * and so is a failure of the one thing that it happened to. An error counts when its cause does.
 */
export function passingOf(error: unknown): Passing | undefined {
  // By shape, not by class: what the system throws may come from another realm than this file's `Error`. A code that is ours
  // may also be one that a user has chosen for a failure.
  for (let cause = error as Cause | undefined | null, depth = 0; cause && depth < deepestCause; depth += 1) {
    const isOurs = cause instanceof DomainError && cause.code === 'service_unavailable';
    const passing = isOurs ? 'unavailable' : (ofCode(String(cause.code ?? '')) ?? ofMessage(cause.message));
    if (passing) return passing;
    cause = cause.cause as Cause | undefined;
  }
  return undefined;
}

/** Whether the same statement may work in a moment: it is tried again, a run is left to go on later, a request answered with 503. */
export function isPassing(error: unknown): boolean {
  return passingOf(error) !== undefined;
}

/** A database that only reads, and one whose disk is full (PostgreSQL, Appendix A). */
const writeRefusals = new Set(['25006', '53100']);

/** Whether the database still reads and takes no writes: it is read-only, or its disk is full. */
export function isWriteRefused(error: unknown): boolean {
  for (let cause = error as Cause | undefined | null, depth = 0; cause && depth < deepestCause; depth += 1) {
    if (writeRefusals.has(String(cause.code))) return true;
    cause = cause.cause as Cause | undefined;
  }
  return false;
}

function ofCode(code: string): Passing | undefined {
  if (ownFaults.has(code)) return undefined;
  if (/^[0-9A-Z]{5}$/.test(code)) return sqlStates[code] ?? sqlStates[code.slice(0, 2)] ?? ofSystem(code);
  return ofSystem(code);
}

function ofSystem(code: string): Passing | undefined {
  return systemCodes.has(code) ? 'unavailable' : undefined;
}

function ofMessage(message: unknown): Passing | undefined {
  return typeof message === 'string' && messages.test(message) ? 'unavailable' : undefined;
}
