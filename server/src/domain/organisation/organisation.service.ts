import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { mintSecret } from '../api-key/api-key-text.ts';
import { ApiKeySecret } from '../api-key/api-key-secret.entity.ts';
import { ApiKey } from '../api-key/api-key.entity.ts';
import { advisoryLocks } from '../advisory-locks.ts';
import { ResourceNotFoundError } from '../domain-error.ts';
import { newId } from '../id.ts';
import { type Page, type PageRequest, rangeOf } from '../page.ts';
import { randomBase62 } from '../secret.ts';
import { withFreeAddress } from '../user/free-address.ts';
import { PasswordHasher } from '../user/password-hasher.ts';
import { normaliseEmail, User } from '../user/user.entity.ts';
import { Organisation } from './organisation.entity.ts';
import type { Plan } from './plan.ts';

/** What is known about the tenant to be made; the rest gets names and secrets of its own. */
export interface NewOrganisation {
  readonly organisationName?: string;
  readonly adminName?: string;
  readonly adminEmail?: string;
  /** Absent: one is made up. */
  readonly adminPassword?: string;
  readonly plan?: Plan;
}

/** What was made, with the secrets that can be read only now. */
export interface CreatedOrganisation {
  readonly organisation: Organisation;
  readonly admin: User;
  readonly adminPassword: string;
  readonly apiKey: ApiKey;
  readonly apiKeySecret: string;
}

/** What an organisation has. */
export interface OrganisationSize {
  readonly users: number;
  readonly activeKeys: number;
}

/** The tenants of this installation. */
@Injectable()
export class OrganisationService {
  constructor(
    private readonly em: EntityManager,
    private readonly passwords: PasswordHasher,
  ) {}

  /** Throws ResourceNotFoundError. */
  async get(id: string): Promise<Organisation> {
    const organisation = await this.em.findOne(Organisation, id);
    if (!organisation) throw new ResourceNotFoundError('organisation', id);
    return organisation;
  }

  /** The newest first. */
  async list(page: PageRequest): Promise<Page<Organisation>> {
    const orderBy = { createdAt: 'desc', id: 'desc' } as const;
    const [items, total] = await this.em.findAndCount(Organisation, {}, { orderBy, ...rangeOf(page) });
    return { items, total };
  }

  /** How many users it has, and keys that can be used. */
  async sizeOf(id: string): Promise<OrganisationSize> {
    const active = { revokedAt: null, $or: [{ expiresAt: null }, { expiresAt: { $gt: new Date() } }] };
    return {
      users: await this.em.count(User, { organisation: id }),
      activeKeys: await this.em.count(ApiKey, { organisation: id, ...active }),
    };
  }

  /** Every process goes by the new plan within seconds. Throws ResourceNotFoundError. */
  async setPlan(id: string, plan: Plan): Promise<Organisation> {
    const organisation = await this.get(id);
    organisation.plan = plan;
    await this.em.flush();
    return organisation;
  }

  /**
   * Makes an organisation with its owner and an API key for everything. Throws ValidationFailedError unless the address is
   * free over all organisations.
   */
  create(organisation: NewOrganisation): Promise<CreatedOrganisation> {
    return this.em.transactional((em) => this.make(em, organisation));
  }

  /**
   * Makes the first organisation with its owner and an API key for everything; undefined when there is an organisation
   * already. Of servers that start together one makes it and the others get undefined. `keep` gets the secrets before
   * anything is final: when it throws, nothing is made.
   */
  async bootstrap(
    organisation: NewOrganisation = {},
    keep: (made: CreatedOrganisation) => void = () => undefined,
  ): Promise<CreatedOrganisation | undefined> {
    // Outside of Nest's requests there is no context, and inside one this must not share its transaction.
    return this.em.fork().transactional(async (em) => {
      await em.execute('select pg_advisory_xact_lock(?)', [advisoryLocks.bootstrap]);
      if ((await em.count(Organisation)) > 0) return undefined;
      const made = await this.make(em, organisation);
      keep(made);
      return made;
    });
  }

  private async make(em: EntityManager, wanted: NewOrganisation): Promise<CreatedOrganisation> {
    const adminPassword = wanted.adminPassword ?? randomBase62(20);
    const minted = mintSecret();
    const organisation = em.create(Organisation, {
      id: newId('org'),
      name: wanted.organisationName ?? 'My organisation',
      plan: wanted.plan ?? 'business',
    });
    const admin = em.create(User, {
      id: newId('user'),
      organisation,
      email: normaliseEmail(wanted.adminEmail ?? 'admin@flowpact.local'),
      name: wanted.adminName ?? 'Admin',
      role: 'owner',
      passwordHash: await this.passwords.hash(adminPassword),
    });
    const apiKey = em.create(ApiKey, {
      id: newId('key'),
      organisation,
      createdBy: admin,
      name: 'First key',
      prefix: minted.prefix,
      grants: ['full-access'],
    });
    em.create(ApiKeySecret, { hash: minted.hash, apiKey });
    await withFreeAddress(admin.email, () => em.flush());
    return { organisation, admin, adminPassword, apiKey, apiKeySecret: minted.text };
  }
}
