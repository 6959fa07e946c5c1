import { globSync, readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { throwableCodes } from './throwable-codes.ts';

const sources = new URL('../../', import.meta.url).pathname;

test('the list holds every code that an error class of the server carries', () => {
  const found = new Set<string>();
  for (const file of globSync(['domain/**/*.ts', 'platform/**/*.ts'], {
    cwd: sources,
    exclude: (name) => name.endsWith('.test.ts'),
  })) {
    for (const [, code] of readFileSync(`${sources}${file}`, 'utf8').matchAll(/readonly code = '(\w+)'/g))
      found.add(String(code));
  }
  expect([...found].filter((code) => !throwableCodes.includes(code))).toEqual([]);
});
