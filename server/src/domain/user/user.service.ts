import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { ResourceNotFoundError } from '../domain-error.ts';
import { newId } from '../id.ts';
import { ApiKey } from '../api-key/api-key.entity.ts';
import type { Caller } from '../caller.ts';
import { Organisation } from '../organisation/organisation.entity.ts';
import { PasswordHasher } from './password-hasher.ts';
import type { Role } from './role.ts';
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

  /** The address must be free over all organisations; the database refuses a second one. */
  async create(organisationId: string, { email, name, role, password }: NewUser): Promise<User> {
    const user = this.em.create(User, {
      id: newId('user'),
      organisation: this.em.getReference(Organisation, organisationId),
      email: normaliseEmail(email),
      name,
      role,
      passwordHash: await this.passwords.hash(password),
    });
    await this.em.flush();
    return user;
  }
}
