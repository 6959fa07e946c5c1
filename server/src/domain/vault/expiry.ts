import { LockMode } from '@mikro-orm/core';
import { MikroORM, type EntityManager } from '@mikro-orm/postgresql';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DomainEvents } from '../event/domain-events.ts';
import { WorkerLoops } from '../worker-loops.ts';
import { Credential } from './credential.entity.ts';
import { Secret } from './secret.entity.ts';

/** How many are told of in one transaction. */
const batch = 100;

/** Tells of secrets and credentials whose time is over, once each: the event `credential.expired`. */
@Injectable()
export class Expiry implements OnModuleInit {
  constructor(
    private readonly orm: MikroORM,
    private readonly events: DomainEvents,
    private readonly loops: WorkerLoops,
  ) {}

  onModuleInit(): void {
    this.loops.add('expiry', { everyMs: 15_000, run: () => this.tell() });
  }

  /** One round; true when there may be more to tell. */
  tell(): Promise<boolean> {
    return this.orm.em.fork().transactional(async (em) => {
      const credentials = await due(em, Credential);
      const secrets = await due(em, Secret);
      const ended = [
        ...credentials.map((credential) => ({ credential, type: credential.type as string })),
        ...secrets.map((credential) => ({ credential, type: 'secret' })),
      ];
      for (const { credential, type } of ended) {
        const { id, name, expiresAt, organisation } = credential;
        const data = { credential_id: id, name, type, expired_at: expiresAt!.toISOString() };
        await this.events.emit(em, { organisationId: organisation.id, type: 'credential.expired', data });
        credential.expiryToldAt = new Date();
      }
      return credentials.length === batch || secrets.length === batch;
    });
  }
}

function due<Entity extends Credential | Secret>(em: EntityManager, entity: new () => Entity): Promise<Entity[]> {
  const where = { expiresAt: { $lte: new Date() }, expiryToldAt: null };
  const options = { limit: batch, lockMode: LockMode.PESSIMISTIC_PARTIAL_WRITE, orderBy: { expiresAt: 'asc' } };
  return em.find(entity as never, where as never, options as never) as Promise<Entity[]>;
}
