import { LockMode, UniqueConstraintViolationException } from '@mikro-orm/core';
import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { type Json, ResourceNotFoundError, ValidationFailedError } from '../domain-error.ts';
import { checkStorable } from '../storable.ts';
import { isId, newId } from '../id.ts';
import { OutgoingAddresses, portOf, refusedHost } from '../outgoing-addresses.ts';
import { Organisation } from '../organisation/organisation.entity.ts';
import { assertMoreAllowed, takeTurns } from '../organisation/take-turns.ts';
import { type Page, type PageRequest, rangeOf } from '../page.ts';
import { Sealer } from '../sealer.ts';
import { Credential, credentialContext } from './credential.entity.ts';
import { type CredentialType, type CredentialValues, mailPort } from './credential-values.ts';
import type { ExpiryStatus } from './secret.entity.ts';
import { CredentialNameTakenError } from './vault.errors.ts';
import { assertFuture } from './vault-rules.ts';

/** What a credential is made from. */
export interface NewCredential {
  readonly name: string;
  readonly values: CredentialValues;
  readonly description?: string | null;
  /** Absent or null: never. */
  readonly expiresAt?: Date | null;
}

/** What is absent stays as it is; values are replaced as a whole. */
export type CredentialChange = Partial<NewCredential>;

/** A page of credentials that satisfy all that is given. */
export interface CredentialQuery extends PageRequest {
  readonly type?: CredentialType;
  readonly status?: ExpiryStatus;
}

/** The credentials of an organisation, without their values. */
@Injectable()
export class CredentialService {
  constructor(
    private readonly em: EntityManager,
    private readonly sealer: Sealer,
    private readonly addresses: OutgoingAddresses,
  ) {}

  /** By name. */
  async list(organisationId: string, query: CredentialQuery): Promise<Page<Credential>> {
    const [items, total] = await this.em.findAndCount(
      Credential,
      { organisation: organisationId, ...(query.type && { type: query.type }), ...whereStatus(query.status) },
      { orderBy: { name: 'asc' }, ...rangeOf(query) },
    );
    return { items, total };
  }

  /** Throws ResourceNotFoundError. */
  get(organisationId: string, id: string): Promise<Credential> {
    return find(this.em, organisationId, id);
  }

  /** Throws CredentialNameTakenError, and ValidationFailedError for a past expiry, values that cannot be, or too many. */
  async create(organisationId: string, fields: NewCredential): Promise<Credential> {
    const { name, values, description = null, expiresAt = null } = fields;
    checkFields(fields, this.addresses);
    const id = newId('cred');
    return this.em.transactional(async (em) => {
      const plan = await takeTurns(em, organisationId);
      assertMoreAllowed('credentials', plan, await em.count(Credential, { organisation: organisationId }));
      const now = new Date();
      const credential = em.create(Credential, {
        id,
        organisation: em.getReference(Organisation, organisationId),
        name,
        type: values.type,
        description,
        values: this.#sealed(organisationId, id, values),
        expiresAt,
        createdAt: now,
        updatedAt: now,
      });
      await named(name, () => em.flush());
      return credential;
    });
  }

  /** Throws ResourceNotFoundError, and what `create` throws. */
  async update(organisationId: string, id: string, change: CredentialChange): Promise<Credential> {
    const { name, values, description, expiresAt } = change;
    checkFields(change, this.addresses);
    return named(name, () =>
      this.em.transactional(async (em) => {
        const credential = await find(em, organisationId, id, LockMode.PESSIMISTIC_WRITE);
        if (name !== undefined) credential.name = name;
        if (values !== undefined) {
          credential.values = this.#sealed(organisationId, id, values);
          credential.type = values.type;
        }
        if (description !== undefined) credential.description = description;
        if (expiresAt !== undefined) {
          credential.expiresAt = expiresAt;
          credential.expiryToldAt = null;
        }
        credential.updatedAt = new Date();
        return credential;
      }),
    );
  }

  /**
   * Removes it when `check` has nothing against it; meanwhile no workflow that names it can be published. Throws
   * ResourceNotFoundError, and what `check` throws.
   */
  async delete(
    organisationId: string,
    id: string,
    check?: (em: EntityManager, credential: Credential) => Promise<void>,
  ): Promise<void> {
    await this.em.transactional(async (em) => {
      const credential = await find(em, organisationId, id, LockMode.PESSIMISTIC_WRITE);
      await check?.(em, credential);
      em.remove(credential);
    });
  }

  #sealed(organisationId: string, id: string, values: CredentialValues): Buffer {
    return this.sealer.seal(organisationId, JSON.stringify(values), credentialContext(id));
  }
}

async function find(
  em: EntityManager,
  organisation: string,
  id: string,
  lockMode?: LockMode.PESSIMISTIC_WRITE,
): Promise<Credential> {
  const options = { ...(lockMode && { lockMode }), refresh: true };
  const credential = isId('cred', id) && (await em.findOne(Credential, { id, organisation }, options));
  if (!credential) throw new ResourceNotFoundError('credential', id);
  return credential;
}

/** The database knows which names are taken, also by those who take one at the same moment. */
async function named<T>(name: string | undefined, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if (name !== undefined && error instanceof UniqueConstraintViolationException)
      throw new CredentialNameTakenError(name, { cause: error });
    throw error;
  }
}

function checkFields({ values, description, expiresAt }: CredentialChange, addresses: OutgoingAddresses): void {
  checkStorable('values', (values ?? null) as Json);
  checkStorable('description', description ?? null);
  assertFuture(expiresAt);
  const fault = values && (faultOf(values) ?? addressFaultOf(values, addresses));
  if (fault) throw new ValidationFailedError('The values cannot be used.', [{ ...fault, location: 'body' }]);
}

function faultOf(values: CredentialValues): { field: string; message: string } | undefined {
  if (values.type === 'oauth2' && !(/^https?:\/\//i.test(values.token_url) && URL.canParse(values.token_url)))
    return { field: 'values.token_url', message: 'must be a URL that begins with https:// or http://' };
  if (values.type === 'smtp' && (values.username === undefined) !== (values.password === undefined))
    return { field: 'values.password', message: 'goes together with username' };
  // RFC 7617 section 2: the first colon ends the name.
  if (values.type === 'basic' && values.username.includes(':'))
    return { field: 'values.username', message: 'cannot have a colon' };
  if (values.type === 'basic' && values.password === '' && values.username.length < 4)
    return { field: 'values.username', message: 'must have at least 4 characters where there is no password' };
  return undefined;
}

/** Of the server that the values are for, where they name one. */
function addressFaultOf(
  values: CredentialValues,
  addresses: OutgoingAddresses,
): { field: string; message: string } | undefined {
  if (values.type === 'oauth2') {
    const url = new URL(values.token_url);
    return addresses.refuses(url.hostname, portOf(url))
      ? { field: 'values.token_url', message: refusedHost }
      : undefined;
  }
  if (values.type !== 'smtp' || !addresses.refuses(values.host, mailPort(values))) return undefined;
  return { field: 'values.host', message: refusedHost };
}

function whereStatus(status: ExpiryStatus | undefined): object {
  const now = new Date();
  if (status === 'expired') return { expiresAt: { $lte: now } };
  return status === 'active' ? { $or: [{ expiresAt: null }, { expiresAt: { $gt: now } }] } : {};
}
