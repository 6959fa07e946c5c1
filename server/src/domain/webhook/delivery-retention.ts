import { MikroORM } from '@mikro-orm/postgresql';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { WorkerLoops } from '../worker-loops.ts';

const everyMs = 10 * 60 * 1_000;
/** Rows removed in one statement at most. */
const atOnce = 5_000;
/** Events stay longer, so that whatever delivery is there has its event. */
const deliveryDays = 30;
const eventDays = 33;

/** What is chosen is chosen once: a plan that looks again for each row would remove more than the limit, and take that for the end. */
const statements = (limit: number): string[] => [
  `with chosen as materialized (
    select id from webhook_delivery
    where created_at < now() - interval '${deliveryDays} days' and next_attempt_at is null
    order by created_at limit ${limit} for update skip locked
  ), old as (delete from webhook_delivery where id in (select id from chosen) returning id
  ), attempts as (delete from webhook_attempt where delivery_id in (select id from old))
  select count(*)::int as removed from old`,
  `with chosen as materialized (
    select id from domain_event event
    where created_at < now() - interval '${eventDays} days' and dispatch_at is null
      and not exists (select from webhook_delivery where event_id = event.id)
    order by created_at limit ${limit} for update skip locked
  ), old as (delete from domain_event where id in (select id from chosen) returning id
  ) select count(*)::int as removed from old`,
];

/** Removes deliveries, their attempts and events whose time is over. */
@Injectable()
export class DeliveryRetention implements OnModuleInit {
  constructor(
    private readonly orm: MikroORM,
    private readonly loops: WorkerLoops,
  ) {}

  onModuleInit(): void {
    this.loops.add('webhook-retention', { everyMs, run: () => this.purge() });
  }

  /** One round; true when there is more. */
  async purge(limit = atOnce): Promise<boolean> {
    const pool = await this.orm.em.getConnection().getNativeClient();
    let more = false;
    for (const statement of statements(limit)) {
      const { rows } = await pool.query<{ removed: number }>(statement);
      if (rows[0]!.removed === limit) more = true;
    }
    return more;
  }
}
