import type { FilterQuery } from '@mikro-orm/core';
import { ValidationFailedError } from './domain-error.ts';
import { isWritable } from './moment.ts';

/** Which part of a long list is wanted: a page by number, or what follows a cursor. */
export interface SliceRequest {
  /** From 1; not together with `cursor`. */
  readonly page?: number;
  readonly perPage: number;
  /** `nextCursor` of the slice before. */
  readonly cursor?: string;
}

/** Part of a long list. */
export interface Slice<T> {
  readonly items: readonly T[];
  readonly nextCursor: string | null;
  /** Absent when the slice was asked for by cursor. */
  readonly page?: { readonly number: number; readonly total: number };
}

/** A place in a list that is ordered by time and id. */
export interface Position {
  readonly createdAt: Date;
  readonly id: string;
}

export function toCursor({ createdAt, id }: Position): string {
  return Buffer.from(`${createdAt.getTime()} ${id}`).toString('base64url');
}

/** Throws ValidationFailedError for what no list has given out. */
export function fromCursor(cursor: string): Position {
  const match = /^(\d{1,15}) ([a-z]+_[0-9a-z]{26})$/.exec(Buffer.from(cursor, 'base64url').toString());
  if (!match || !isWritable(Number(match[1])))
    throw wrongQuery('cursor', 'is not a cursor of this list; take it from pagination.next_cursor');
  return { createdAt: new Date(Number(match[1])), id: match[2]! };
}

/** The place to go on from, if any; throws ValidationFailedError when both a page and a cursor are given. */
export function positionOf({ page, cursor }: SliceRequest): Position | undefined {
  if (cursor === undefined) return undefined;
  if (page !== undefined) throw wrongQuery('cursor', 'cannot be given together with page');
  return fromCursor(cursor);
}

/** What follows the place in a list that has the newest first. */
export function olderThan<T extends Position>({ createdAt, id }: Position): FilterQuery<T> {
  return { $or: [{ createdAt: { $lt: createdAt } }, { createdAt, id: { $lt: id } }] } as FilterQuery<T>;
}

/** What follows the place in a list that has the oldest first. */
export function newerThan<T extends Position>({ createdAt, id }: Position): FilterQuery<T> {
  return { $or: [{ createdAt: { $gt: createdAt } }, { createdAt, id: { $gt: id } }] } as FilterQuery<T>;
}

/** The slice of `found`, which is one item longer than wanted where more follows. */
export function toSlice<T extends Position>(found: readonly T[], request: SliceRequest, total?: number): Slice<T> {
  const items = found.slice(0, request.perPage);
  return {
    items,
    nextCursor: found.length > items.length ? toCursor(items.at(-1)!) : null,
    page: total === undefined ? undefined : { number: request.page ?? 1, total },
  };
}

function wrongQuery(field: string, message: string): ValidationFailedError {
  return new ValidationFailedError(`The query is not valid: ${field} ${message}.`, [
    { field, message, location: 'query' },
  ]);
}
