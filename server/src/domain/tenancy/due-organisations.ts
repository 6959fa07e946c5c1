import { watchDue } from './shared-resources.ts';

export interface DueOrganisationsOptions {
  /** Label of the metrics. */
  readonly name: string;
  readonly table: string;
  /** Column with the moment from which a row is due; null in rows that are not. */
  readonly column: string;
  /**
   * `organisations` seeks once for each organisation that has rows, due or not, however many: it needs an index of organisation
   * and column. `rows` reads all rows that are due: for what many organisations have, of which little is due at a time.
   */
  readonly by: 'organisations' | 'rows';
}

/** An organisation with work that is due. */
export interface DueOrganisation {
  readonly id: string;
  /** Milliseconds for which its oldest work has been due. */
  readonly lateMs: number;
}

export interface DueLoad {
  readonly organisations: number;
  readonly oldestMs: number;
}

/** Organisations found in one look at most; the others are found when these have less. */
const maxFound = 1_000;

/** Finds whose work is due in a table. */
export class DueOrganisations {
  readonly #statement: string;
  #load: DueLoad = { organisations: 0, oldestMs: 0 };

  constructor({ name, table, column, by }: DueOrganisationsOptions) {
    const seek = `
with recursive found as (
  (select organisation_id as id, ${column} as at from ${table} where ${column} is not null
    order by organisation_id, ${column} limit 1)
  union all
  select next.id, next.at from found cross join lateral (
    select organisation_id as id, ${column} as at from ${table}
     where ${column} is not null and organisation_id > found.id order by organisation_id, ${column} limit 1) next
)
select id, (extract(epoch from now() - at) * 1000)::float8 as "lateMs" from found
 where at <= now() order by at limit ${maxFound}`;
    const read = `
select organisation_id as id, (extract(epoch from now() - min(${column})) * 1000)::float8 as "lateMs" from ${table}
 where ${column} <= now() group by organisation_id order by min(${column}) limit ${maxFound}`;
    this.#statement = by === 'organisations' ? seek : read;
    watchDue(name, () => this.#load);
  }

  /** Whose work is due, the oldest first. */
  async find(query: (text: string) => Promise<readonly DueOrganisation[]>): Promise<readonly DueOrganisation[]> {
    const found = await query(this.#statement);
    this.#load = { organisations: found.length, oldestMs: found[0]?.lateMs ?? 0 };
    return found;
  }
}

/** Organisations that take turns until they have nothing more to do. */
export class Ring {
  readonly #organisations: Set<string>;

  constructor(organisations: Iterable<string>) {
    this.#organisations = new Set(organisations);
  }

  /** Whose turn it is; undefined when nobody has anything to do. */
  next(): string | undefined {
    const id = this.#organisations.values().next().value;
    if (id === undefined) return undefined;
    this.#organisations.delete(id);
    this.#organisations.add(id);
    return id;
  }

  /** The organisation has nothing more to do. */
  done(organisationId: string): void {
    this.#organisations.delete(organisationId);
  }
}
