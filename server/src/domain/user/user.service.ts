import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { ResourceNotFoundError, ValidationFailedError } from '../domain-error.ts';
import { isId, newId } from '../id.ts';
import { ApiKey } from '../api-key/api-key.entity.ts';
import type { Caller } from '../caller.ts';
import { Organisation } from '../organisation/organisation.entity.ts';
import { takeTurns } from '../organisation/take-turns.ts';
import { type Page, type PageRequest, rangeOf } from '../page.ts';
import { withFreeAddress } from './free-address.ts';
import { PasswordHasher } from './password-hasher.ts';
import type { Role } from './role.ts';
import { type PasswordSet, storePassword } from './store-password.ts';
import { normaliseEmail, User } from './user.entity.ts';

/** A person to be added to an organisation. */
export interface NewUser {
  readonly email: string;
  readonly name: string;
  readonly role: Role;
  readonly password: string;
}

/** The people of an organisation. */
@Injectable()
export class UserService {
  constructor(
    private readonly em: EntityManager,
    private readonly passwords: PasswordHasher,
  ) {}

  /** Throws ResourceNotFoundError. */
  async get(organisationId: string, id: string): Promise<User> {
    const user = await this.em.findOne(User, { id, organisation: organisationId }, { populate: ['organisation'] });
    if (!user) throw new ResourceNotFoundError('user', id);
    return user;
  }

  /** The person behind a caller: who is signed in, or who made the key; undefined when nobody is known. */
  async findBehind({ organisationId, userId, apiKeyId }: Caller): Promise<User | undefined> {
    if (userId) return this.get(organisationId, userId);
    const key = { id: apiKeyId, organisation: organisationId };
    const apiKey = apiKeyId ? await this.em.findOne(ApiKey, key, { populate: ['createdBy'] }) : null;
    return apiKey?.createdBy ?? undefined;
  }

  /** The newest first; of one organisation where it is given. */
  async list(organisationId: string | undefined, page: PageRequest): Promise<Page<User>> {
    const [items, total] = await this.em.findAndCount(
      User,
      organisationId === undefined ? {} : { organisation: organisationId },
      { orderBy: { createdAt: 'desc', id: 'desc' }, ...rangeOf(page) },
    );
    return { items, total };
  }

  /** The user with this id or address, of any organisation: for operators. Throws ResourceNotFoundError. */
  async find(idOrEmail: string): Promise<User> {
    const where = isId('user', idOrEmail) ? { id: idOrEmail } : { email: normaliseEmail(idOrEmail) };
    const user = await this.em.findOne(User, where, { populate: ['organisation'] });
    if (!user) throw new ResourceNotFoundError('user', idOrEmail);
    return user;
  }

  /** Throws ResourceNotFoundError, and ValidationFailedError unless the address is free over all organisations. */
  async create(organisationId: string, { email, name, role, password }: NewUser): Promise<User> {
    const organisation = await this.em.findOne(Organisation, organisationId);
    if (!organisation) throw new ResourceNotFoundError('organisation', organisationId);
    const user = this.em.create(User, {
      id: newId('user'),
      organisation,
      email: normaliseEmail(email),
      name,
      role,
      passwordHash: await this.passwords.hash(password),
    });
    await withFreeAddress(user.email, () => this.em.flush());
    return user;
  }

  /** Sets the password, with all that `storePassword` ends by it. Throws ResourceNotFoundError. */
  async setPassword(id: string, password: string): Promise<PasswordSet> {
    const passwordHash = await this.passwords.hash(password);
    return this.em.transactional((em) => storePassword(em, id, passwordHash));
  }

  /** Takes effect at the next request. Throws ResourceNotFoundError, and ValidationFailedError for the last owner of an organisation. */
  setRole(id: string, role: Role): Promise<User> {
    return this.em.transactional(async (em) => {
      const user = await findById(em, id);
      const organisation = user.organisation.id;
      await takeTurns(em, organisation);
      await em.refresh(user);
      const otherOwners = { organisation, role: 'owner', disabledAt: null, id: { $ne: id } } as const;
      if (user.role === 'owner' && role !== 'owner' && (await em.count(User, otherOwners)) === 0) throw lastOwner(user);
      user.role = role;
      return user;
    });
  }
}

async function findById(em: EntityManager, id: string): Promise<User> {
  const user = await em.findOne(User, id, { populate: ['organisation'] });
  if (!user) throw new ResourceNotFoundError('user', id);
  return user;
}

function lastOwner({ email }: User): ValidationFailedError {
  const message = 'must stay owner while the organisation has no other';
  return new ValidationFailedError(
    `${email} is the only owner of the organisation. Make somebody else an owner first.`,
    [{ field: 'role', message, location: 'body' }],
  );
}
