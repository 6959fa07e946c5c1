import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, test } from '@jest/globals';
import { emptyLoops } from './empty-loops.ts';

const root = join(import.meta.dirname, '..', '..');

test('no test of the repository passes because the list that it goes through is empty', () => {
  const exclude = (name: string): boolean => /^(node_modules|dist|\..*)$/.test(basename(name));
  const files = globSync('**/*.test.ts', { cwd: root, exclude });
  expect(files.length).toBeGreaterThan(200);
  const found = files.flatMap((file) =>
    emptyLoops(readFileSync(join(root, file), 'utf8')).map(({ line, over }) => `${file}:${line} ${over}`),
  );
  expect(found).toEqual([]);
});

test.each([
  ["test('a', () => { for (const x of list()) expect(x).toBe(1); })"],
  ["test('a', async () => { for await (const x of feed) { for (const y of [1]) expect(y).toBe(x); } })"],
  ["test('a', () => { const xs = list.filter(Boolean); for (const x of xs) expect(x).toBe(1); })"],
  ["const xs = []; test('a', () => { for (const x of xs) expect(x).toBe(1); })"],
  ["test('a', () => { for (const x of [...given]) expectGood(x); })"],
  ["describe('a', () => { test.each([[1]])('%s', () => { for (const x of list()) expect(x).toBe(1); }); })"],
])('%s may look at nothing', (source) => {
  expect(emptyLoops(source)).toHaveLength(1);
});

test.each([
  ["test('a', () => { for (const x of [1, 2]) expect(x).toBe(1); })"],
  ["test('a', () => { const xs = list(); expect(xs).toHaveLength(2); for (const x of xs) expect(x).toBe(1); })"],
  ["const xs = { a: 1 } as const; test('a', () => { for (const x of Object.keys(xs)) expect(x).toBe('a'); })"],
  [
    "test('a', async () => { const xs = await Promise.all([1, 2].map(send)); for (const [i, x] of xs.entries()) expect(x).toBe(i); })",
  ],
  ["test.each([[[1]]])('%j', (xs) => { for (const x of xs) expect(x).toBe(1); })"],
  ["test.each([[{ xs: [1] }]])('%j', ({ xs }) => { for (const x of xs) expect(x).toBe(1); })"],
  ["test('a', async () => { for (const x of list()) expect(x).toBe(1); await api.refused('b'); })"],
  ["test('a', () => refused(list()))"],
])('%s looks at something', (source) => {
  expect(emptyLoops(source)).toEqual([]);
});
