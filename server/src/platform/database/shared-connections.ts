import type { Pool, PoolClient } from 'pg';
import { currentWork, type OrganisationWork } from '../../domain/tenancy/current-organisation.ts';
import { NoSlotError, type Release, SharedSlots } from '../../domain/tenancy/shared-slots.ts';

type Done = (release?: unknown) => void;
type Connected = (error: Error | undefined, client: PoolClient | undefined, done: Done) => void;

/** Share of the connections that one organisation leaves to the others. */
const leftToOthers = 1 / 4;
/** What `pg` says when there was no connection in time; it passes by itself. */
const noneInTime = 'timeout exceeded when trying to connect';

/** Connections that one organisation may have of a pool of that size. */
export function connectionsOfOne(size: number): number {
  return Math.max(1, Math.floor(size * (1 - leftToOthers)));
}

/**
 * Hands out the connections of the pool in turns by organisation. Work that has a connection and needs another comes first
 * and is not counted against its organisation, since others may wait for what it holds.
 */
export function shareConnections(pool: Pool, name = 'database'): void {
  const width = pool.options.max;
  const slots = new SharedSlots({ name, width });
  const maxSlots = connectionsOfOne(width);
  const waitMs = pool.options.connectionTimeoutMillis || undefined;
  const connect = pool.connect.bind(pool) as (connected: Connected) => void;

  const open = (release: Release, work: OrganisationWork | undefined, connected: Connected): void => {
    if (work) work.connections += 1;
    const over = (): void => {
      if (work) work.connections -= 1;
      release();
    };
    connect((error, client, done) => {
      if (error || !client) {
        over();
        return connected(error, client, done);
      }
      const giveBack = once((reason?: unknown) => {
        done(reason);
        over();
      });
      client.release = giveBack as PoolClient['release'];
      connected(undefined, client, giveBack);
    });
  };

  const acquire = (connected: Connected): void => {
    const work = currentWork();
    const organisationId = work?.organisationId ?? '';
    const first = work !== undefined && work.connections > 0;
    const free = slots.tryTake(organisationId, { maxSlots, first });
    if (free) return open(free, work, connected);
    slots.take(organisationId, { maxSlots, first, waitMs }).then(
      (release) => open(release, work, connected),
      (error: unknown) =>
        connected(error instanceof NoSlotError ? new Error(noneInTime) : (error as Error), undefined, () => undefined),
    );
  };

  pool.connect = ((connected?: Connected) => {
    if (connected) return acquire(connected);
    return new Promise<PoolClient>((resolve, reject) =>
      acquire((error, client) => (error ? reject(error) : resolve(client!))),
    );
  }) as Pool['connect'];
}

function once(done: Done): Done {
  let isDone = false;
  return (reason) => {
    // As `pg` says it: whoever gives a connection back twice may give back somebody else's.
    if (isDone) throw new Error('Release called on client which has already been released to the pool.');
    isDone = true;
    done(reason);
  };
}
