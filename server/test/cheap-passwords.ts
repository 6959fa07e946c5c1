import { Argon2PasswordHasher } from '../src/platform/auth/argon2-password-hasher.ts';

/** Passwords of tests protect nothing: hashed at the least cost that argon2 has, a thousandth of the recommended one. */
export function cheapPasswords(): Argon2PasswordHasher {
  return new Argon2PasswordHasher({ memoryCost: 8, timeCost: 1, parallelism: 1 });
}
