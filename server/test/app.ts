import { importOnce } from './import-once.ts';

export type * from './start-test-server.ts';

/** For tests that ask the server over HTTP; those that call its classes as well import `start-test-server.ts` itself. */
export const { startTestServer } = await importOnce<typeof import('./start-test-server.ts')>(
  new URL('start-test-server.ts', import.meta.url),
);
