import argon2 from 'argon2';
import { SharedSlots } from '../../domain/tenancy/shared-slots.ts';
import { PasswordHasher } from '../../domain/user/password-hasher.ts';

/** What one hash costs: KiB of memory, passes over it, lanes. */
export interface PasswordHashCost {
  memoryCost: number;
  timeCost: number;
  parallelism: number;
}

/** OWASP Password Storage Cheat Sheet, argon2id. */
const recommended: PasswordHashCost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** Passwords hashed at once: each takes a processor, a thread and 19 MiB. Nobody is signed in yet, so the turns are those of arrival. */
const atOnce = 2;

/** Passwords under argon2id. */
export class Argon2PasswordHasher extends PasswordHasher {
  private readonly slots = new SharedSlots({ name: 'password_hashes', width: atOnce });
  private readonly cost: PasswordHashCost;
  private readonly decoy: Promise<string>;

  constructor(cost = recommended) {
    super();
    this.cost = cost;
    this.decoy = this.hash('nobody has this password');
  }

  hash(password: string): Promise<string> {
    return this.slots.run('', () => argon2.hash(password, { ...this.cost, type: argon2.argon2id }));
  }

  async verify(hash: string | undefined, password: string): Promise<boolean> {
    // The same work for an account that is not there, so that the time does not tell.
    const against = hash ?? (await this.decoy);
    const matches = await this.slots.run('', () => argon2.verify(against, password));
    return matches && hash !== undefined;
  }
}
