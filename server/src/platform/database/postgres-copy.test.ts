import { spawn } from 'node:child_process';
import { chmodSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { copyOfPrograms } from './postgres-copy.ts';
import { reachablePlace } from './reachable-place.ts';

const me = { name: 'me', uid: Number(process.getuid?.()), gid: Number(process.getgid?.()) };
const stranger = { name: 'stranger', uid: 54_321, gid: 54_321 };
let work: string;
let place: string;

beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'flowpact-copy-'));
  chmodSync(work, 0o755);
  place = join(work, 'place');
  mkdirSync(place);
  chmodSync(place, 0o755);
  const native = join(work, 'package', 'native');
  for (const folder of ['bin', 'lib']) mkdirSync(join(native, folder), { recursive: true });
  chmodSync(join(work, 'package'), 0o755);
  writeFileSync(join(work, 'package', 'package.json'), '{ "version": "18.4.0" }');
  writeFileSync(join(native, 'bin', 'postgres'), '#!/bin/sh\n');
  chmodSync(join(native, 'bin', 'postgres'), 0o700);
  writeFileSync(join(native, 'lib', 'libpq.so.5.18'), 'a library');
  symlinkSync('libpq.so.5.18', join(native, 'lib', 'libpq.so.5'));
});

afterEach(() => rmSync(work, { recursive: true, force: true }));

function copy(): string {
  return copyOfPrograms(join(work, 'package'), place);
}

function mode(...path: string[]): number {
  return lstatSync(join(...path)).mode & 0o777;
}

describe('the copy of the programs', () => {
  test('can be read and executed by everyone, whatever the modes were and whatever the umask is', () => {
    chmodSync(join(work, 'package', 'native', 'lib', 'libpq.so.5.18'), 0o666);
    const umask = process.umask(0o077);
    try {
      const made = copy();
      expect([mode(made), mode(made, 'bin', 'postgres'), mode(made, 'lib', 'libpq.so.5.18')]).toEqual([
        0o755, 0o755, 0o644,
      ]);
      expect(lstatSync(join(made, 'lib', 'libpq.so.5')).isSymbolicLink()).toBe(true);
    } finally {
      process.umask(umask);
    }
  });

  test('is made once', () => {
    expect(copy()).toBe(copy());
    expect(readdirSync(place)).toHaveLength(1);
  });

  test.each<[string, (made: string) => void]>([
    ['lacks a file', (made) => rmSync(join(made, 'lib', 'libpq.so.5.18'))],
    ['has a file of another size', (made) => writeFileSync(join(made, 'bin', 'postgres'), '')],
    ['has a file that others may write to', (made) => chmodSync(join(made, 'bin', 'postgres'), 0o777)],
    ['has a folder that others may write to', (made) => chmodSync(join(made, 'bin'), 0o777)],
    ['is itself a folder that others may write to', (made) => chmodSync(made, 0o777)],
  ])('that %s is not used, and stays for who may run from it', (_what, spoil) => {
    const first = copy();
    spoil(first);
    const second = copy();
    expect(second).not.toBe(first);
    expect(readdirSync(place)).toHaveLength(2);
    expect(copy()).toBe(second);
  });

  test('is made by one of several processes that start at once and used by all', async () => {
    const module = JSON.stringify(new URL('postgres-copy.ts', import.meta.url).href);
    const script = `import(${module}).then((m) => process.stdout.write(m.copyOfPrograms(...process.argv.slice(1))))`;
    const results = await Promise.all(
      Array.from({ length: 4 }, () =>
        text(spawn(process.execPath, ['-e', script, join(work, 'package'), place]).stdout),
      ),
    );
    expect(new Set(results)).toEqual(new Set([copy()]));
    expect(readdirSync(place)).toHaveLength(1);
  });
});

describe('a place for it', () => {
  test('is made when missing, open to everyone for reading', () => {
    expect(reachablePlace([join(work, 'new', 'place')], me)).toBe(join(work, 'new', 'place'));
    expect(mode(work, 'new', 'place')).toBe(0o755);
  });

  test.each<[string, () => void]>([
    ['others may write to', () => chmodSync(place, 0o777)],
    ['others can replace', () => chmodSync(work, 0o777)],
    [
      'is a link',
      () => {
        rmSync(place, { recursive: true });
        symlinkSync(join(work, 'package'), place);
      },
    ],
    [
      'is a file',
      () => {
        rmSync(place, { recursive: true });
        writeFileSync(place, '');
      },
    ],
  ])('is none that %s', (_what, spoil) => {
    spoil();
    expect(reachablePlace([place], me)).toBeUndefined();
  });

  test('is the next one when the first is not fit', () => {
    chmodSync(place, 0o777);
    expect(reachablePlace([place, join(work, 'next')], me)).toBe(join(work, 'next'));
  });

  test('is none that the account cannot enter', () => {
    chmodSync(place, 0o700);
    expect(reachablePlace([place], stranger)).toBeUndefined();
  });
});
