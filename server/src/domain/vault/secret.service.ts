import { LockMode } from '@mikro-orm/core';
import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { ResourceNotFoundError } from '../domain-error.ts';
import { checkStorable } from '../storable.ts';
import { newId } from '../id.ts';
import { Organisation } from '../organisation/organisation.entity.ts';
import { assertMoreAllowed, takeTurns } from '../organisation/take-turns.ts';
import { type Page, type PageRequest, rangeOf } from '../page.ts';
import { Sealer } from '../sealer.ts';
import { Secret, secretContext } from './secret.entity.ts';
import { SecretNameTakenError } from './vault.errors.ts';
import { assertFuture } from './vault-rules.ts';

/** What a secret is made from. */
export interface NewSecret {
  readonly name: string;
  readonly value: string;
  readonly description?: string | null;
  readonly tags?: readonly string[];
  /** Absent or null: never. */
  readonly expiresAt?: Date | null;
}

/** What is absent stays as it is. */
export type SecretChange = Partial<Omit<NewSecret, 'name'>>;

/** A page of secrets, of one tag where it is given. */
export interface SecretQuery extends PageRequest {
  readonly tag?: string;
}

/** What names may look like: an expression names a secret as `secrets.NAME`. */
export const secretName = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;

/** The secrets of an organisation, without their values. */
@Injectable()
export class SecretService {
  constructor(
    private readonly em: EntityManager,
    private readonly sealer: Sealer,
  ) {}

  /** By name. */
  async list(organisationId: string, query: SecretQuery): Promise<Page<Secret>> {
    const { tag } = query;
    // PostgreSQL has no NUL in text, and refuses to be asked about it.
    if (tag?.includes('\0')) return { items: [], total: 0 };
    const [items, total] = await this.em.findAndCount(
      Secret,
      { organisation: organisationId, ...(tag !== undefined && { tags: { $contains: [tag] } }) },
      { orderBy: { name: 'asc' }, ...rangeOf(query) },
    );
    return { items, total };
  }

  /** Throws ResourceNotFoundError. */
  get(organisationId: string, name: string): Promise<Secret> {
    return this.#find(this.em, organisationId, name);
  }

  /** Throws SecretNameTakenError, and ValidationFailedError for a past expiry or when there are too many. */
  async create(organisationId: string, fields: NewSecret): Promise<Secret> {
    const { name, value, description = null, tags = [], expiresAt = null } = fields;
    checkText({ value, description, tags });
    assertFuture(expiresAt);
    const id = newId('sec');
    return this.em.transactional(async (em) => {
      const plan = await takeTurns(em, organisationId);
      assertMoreAllowed('secrets', plan, await em.count(Secret, { organisation: organisationId }));
      if (await em.count(Secret, { organisation: organisationId, name })) throw new SecretNameTakenError(name);
      const now = new Date();
      return em.create(Secret, {
        id,
        organisation: em.getReference(Organisation, organisationId),
        name,
        description,
        tags: [...tags],
        value: this.sealer.seal(organisationId, value, secretContext(id)),
        version: 1,
        expiresAt,
        createdAt: now,
        updatedAt: now,
      });
    });
  }

  /** Throws ResourceNotFoundError, and ValidationFailedError for a past expiry. */
  async update(organisationId: string, name: string, change: SecretChange): Promise<Secret> {
    const { value, description, tags, expiresAt } = change;
    checkText({ value, description, tags });
    assertFuture(expiresAt);
    return this.em.transactional(async (em) => {
      const secret = await this.#find(em, organisationId, name, LockMode.PESSIMISTIC_WRITE);
      if (value !== undefined) {
        secret.value = this.sealer.seal(organisationId, value, secretContext(secret.id));
        secret.version += 1;
      }
      if (description !== undefined) secret.description = description;
      if (tags !== undefined) secret.tags = [...tags];
      if (expiresAt !== undefined) {
        secret.expiresAt = expiresAt;
        secret.expiryToldAt = null;
      }
      secret.updatedAt = new Date();
      return secret;
    });
  }

  /**
   * Removes it when `check` has nothing against it; meanwhile no workflow that reads it can be published. Throws
   * ResourceNotFoundError, and what `check` throws.
   */
  async delete(
    organisationId: string,
    name: string,
    check?: (em: EntityManager, secret: Secret) => Promise<void>,
  ): Promise<void> {
    await this.em.transactional(async (em) => {
      const secret = await this.#find(em, organisationId, name, LockMode.PESSIMISTIC_WRITE);
      await check?.(em, secret);
      em.remove(secret);
    });
  }

  async #find(
    em: EntityManager,
    organisation: string,
    name: string,
    lockMode?: LockMode.PESSIMISTIC_WRITE,
  ): Promise<Secret> {
    const options = { ...(lockMode && { lockMode }), refresh: true };
    const secret = await em.findOne(Secret, { organisation, name: known(name) }, options);
    if (!secret) throw new ResourceNotFoundError('secret', name);
    return secret;
  }
}

/** What is no name is not there; some of it the database would not even take. */
function known(name: string): string {
  if (!secretName.test(name)) throw new ResourceNotFoundError('secret', name);
  return name;
}

function checkText({ value, description, tags }: SecretChange): void {
  checkStorable('value', value ?? null);
  checkStorable('description', description ?? null);
  checkStorable('tags', tags ?? null);
}
