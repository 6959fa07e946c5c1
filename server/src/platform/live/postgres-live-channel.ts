import { Client } from 'pg';
import { LiveChannel } from '../../domain/execution/live-channel.ts';

type Wake = (ended: boolean | undefined) => void;

const channel = 'flowpact_live';
/** Milliseconds in which news are gathered before other processes are told. */
const coalesce = 5;
/** PostgreSQL takes 8,000 bytes; an id with its mark takes 33. */
const idsPerNotification = 200;
const reconnectAfter = 500;
const maxKeptNews = 10_000;

export interface LiveChannelOptions {
  /** Executions of which news are kept while there is no connection; who listens to others looks now and then. */
  readonly maxKeptNews?: number;
}

/** What the channel reports about its connection. */
export interface LiveChannelLog {
  warn(message: string, error?: unknown): void;
}

/**
 * LISTEN and NOTIFY over one connection of this process. Its own news reach its listeners without the database; those for
 * other processes are gathered, because notifying commits take turns in the whole server.
 */
export class PostgresLiveChannel extends LiveChannel {
  readonly #url: string;
  readonly #log: LiveChannelLog;
  readonly #maxKeptNews: number;
  readonly #listeners = new Map<string, Set<Wake>>();
  readonly #news = new Map<string, boolean | undefined>();
  #client: Client | undefined;
  #sending: Promise<void> | undefined;
  #reconnect: NodeJS.Timeout | undefined;
  #stopped = true;

  constructor(url: string, log: LiveChannelLog = { warn: () => undefined }, options: LiveChannelOptions = {}) {
    super();
    this.#url = url;
    this.#log = log;
    this.#maxKeptNews = options.maxKeptNews ?? maxKeptNews;
  }

  /** Listens; throws when the database cannot be reached. */
  async start(): Promise<void> {
    this.#stopped = false;
    await this.#connect();
  }

  async stop(): Promise<void> {
    await this.#sending;
    this.#stopped = true;
    clearTimeout(this.#reconnect);
    const client = this.#client;
    this.#client = undefined;
    await client?.end().catch(() => undefined);
  }

  publish(executionId: string, ended: boolean | undefined): void {
    this.#wake(executionId, ended);
    this.#keep(executionId, ended);
    this.#sendSoon();
  }

  subscribe(executionId: string, wake: Wake): () => void {
    const listeners = this.#listeners.get(executionId) ?? new Set();
    listeners.add(wake);
    this.#listeners.set(executionId, listeners);
    return () => {
      listeners.delete(wake);
      if (listeners.size === 0 && this.#listeners.get(executionId) === listeners) this.#listeners.delete(executionId);
    };
  }

  #keep(executionId: string, ended: boolean | undefined): void {
    if (this.#news.has(executionId)) this.#news.set(executionId, graver(this.#news.get(executionId), ended));
    else if (this.#news.size < this.#maxKeptNews) this.#news.set(executionId, ended);
  }

  #sendSoon(): void {
    this.#sending ??= new Promise<void>((resolve) => setTimeout(resolve, coalesce)).then(() => this.#send());
  }

  async #send(): Promise<void> {
    let news: [executionId: string, ended: boolean | undefined][] = [];
    try {
      while (this.#news.size > 0 && this.#client) {
        news = [...this.#news].slice(0, idsPerNotification);
        for (const [id] of news) this.#news.delete(id);
        const payload = news.map(([id, ended]) => id + markOf(ended)).join(' ');
        await this.#client.query('select pg_notify($1, $2)', [channel, payload]);
      }
    } catch (error) {
      // They are sent when the connection is back; until then other processes look by themselves now and then.
      for (const [id, ended] of news) this.#keep(id, ended);
      this.#log.warn('News about executions could not be sent to the other processes.', error);
    } finally {
      this.#sending = undefined;
    }
  }

  #hear(payload: string): void {
    for (const word of payload.split(' ')) {
      const id = word.replace(/[!?]$/, '');
      this.#wake(id, word.endsWith('?') ? undefined : word.endsWith('!'));
    }
  }

  #wake(executionId: string, ended: boolean | undefined): void {
    for (const wake of this.#listeners.get(executionId) ?? []) wake(ended);
  }

  async #connect(): Promise<void> {
    const client = new Client({
      connectionString: this.#url,
      application_name: 'flowpact_live',
      connectionTimeoutMillis: 5_000,
      keepAlive: true,
    });
    client.on('error', (error) => this.#lost(client, error));
    client.on('end', () => this.#lost(client, undefined));
    client.on('notification', ({ payload, processId }) => {
      // What this process sent has reached its listeners already.
      if (payload && processId !== (client as unknown as { processID: number }).processID) this.#hear(payload);
    });
    try {
      await client.connect();
      await client.query(`listen ${channel}`);
    } catch (error) {
      await client.end().catch(() => undefined);
      throw error;
    }
    this.#client = client;
  }

  #lost(client: Client, error: unknown): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    if (this.#stopped) return;
    this.#log.warn('The connection for live events was lost; it is made again.', error);
    this.#retry();
  }

  #retry(): void {
    this.#reconnect = setTimeout(async () => {
      try {
        await this.#connect();
        if (this.#stopped) return this.stop();
        for (const executionId of this.#listeners.keys()) this.#wake(executionId, undefined);
        if (this.#news.size > 0) this.#sendSoon();
      } catch {
        if (!this.#stopped) this.#retry();
      }
    }, reconnectAfter);
  }
}

/** Of two news about an execution the one that says more; what has ended is not looked at for a pause. */
function graver(one: boolean | undefined, other: boolean | undefined): boolean | undefined {
  if (one === true || other === true) return true;
  return one === undefined || other === undefined ? undefined : false;
}

function markOf(ended: boolean | undefined): string {
  if (ended === undefined) return '?';
  return ended ? '!' : '';
}
