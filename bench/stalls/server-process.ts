/**
 * The compiled server with a watch over its event loop: asked over IPC, it answers with the longest time that one iteration of
 * the loop has taken since it was asked last, in milliseconds of the thread's processor time. Its settings come from the environment.
 */
const dist = new URL('../../dist/server/src/', import.meta.url);
const load = <T>(file: string): Promise<T> => import(new URL(file.replace('.ts', '.js'), dist).href) as Promise<T>;

const { Config } = await load<typeof import('../../server/src/platform/config/config.ts')>('platform/config/config.ts');
const { createLogger } =
  await load<typeof import('../../server/src/platform/logging/logger.ts')>('platform/logging/logger.ts');
const { startServer } = await load<typeof import('../../server/src/start-server.ts')>('start-server.ts');

process.removeAllListeners('warning');
const config = Config.from(process.env);
const server = await startServer(config, createLogger(config.settings));

function usedMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

let maxMs = 0;
let since = usedMs();
// Time in which the thread waits for a core is no work of anybody.
setInterval(() => {
  const now = usedMs();
  maxMs = Math.max(maxMs, now - since);
  since = now;
}, 1);

process.on('message', () => {
  process.send!({ maxMs });
  maxMs = 0;
});
process.on('disconnect', async () => {
  await server.close();
  process.exit(0);
});
process.send!({ url: server.url });
