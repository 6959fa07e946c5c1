import type { Json } from '../domain-error.ts';

/** Bytes that a row of an execution counts beside its values: its other columns, and its places in indexes. */
export const rowBytes = { step: 300, event: 250, log: 250, wait: 300 } as const;

/**
 * SQL of the bytes of a row with these values, which are jsonb or text and come from the statement: what is read from a table
 * may be compressed.
 */
export function bytesOf(row: number, ...values: readonly string[]): string {
  return [String(row), ...values.map((value) => `coalesce(pg_column_size(${value}), 0)`)].join(' + ');
}

/** Bytes that an event counts which is not written by such SQL. */
export function bytesOfEvent({ data }: { readonly data: Record<string, Json> }): number {
  return rowBytes.event + Buffer.byteLength(JSON.stringify(data));
}
