import { pino } from 'pino';

/** Properties in which PostgreSQL quotes the row or the text that it refused, and so what users have stored. */
const quoting = ['detail', 'where'] as const;

/** An error as it is logged, with its causes, and without what PostgreSQL quotes; MikroORM repeats it in the message. */
export function loggedError(error: unknown): unknown {
  const logged: unknown = pino.stdSerializers.errWithCause(error as Error);
  if (isRecord(logged)) hide(logged, [], new Set());
  return logged;
}

function hide(logged: Record<string, unknown>, quoted: readonly string[], seen: Set<unknown>): void {
  if (seen.has(logged)) return;
  seen.add(logged);
  const own = quoting.map((name) => logged[name]).filter((text) => typeof text === 'string' && text !== '') as string[];
  const texts = [...quoted, ...own];
  for (const [name, value] of Object.entries(logged)) {
    if (typeof value === 'string')
      logged[name] = texts.reduce((text, part) => text.replaceAll(part, '[hidden]'), value);
    else if (isRecord(value) && typeof value.stack === 'string') hide(value, texts, seen);
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
