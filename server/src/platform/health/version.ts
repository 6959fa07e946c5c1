import { readFileSync } from 'node:fs';

/** In the sources this is the repository's package.json, in `dist/` the one that the build writes there. */
const manifest = new URL('../../../../package.json', import.meta.url);

/** The version of the server. */
export const version = (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version;
