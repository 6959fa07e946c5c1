import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { Plan } from '../../domain/organisation/plan.ts';
import { runPrepared, type PreparedQuery } from '../../domain/prepared-query.ts';
import { sha256 } from '../../domain/secret.ts';

/** Whose plan a request draws on. */
export interface LimitedOrganisation {
  readonly organisationId: string;
  readonly plan: Plan;
}

interface Owner {
  organisation_id: string;
  plan: Plan;
}

const selectOwnerOfForm: PreparedQuery = {
  name: 'flowpact_owner_of_form',
  text: `select o.id as organisation_id, o.plan from form f join organisation o on o.id = f.organisation_id
    where (f.id = $1 or f.slug = $1) and f.status = 'published'`,
};

const selectOwnerOfCallback: PreparedQuery = {
  name: 'flowpact_owner_of_callback',
  text: `select o.id as organisation_id, o.plan from execution_wait w join organisation o on o.id = w.organisation_id
    where w.token_hash = $1`,
};

/** Path parameters that name what anybody may ask for. */
const queries: readonly (readonly [parameter: string, query: PreparedQuery, read: (value: string) => string])[] = [
  ['form_id', selectOwnerOfForm, (value) => value],
  ['callback_token', selectOwnerOfCallback, sha256],
];

/** Knows whose forms and callback URLs are asked for without credentials, so that each organisation has limits of its own. */
@Injectable()
export class PublicResources {
  constructor(private readonly em: EntityManager) {}

  /** Whose resource the path names; undefined where it names none that there is. */
  async ownerOf(params: Readonly<Record<string, string>>): Promise<LimitedOrganisation | undefined> {
    for (const [parameter, query, read] of queries) {
      const value = params[parameter];
      // PostgreSQL has no NUL in text.
      if (value === undefined || value.includes('\0')) continue;
      const [owner] = await runPrepared<Owner>(this.em, query, [read(value)]);
      return owner && { organisationId: owner.organisation_id, plan: owner.plan };
    }
    return undefined;
  }
}
