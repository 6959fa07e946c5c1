import type { MikroORM } from '@mikro-orm/postgresql';
import type { Plan } from './plan.ts';

/** Milliseconds for which a plan that was read is believed. */
const maxAgeMs = 5_000;
/** Organisations remembered at most; the one that was read longest ago goes first. */
const maxRemembered = 10_000;

interface Remembered {
  readonly plan: Promise<Plan>;
  readonly at: number;
}

/** Tells the plans of organisations to whatever shares this process's resources among them. */
export class OrganisationPlans {
  readonly #orm: MikroORM;
  readonly #remembered = new Map<string, Remembered>();

  constructor(orm: MikroORM) {
    this.#orm = orm;
  }

  /** A change of plan is seen within five seconds. An organisation that is gone has the smallest plan: it may finish what it began. */
  planOf(organisationId: string): Promise<Plan> {
    const known = this.#remembered.get(organisationId);
    if (known && known.at > Date.now() - maxAgeMs) return known.plan;
    const plan = this.#read(organisationId);
    this.#remembered.delete(organisationId);
    this.#remembered.set(organisationId, { plan, at: Date.now() });
    if (this.#remembered.size > maxRemembered) this.#remembered.delete(this.#remembered.keys().next().value!);
    // What could not be read is asked for again.
    plan.catch(() => {
      if (this.#remembered.get(organisationId)?.plan === plan) this.#remembered.delete(organisationId);
    });
    return plan;
  }

  async #read(organisationId: string): Promise<Plan> {
    const [row] = await this.#orm.em
      .getConnection()
      .execute<{ plan: Plan }[]>('select plan from organisation where id = ?', [organisationId]);
    return row?.plan ?? 'free';
  }
}
