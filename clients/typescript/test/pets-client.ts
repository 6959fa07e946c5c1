import { afterEach, beforeEach } from '@jest/globals';
import { Client, type ClientOptions } from '../src/core/index.ts';
import { wire } from './pets-contract.ts';
import { type RecordingServer, startRecordingServer } from './recording-server.ts';

/** The server of the test that is running. */
export let server: RecordingServer;
/** How long its clients would have slept, in milliseconds. */
export let slept: number[];

/** Gives each test of the file a server of its own. */
export function serveEachTest(): void {
  beforeEach(async () => {
    server = await startRecordingServer();
    slept = [];
  });
  afterEach(() => server.close());
}

export function client(options: Partial<ClientOptions> = {}): Client {
  return new Client(
    {
      baseUrl: server.url,
      apiKey: 'fp_live_secret',
      sleep: async (milliseconds) => void slept.push(milliseconds),
      random: () => 1,
      ...options,
    },
    wire,
  );
}

/** An error body of the contract. */
export function failure(code: string, message = 'no', details: unknown = {}): unknown {
  return { error: { code, message, details }, meta: { request_id: 'req-1' } };
}

/** What the promise is rejected with. */
export async function errorFrom(promise: PromiseLike<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}
