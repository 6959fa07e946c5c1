import { importOnce } from '../../server/test/import-once.ts';

export const { launchBrowser } = await importOnce<typeof import('./launch-browser.ts')>(
  new URL('launch-browser.ts', import.meta.url),
);
