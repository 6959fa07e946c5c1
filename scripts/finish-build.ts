// The compiled tree is a package of its own: in dist/ the subpath imports point at compiled files.
import { writeFileSync } from 'node:fs';

const manifest = {
  type: 'module',
  imports: {
    '#generated/*.ts': './generated/*.js',
    '#runtime/*.ts': './codegen/runtime/*.js',
  },
};
writeFileSync(new URL('../dist/package.json', import.meta.url), `${JSON.stringify(manifest, null, 2)}\n`);
