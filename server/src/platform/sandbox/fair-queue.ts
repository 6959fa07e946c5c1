/** Milliseconds that a job is charged with at least: what handing it over costs. */
const leastCost = 1;

interface Tenant<Job> {
  /** In the order of their turns. */
  waiting: Set<Job>;
  /** Jobs that were taken and have not ended. */
  taken: number;
  /** Milliseconds of processor time, on a scale that all tenants share. */
  used: number;
}

/**
 * Jobs of several tenants. The next one is always of the tenant that has used the least processor time since it was last
 * without any work (start-time fair queueing); a tenant's own jobs keep their order. Who comes back begins where the others
 * stand, so that neither waiting is saved up nor use forgotten.
 */
export class FairQueue<Job> {
  readonly #tenants = new Map<string, Tenant<Job>>();
  readonly #runningMs: (tenantId: string) => number;
  #waiting = 0;

  /** `runningMs` tells what the jobs of a tenant that run now have used so far. */
  constructor(runningMs: (tenantId: string) => number = () => 0) {
    this.#runningMs = runningMs;
  }

  /** Jobs that wait. */
  get size(): number {
    return this.#waiting;
  }

  /** Jobs of one tenant that wait. */
  sizeOf(tenantId: string): number {
    return this.#tenants.get(tenantId)?.waiting.size ?? 0;
  }

  /** The first job of each tenant that waits. */
  *heads(): Generator<Job> {
    for (const { waiting } of this.#tenants.values()) if (waiting.size > 0) yield first(waiting);
  }

  push(tenantId: string, job: Job): void {
    this.#active(tenantId).waiting.add(job);
    this.#waiting += 1;
  }

  /** Gives a job that was taken its place at the head of its tenant's back, and charges for what it has used already. */
  putBack(tenantId: string, job: Job, milliseconds = 0): void {
    const tenant = this.#active(tenantId);
    tenant.waiting = new Set([job, ...tenant.waiting]);
    tenant.taken -= 1;
    tenant.used += Math.max(0, milliseconds - leastCost);
    this.#waiting += 1;
  }

  /** Takes a job out of those that wait; false when it is not there. */
  remove(tenantId: string, job: Job): boolean {
    const tenant = this.#tenants.get(tenantId);
    if (!tenant?.waiting.delete(job)) return false;
    this.#waiting -= 1;
    this.#settle(tenantId, tenant);
    return true;
  }

  /** Takes the next job among the tenants that may have a turn. */
  take(mayTake: (tenantId: string) => boolean): Job | undefined {
    let next: { tenant: Tenant<Job>; used: number } | undefined;
    for (const [id, tenant] of this.#tenants) {
      if (tenant.waiting.size === 0) continue;
      const used = tenant.used + this.#runningMs(id);
      if ((!next || used < next.used) && mayTake(id)) next = { tenant, used };
    }
    if (!next) return undefined;
    const { tenant } = next;
    const job = first(tenant.waiting);
    tenant.waiting.delete(job);
    this.#waiting -= 1;
    tenant.taken += 1;
    tenant.used += leastCost;
    return job;
  }

  /** A job that was taken has ended, after so many milliseconds of processor time. */
  ended(tenantId: string, milliseconds: number): void {
    const tenant = this.#tenants.get(tenantId)!;
    tenant.taken -= 1;
    tenant.used += Math.max(0, milliseconds - leastCost);
    this.#settle(tenantId, tenant);
  }

  /** Milliseconds that the tenant has used, on the scale that all share. */
  usedBy(tenantId: string): number {
    return (this.#tenants.get(tenantId)?.used ?? 0) + this.#runningMs(tenantId);
  }

  /** All jobs that wait, which do so no longer. */
  clear(): Job[] {
    const jobs = [...this.#tenants.values()].flatMap(({ waiting }) => [...waiting]);
    for (const tenant of this.#tenants.values()) tenant.waiting.clear();
    this.#waiting = 0;
    return jobs;
  }

  #active(tenantId: string): Tenant<Job> {
    let tenant = this.#tenants.get(tenantId);
    if (tenant && isActive(tenant)) return tenant;
    const floor = this.#floor();
    if (tenant) tenant.used = Math.max(tenant.used, floor);
    else {
      tenant = { waiting: new Set(), taken: 0, used: floor };
      this.#tenants.set(tenantId, tenant);
    }
    return tenant;
  }

  /** Where the least of those that have work stands. */
  #floor(): number {
    let floor = Infinity;
    for (const tenant of this.#tenants.values()) if (isActive(tenant)) floor = Math.min(floor, tenant.used);
    return Number.isFinite(floor) ? floor : 0;
  }

  /** Who has no work is remembered only while it has used more than the others; when nobody has any, all begin anew. */
  #settle(tenantId: string, tenant: Tenant<Job>): void {
    if (isActive(tenant)) return;
    if (this.#waiting === 0 && ![...this.#tenants.values()].some(isActive)) this.#tenants.clear();
    else if (tenant.used <= this.#floor()) this.#tenants.delete(tenantId);
  }
}

function isActive({ waiting, taken }: Tenant<unknown>): boolean {
  return waiting.size > 0 || taken > 0;
}

function first<Item>(items: Set<Item>): Item {
  return items.values().next().value as Item;
}
