// The compiled tree is a package of its own: in dist/ the subpath imports point at compiled files.
import { readFileSync, writeFileSync } from 'node:fs';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};
const manifest = {
  version,
  type: 'module',
  imports: {
    '#generated/*.ts': './generated/*.js',
    '#runtime/*.ts': './codegen/runtime/*.js',
  },
};
writeFileSync(new URL('../dist/package.json', import.meta.url), `${JSON.stringify(manifest, null, 2)}\n`);
