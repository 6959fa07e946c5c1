import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';

const root = join(import.meta.dirname, '..');
const documents = ['SECURITY.md', 'docs/security.md', 'docs/asvs.md'];
const read = (document: string): Promise<string> => readFile(join(root, document), 'utf8');

/** Paths in backticks: those with a folder and an ending, from the root of the repository. */
function filesIn(text: string): string[] {
  return [...text.matchAll(/`([\w.-]+\/[\w./-]+\.\w+|\.ci\/run)`/g)].map(([, path]) => path!);
}

/** The cells of each row of a table whose last column says what shows it. */
function rowsOf(text: string, first: RegExp): string[][] {
  const rows = text.split('\n').filter((line) => line.startsWith('|'));
  const cells = rows.map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
  return cells.filter(([cell]) => first.test(cell ?? ''));
}

test.each(documents)('every file that %s names exists', async (document) => {
  const named = filesIn(await read(document));
  expect(named.length).toBeGreaterThan(0);
  expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([]);
});

describe('docs/security.md', () => {
  test('every line about a boundary names what shows it', async () => {
    const text = await read('docs/security.md');
    const boundaries = text.slice(text.indexOf('### 1.'), text.indexOf('## What is not there'));
    const rows = rowsOf(boundaries, /^(?!what it holds$|risk$|-+$)/);
    expect(rows.length).toBeGreaterThan(50);
    const shown = /`[^`]*(\.test\.ts|contract-tests\/fuzz\/run\.ts|\.ci\/run)`/;
    expect(rows.filter((cells) => !shown.test(cells.at(-1)!)).map(([claim]) => claim)).toEqual([]);
  });
});

describe('docs/asvs.md', () => {
  test('each of the 253 requirements of levels 1 and 2 is there once, with one of five states', async () => {
    const rows = rowsOf(await read('docs/asvs.md'), /^V\d+\.\d+\.\d+$/);
    expect(new Set(rows.map(([id]) => id)).size).toBe(rows.length);
    expect(rows).toHaveLength(253);
    const states = new Set(['met', 'partly', 'not met', 'operator', 'n/a']);
    expect(rows.filter(([, , , state, how]) => !states.has(state!) || how === '').map(([id]) => id)).toEqual([]);
  });

  test('the sums are those of the rows', async () => {
    const text = await read('docs/asvs.md');
    const [header] = rowsOf(text, /^level$/);
    const rows = rowsOf(text, /^V\d+\.\d+\.\d+$/);
    const sums = rowsOf(text, /^[12]$/);
    expect(sums.map(([level]) => level)).toEqual(['1', '2']);
    for (const [level, ...counts] of sums) {
      const want = header!.slice(1).map((state) => rows.filter((row) => row[1] === level && row[3] === state).length);
      expect(counts.map(Number)).toEqual(want);
    }
  });
});
