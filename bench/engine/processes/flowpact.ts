import { MikroORM, RequestContext } from '@mikro-orm/postgresql';
import { repeat } from '../measure.ts';

/**
 * The compiled server, as `npm start` runs it, and beside HTTP a way to start executions inside the process: over IPC it
 * takes `{ workflowId, organisationId, count, inFlight }` and answers with a Measurement. Its settings come from the environment.
 */
const dist = new URL('../../../dist/server/src/', import.meta.url);
const load = <T>(file: string): Promise<T> => import(new URL(file.replace('.ts', '.js'), dist).href) as Promise<T>;

const { Config } =
  await load<typeof import('../../../server/src/platform/config/config.ts')>('platform/config/config.ts');
const { createLogger } =
  await load<typeof import('../../../server/src/platform/logging/logger.ts')>('platform/logging/logger.ts');
const { startServer } = await load<typeof import('../../../server/src/start-server.ts')>('start-server.ts');
const { ExecutionService } = await load<typeof import('../../../server/src/domain/execution/execution.service.ts')>(
  'domain/execution/execution.service.ts',
);
const { LiveChannel } = await load<typeof import('../../../server/src/domain/execution/live-channel.ts')>(
  'domain/execution/live-channel.ts',
);

process.removeAllListeners('warning');
const config = Config.from(process.env);
const server = await startServer(config, createLogger(config.settings));
const orm = server.app.get(MikroORM);
const service = server.app.get(ExecutionService);
const live = server.app.get(LiveChannel);

interface Order {
  workflowId: string;
  organisationId: string;
  count: number;
  inFlight: number;
}

/** Starts one execution and waits until its end is stored. */
async function runOne({ workflowId, organisationId }: Order): Promise<void> {
  const startedBy = { type: 'api_key', id: 'key_00000000000000000000000000' } as const;
  const start = { organisationId, startedBy, workflowId, input: {} };
  const { id } = await RequestContext.create(orm.em, () => service.start(start));
  await new Promise<void>((resolve) => {
    const end = (): void => {
      clearInterval(timer);
      unsubscribe();
      resolve();
    };
    const unsubscribe = live.subscribe(id, (ended) => ended !== false && end());
    // It may have ended before anybody listened.
    const timer = setInterval(async () => {
      const rows = await orm.em
        .getConnection()
        .execute('select 1 from execution where id = ? and completed_at is not null', [id]);
      if (rows.length > 0) end();
    }, 500);
  });
}

process.on('message', async (order: Order) => {
  const before = performance.now();
  await repeat(order.count, order.inFlight, () => runOne(order));
  const seconds = (performance.now() - before) / 1_000;
  process.send!({ perSecond: order.count / seconds });
});
process.on('disconnect', async () => {
  await server.close();
  process.exit(0);
});
process.send!({
  ready: true,
  url: server.url,
  apiKey: server.firstStart?.made.apiKeySecret,
  organisationId: server.firstStart?.made.organisation.id,
});
