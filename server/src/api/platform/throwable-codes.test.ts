import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { throwableCodes } from './throwable-codes.ts';

const sources = join(import.meta.dirname, '../..');

test('the list holds every code that an error class of the server carries, and no other', () => {
  const found = new Set<string>();
  for (const file of globSync(['domain/**/*.ts', 'platform/**/*.ts'], {
    cwd: sources,
    exclude: (name) => name.endsWith('.test.ts'),
  })) {
    for (const [, code] of readFileSync(join(sources, file), 'utf8').matchAll(/readonly code = '(\w+)'/g))
      found.add(String(code));
  }
  expect([...found].sort()).toEqual([...throwableCodes].sort());
});
