import { LockMode } from '@mikro-orm/core';
import { MikroORM, type EntityManager } from '@mikro-orm/postgresql';
import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { DomainEvents } from '../event/domain-events.ts';
import { isPassing } from '../passing-error.ts';
import { WorkerLoops } from '../worker-loops.ts';
import { Credential } from './credential.entity.ts';
import { Secret } from './secret.entity.ts';

/** How many are told of in one transaction. */
const batch = 100;

/** Tells of secrets and credentials whose time is over, once each: the event `credential.expired`. */
@Injectable()
export class Expiry implements OnModuleInit {
  readonly #log = new Logger(Expiry.name);

  constructor(
    private readonly orm: MikroORM,
    private readonly events: DomainEvents,
    private readonly loops: WorkerLoops,
  ) {}

  onModuleInit(): void {
    this.loops.add('expiry', { everyMs: 15_000, run: () => this.tell() });
  }

  /** One round; true when there may be more to tell. One that cannot be told of keeps no other from being told of. */
  async tell(): Promise<boolean> {
    try {
      return await this.#tellOf(batch);
    } catch (error) {
      if (isPassing(error)) throw error;
      this.#log.error({ err: error }, 'Expired credentials could not be told of; they are told of one by one.');
      for (let count = 0; count < 2 * batch && (await this.#tellOfOne()); count++);
      return true;
    }
  }

  /** The oldest credential or else secret; false when there is none. What is refused is given up. */
  async #tellOfOne(): Promise<boolean> {
    const turn: { oldest?: Credential | Secret } = {};
    try {
      await this.#tellOf(1, turn);
    } catch (error) {
      const { oldest } = turn;
      if (isPassing(error) || !oldest) throw error;
      this.#log.error({ err: error, id: oldest.id }, 'An expired credential could not be told of; it is given up.');
      const entity = oldest instanceof Credential ? Credential : Secret;
      await this.orm.em
        .fork()
        .nativeUpdate(entity as never, { id: oldest.id } as never, { expiryToldAt: new Date() } as never);
    }
    return turn.oldest !== undefined;
  }

  /** So many credentials and secrets at most, in one transaction; of one, a secret only when there is no credential. */
  #tellOf(limit: number, turn: { oldest?: Credential | Secret } = {}): Promise<boolean> {
    return this.orm.em.fork().transactional(async (em) => {
      const credentials = await due(em, Credential, limit);
      const secrets = limit === 1 && credentials.length === 1 ? [] : await due(em, Secret, limit);
      const ended = [
        ...credentials.map((credential) => ({ credential, type: credential.type as string })),
        ...secrets.map((credential) => ({ credential, type: 'secret' })),
      ];
      turn.oldest = ended[0]?.credential;
      for (const { credential, type } of ended) {
        const { id, name, expiresAt, organisation } = credential;
        const data = { credential_id: id, name, type, expired_at: expiresAt!.toISOString() };
        await this.events.emit(em, { organisationId: organisation.id, type: 'credential.expired', data });
        credential.expiryToldAt = new Date();
      }
      return credentials.length === limit || secrets.length === limit;
    });
  }
}

function due<Entity extends Credential | Secret>(
  em: EntityManager,
  entity: new () => Entity,
  limit: number,
): Promise<Entity[]> {
  const where = { expiresAt: { $lte: new Date() }, expiryToldAt: null };
  const options = { limit, lockMode: LockMode.PESSIMISTIC_PARTIAL_WRITE, orderBy: { expiresAt: 'asc' } };
  return em.find(entity as never, where as never, options as never) as Promise<Entity[]>;
}
