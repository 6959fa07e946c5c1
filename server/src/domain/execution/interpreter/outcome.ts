import type { Json } from '../../domain-error.ts';
import { NodeFailure } from '../../nodes/node-type.ts';

/** What a command came to, as the engine remembers it; `at` is when, in milliseconds since 1970. */
export type Outcome =
  | { readonly ok: true; readonly value: Json; readonly at: number }
  | { readonly ok: false; readonly error: ErrorRecord; readonly at: number };

/** A NodeFailure in JSON. */
export interface ErrorRecord {
  readonly code: string;
  readonly message: string;
  readonly details: { readonly [key: string]: Json };
  /** Path of the node whose time limit has passed, which may be one around the node that noticed. */
  readonly limit?: string;
}

/** The time limit of a node has passed. */
export class LimitFailure extends NodeFailure {
  /** Path of the node that has the limit. */
  readonly limit: string;

  constructor(code: string, message: string, details: Record<string, Json>, limit: string) {
    super(code, message, details);
    this.limit = limit;
  }
}

/** The time limit of the whole execution has passed; no `on_error` catches it. */
export const executionTimeout = 'execution_timeout';

const longestMessage = 10_000;

/** Any error as a failure of a node. What is not a NodeFailure is a fault of the platform, whose words are not for users. */
export function toErrorRecord(error: unknown): ErrorRecord {
  if (error instanceof NodeFailure) {
    const record = { code: error.code, message: error.message.slice(0, longestMessage), details: error.details };
    return error instanceof LimitFailure ? { ...record, limit: error.limit } : record;
  }
  return { code: 'internal_error', message: 'The node failed for a reason that lies with the platform.', details: {} };
}

export function toNodeFailure({ code, message, details, limit }: ErrorRecord): NodeFailure {
  return limit === undefined
    ? new NodeFailure(code, message, details)
    : new LimitFailure(code, message, { ...details }, limit);
}
