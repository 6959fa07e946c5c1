import { MikroORM, type EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { Json } from '../domain-error.ts';
import { writeJson } from '../json-pieces.ts';
import { onOurDatabase } from '../execution/on-our-database.ts';
import { NodeFailure } from '../nodes/node-type.ts';
import { Sealer } from '../sealer.ts';
import { Credential, credentialContext } from './credential.entity.ts';
import type { CredentialValues } from './credential-values.ts';
import { Disclosure, type OpenCredential } from './disclosure.ts';
import { expiryStatus, Secret, secretContext } from './secret.entity.ts';
import { mayHoldMarkers, SecretMarkers } from './secret-markers.ts';

/** The execution that a step belongs to. */
export interface StepOrigin {
  readonly organisationId: string;
  readonly executionId: string;
}

/** Names of secrets and credentials. */
export interface VaultNames {
  readonly secrets: readonly string[];
  readonly credentials: readonly string[];
}

/** Where steps that call other servers get secrets and credentials; nothing else ever does. */
@Injectable()
export class Vault {
  readonly #orm: MikroORM;
  readonly #sealer: Sealer;
  readonly #markers: SecretMarkers;

  constructor(orm: MikroORM, sealer: Sealer) {
    this.#orm = orm;
    this.#sealer = sealer;
    this.#markers = new SecretMarkers(sealer);
  }

  /**
   * What a call with these params gets to know. Throws a NodeFailure `secret_not_found`, `secret_expired`,
   * `credential_not_found` or `credential_expired`. Call it inside of a step only.
   */
  async open(origin: StepOrigin, params: Json, credentialName?: string): Promise<Disclosure> {
    const { organisationId, executionId } = origin;
    const text = (await writeJson(params)) ?? '';
    const names = mayHoldMarkers(text) ? this.#markers.namesIn(executionId, text) : [];
    const em = this.#orm.em.fork();
    return onOurDatabase(executionId, async () => {
      const secrets = names.length > 0 ? await this.#secrets(em, organisationId, names) : new Map<string, string>();
      const credential =
        credentialName === undefined ? undefined : await this.#credential(em, organisationId, credentialName);
      return new Disclosure(this.#markers, executionId, secrets, credential);
    });
  }

  /**
   * Those of the names that the organisation does not have. The others are neither removed nor renamed before the transaction
   * of `em` has ended.
   */
  async missing(em: EntityManager, organisationId: string, names: VaultNames): Promise<VaultNames> {
    return {
      secrets: await absent(em, 'secret', organisationId, names.secrets),
      credentials: await absent(em, 'credential', organisationId, names.credentials),
    };
  }

  async #secrets(em: EntityManager, organisationId: string, names: string[]): Promise<Map<string, string>> {
    const found = await em.find(
      Secret,
      { organisation: organisationId, name: { $in: names } },
      { populate: ['value'], orderBy: { name: 'asc' } },
    );
    const values = new Map<string, string>();
    for (const { id, name, value, expiresAt } of found) {
      if (expiryStatus(expiresAt) === 'expired') throw expired('secret', name, expiresAt!);
      values.set(name, this.#sealer.open(organisationId, value!, secretContext(id)));
    }
    const absent = names.find((name) => !values.has(name));
    if (absent !== undefined) throw notFound('secret', absent);
    await noteUse(em, 'secret', found);
    return values;
  }

  async #credential(em: EntityManager, organisationId: string, name: string): Promise<OpenCredential> {
    const found = await em.findOne(Credential, { organisation: organisationId, name }, { populate: ['values'] });
    if (!found) throw notFound('credential', name);
    const { id, values, expiresAt, updatedAt } = found;
    if (expiryStatus(expiresAt) === 'expired') throw expired('credential', name, expiresAt!);
    await noteUse(em, 'credential', [found]);
    const opened = JSON.parse(this.#sealer.open(organisationId, values!, credentialContext(id))) as CredentialValues;
    return { id, name, revision: updatedAt.getTime(), values: opened };
  }
}

async function absent(
  em: EntityManager,
  table: 'secret' | 'credential',
  organisationId: string,
  names: readonly string[],
): Promise<string[]> {
  if (names.length === 0) return [];
  const found: { name: string }[] = await em.execute(
    `select name from ${table} where organisation_id = ? and name in (select jsonb_array_elements_text(?::jsonb))
    order by name for key share`,
    [organisationId, JSON.stringify(names)],
  );
  return names.filter((name) => !found.some((one) => one.name === name));
}

const useGranularity = 60_000;

/** At most once a minute each, so that a busy workflow costs one write a minute and not one a call. */
async function noteUse(
  em: EntityManager,
  table: 'secret' | 'credential',
  used: readonly { id: string; lastUsedAt?: Date | null }[],
): Promise<void> {
  const stale = Date.now() - useGranularity;
  const ids = used.filter(({ lastUsedAt }) => (lastUsedAt?.getTime() ?? 0) <= stale).map(({ id }) => id);
  if (ids.length === 0) return;
  await em.execute(
    `update ${table} set last_used_at = now() where id = any(?::text[]) and (last_used_at is null or last_used_at <= ?)`,
    [`{${ids.join(',')}}`, new Date(stale)],
  );
}

function notFound(what: 'secret' | 'credential', name: string): NodeFailure {
  return new NodeFailure(`${what}_not_found`, `There is no ${what} named ${name}. Create it, or name another.`, {
    [what]: name,
  });
}

function expired(what: 'secret' | 'credential', name: string, at: Date): NodeFailure {
  return new NodeFailure(
    `${what}_expired`,
    `The ${what} ${name} expired at ${at.toISOString()}. Give it a new value.`,
    {
      [what]: name,
      expired_at: at.toISOString(),
    },
  );
}
