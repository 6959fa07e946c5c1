import { UniqueConstraintViolationException } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { DomainError } from './domain-error.ts';
import { randomBase62 } from './secret.ts';

/** An address for what names none: its name, and a few letters that make it unlike any other. */
export function slugFor(name: string): string {
  const words = name
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 60)
    .replaceAll(/^-+|-+$/g, '');
  return [words || 'unnamed', randomBase62(8).toLowerCase()].join('-');
}

/**
 * Does what may take a slug, in a transaction. Two that take it at the same moment are told apart by the database, and the
 * later one is refused with what `taken` makes.
 */
export async function takingSlug<T>(
  em: EntityManager,
  taken: () => DomainError,
  work: (em: EntityManager) => Promise<T>,
): Promise<T> {
  try {
    return await em.transactional(work);
  } catch (error) {
    throw error instanceof UniqueConstraintViolationException ? taken() : error;
  }
}
