import type { Plan } from '../../domain/organisation/plan.ts';

/** Milliseconds after which a plan is asked for again. */
const maxAgeMs = 5_000;
/** Organisations remembered at most; the one that was asked about longest ago goes first. */
const maxRemembered = 10_000;

/** The plans of organisations for those who cannot wait for them: the one that was known last, and the smallest until one is. */
export class KnownPlans {
  readonly #planOf: (organisationId: string) => Promise<Plan>;
  readonly #known = new Map<string, { plan: Plan; at: number }>();

  constructor(planOf: (organisationId: string) => Promise<Plan>) {
    this.#planOf = planOf;
  }

  of(organisationId: string): Plan {
    const known = this.#known.get(organisationId);
    if (known && known.at > Date.now() - maxAgeMs) return known.plan;
    const plan = known?.plan ?? 'free';
    this.#remember(organisationId, plan);
    // Without an answer it stays as it is, and is asked for again.
    this.#planOf(organisationId).then(
      (read) => this.#remember(organisationId, read),
      () => undefined,
    );
    return plan;
  }

  #remember(organisationId: string, plan: Plan): void {
    this.#known.delete(organisationId);
    this.#known.set(organisationId, { plan, at: Date.now() });
    if (this.#known.size > maxRemembered) this.#known.delete(this.#known.keys().next().value!);
  }
}
