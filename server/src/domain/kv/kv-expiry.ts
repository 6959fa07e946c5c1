import { MikroORM } from '@mikro-orm/postgresql';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { WorkerLoops } from '../worker-loops.ts';

/** Rows removed in one statement at most. */
const atOnce = 1_000;
/** How long it is remembered that a step has written; executions that a crash interrupts go on much sooner. */
const rememberSteps = '7 days';

/** Removes entries whose time is over, and what steps have left behind. */
@Injectable()
export class KvExpiry implements OnModuleInit {
  constructor(
    private readonly orm: MikroORM,
    private readonly loops: WorkerLoops,
  ) {}

  onModuleInit(): void {
    this.loops.add('kv-expiry', { everyMs: 60_000, run: () => this.purge() });
  }

  /** One round; true when there may be more to remove. */
  async purge(batch = atOnce): Promise<boolean> {
    const em = this.orm.em.fork();
    const entries = await em.execute<{ affectedRows: number }>(
      `with over as materialized (
         select scope_id, key from kv_entry where expires_at <= now() limit ? for update skip locked)
       delete from kv_entry where (scope_id, key) in (select scope_id, key from over)`,
      [batch],
      'run',
    );
    const steps = await em.execute<{ affectedRows: number }>(
      `with old as materialized (
         select id from kv_step where created_at < now() - ?::interval limit ? for update skip locked)
       delete from kv_step where id in (select id from old)`,
      [rememberSteps, batch],
      'run',
    );
    return entries.affectedRows === batch || steps.affectedRows === batch;
  }
}
