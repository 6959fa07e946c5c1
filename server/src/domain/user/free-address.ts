import { UniqueConstraintViolationException } from '@mikro-orm/core';
import { ValidationFailedError } from '../domain-error.ts';

/** Runs what stores a user with this address; throws ValidationFailedError when another account has it. */
export async function withFreeAddress<T>(email: string, store: () => Promise<T>): Promise<T> {
  try {
    return await store();
  } catch (error) {
    if (!(error instanceof UniqueConstraintViolationException)) throw error;
    throw new ValidationFailedError(
      `There is an account with the address ${email} already; addresses are unique over all organisations.`,
      [{ field: 'email', message: 'belongs to another account', location: 'body' }],
    );
  }
}
