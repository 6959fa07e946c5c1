import { createHash } from 'node:crypto';
import type { IdempotencyOutcome, IdempotencyStore, IdempotentRequest, StoredResponse } from '#runtime/nest/index.ts';
import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { principalOf } from '../../domain/caller.ts';
import { failpoint } from '../../domain/failpoints.ts';
import type { Principal } from '../auth/principal.ts';
import { IdempotencyRecord } from './idempotency-record.entity.ts';
import { seal, unseal } from './sealed-response.ts';

const keepHours = 24;

interface StoredRow {
  fingerprint: string;
  response: Buffer;
}

/** Carries a refusal that a handler returned out of the transaction, which it rolls back. */
class Unsuccessful extends Error {
  constructor(readonly response: StoredResponse) {
    super('The handler answered with a refusal.');
  }
}

/**
 * Runs the handler and stores its response in one transaction, so that both are kept or neither. While it runs, it holds an
 * advisory lock of PostgreSQL by which its twin is recognised, in whichever process; the lock ends with the transaction,
 * also when the process dies. Failures are not stored: the client may try again with the same key.
 */
@Injectable()
export class PostgresIdempotencyStore implements IdempotencyStore {
  constructor(private readonly em: EntityManager) {}

  async run(request: IdempotentRequest, execute: () => Promise<StoredResponse>): Promise<IdempotencyOutcome> {
    const id = recordId(request);
    try {
      // The handler finds this transaction through MikroORM's asynchronous context, in every injected EntityManager.
      return await this.em.fork().transactional(async (em) => {
        if (!(await lock(em, id))) return { kind: 'in_flight', retryAfter: 1 };
        return (await this.replay(em, id, request)) ?? (await this.execute(em, id, request, execute));
      });
    } catch (error) {
      if (error instanceof Unsuccessful) return { kind: 'executed', response: error.response };
      throw error;
    }
  }

  /** Removes what is older than 24 hours, and says how many records that were. */
  async purge(): Promise<number> {
    return this.em.fork().nativeDelete(IdempotencyRecord, { expiresAt: { $lt: new Date() } });
  }

  // A statement of its own after the lock: one that began before it would not see what the twin has just committed.
  private async replay(
    em: EntityManager,
    id: string,
    request: IdempotentRequest,
  ): Promise<IdempotencyOutcome | undefined> {
    const [stored] = await em.execute<StoredRow[]>(
      'select fingerprint, response from idempotency_record where id = ? and expires_at > now()',
      [id],
    );
    if (!stored) return undefined;
    if (stored.fingerprint !== storedFingerprint(request)) return { kind: 'mismatch' };
    return { kind: 'replayed', response: unseal(stored.response, request.key, id) };
  }

  private async execute(
    em: EntityManager,
    id: string,
    request: IdempotentRequest,
    execute: () => Promise<StoredResponse>,
  ): Promise<IdempotencyOutcome> {
    const response = await execute();
    if (response.status >= 400) throw new Unsuccessful(response);
    failpoint('idempotency.executed');
    const organisationId = (request.principal as Principal | undefined)?.organisationId ?? '';
    await em.execute(
      `insert into idempotency_record (id, organisation_id, fingerprint, response, expires_at, created_at)
       values (?, ?, ?, ?, now() + ?::interval, now())
       on conflict (id) do update set fingerprint = excluded.fingerprint, response = excluded.response,
         expires_at = excluded.expires_at, created_at = excluded.created_at`,
      [id, organisationId, storedFingerprint(request), seal(response, request.key, id), `${keepHours} hours`],
    );
    return { kind: 'executed', response };
  }
}

async function lock(em: EntityManager, id: string): Promise<boolean> {
  const [row] = await em.execute<{ locked: boolean }[]>('select pg_try_advisory_xact_lock(?::bigint) as locked', [
    Buffer.from(id, 'hex').readBigInt64BE().toString(),
  ]);
  return row!.locked;
}

/** With the client's key, which is not kept: a body may hold a short secret, which the bare fingerprint would confirm to a guesser. */
function storedFingerprint({ key, fingerprint }: IdempotentRequest): string {
  return createHash('sha256')
    .update(JSON.stringify([key, fingerprint]))
    .digest('hex');
}

/** The same key of another caller, or for another operation, is another key. */
function recordId({ key, operation, principal, context }: IdempotentRequest): string {
  const caller = principal as Principal | undefined;
  const who = caller ? [caller.organisationId, principalOf(caller)] : ['', context.request.ip];
  return createHash('sha256')
    .update(JSON.stringify([...who, context.contract.name, operation.id, key]))
    .digest('hex');
}
