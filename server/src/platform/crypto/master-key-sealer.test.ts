import { expect, test } from '@jest/globals';
import { MasterKeySealer } from './master-key-sealer.ts';
import { newMasterKey, parseMasterKeys } from './master-keys.ts';

const old = { id: 'old', key: Buffer.alloc(32, 1) };
const recent = { id: 'recent', key: Buffer.alloc(32, 2) };
const sealer = new MasterKeySealer([old]);

test.each(['', 'a value', 'ключ 🔑', 'x'.repeat(100_000)])('a value comes back: %#', (value) => {
  expect(sealer.open('org_1', sealer.seal('org_1', value, 'secret:1'), 'secret:1')).toBe(value);
});

test('the same value is sealed differently each time, and cannot be read in it', () => {
  const [first, second] = [sealer.seal('org_1', 'a value', 'secret:1'), sealer.seal('org_1', 'a value', 'secret:1')];
  expect(first.equals(second)).toBe(false);
  expect(first.includes('a value')).toBe(false);
});

test.each([
  ['another organisation', 'org_2', 'secret:1'],
  ['another context', 'org_1', 'secret:2'],
  ['a split at another place', 'org_1\0secret', '1'],
])('a value does not open in %s', (_, organisation, context) => {
  const sealed = sealer.seal('org_1', 'a value', 'secret:1');
  expect(() => sealer.open(organisation, sealed, context)).toThrow();
});

test('a value does not open when any byte of it was changed', () => {
  const sealed = sealer.seal('org_1', 'a value', 'secret:1');
  for (let index = 0; index < sealed.length; index++) {
    const changed = Buffer.from(sealed);
    changed[index]! ^= 1;
    expect(() => sealer.open('org_1', changed, 'secret:1')).toThrow();
  }
});

test('a shortened value does not open', () => {
  const sealed = sealer.seal('org_1', 'a value', 'secret:1');
  for (let length = 0; length < sealed.length; length++)
    expect(() => sealer.open('org_1', sealed.subarray(0, length), 'secret:1')).toThrow();
});

test('a newer key opens what the older one sealed, and re-wraps it once', () => {
  const sealed = sealer.seal('org_1', 'a value', 'secret:1');
  const both = new MasterKeySealer([recent, old]);
  expect(both.open('org_1', sealed, 'secret:1')).toBe('a value');
  const rewrapped = both.rewrap(sealed)!;
  expect(both.rewrap(rewrapped)).toBeUndefined();
  expect(new MasterKeySealer([recent]).open('org_1', rewrapped, 'secret:1')).toBe('a value');
  expect(() => sealer.open('org_1', rewrapped, 'secret:1')).toThrow('under the master key recent');
});

test('a key of the same id that is another key opens nothing', () => {
  const sealed = sealer.seal('org_1', 'a value', 'secret:1');
  expect(() => new MasterKeySealer([{ id: 'old', key: recent.key }]).open('org_1', sealed, 'secret:1')).toThrow();
});

test('a new key can be configured', () => {
  const [one, other, ...more] = parseMasterKeys(`${newMasterKey()}, ${newMasterKey()}`)!;
  expect(more).toEqual([]);
  expect(one!.key.equals(other!.key)).toBe(false);
  for (const { id, key } of [one!, other!])
    expect([id, key.length]).toEqual([expect.stringMatching(/^k[0-9a-f]{8}$/), 32]);
});

test.each([
  'k1',
  'k1:',
  `k1:${Buffer.alloc(16).toString('base64')}`,
  `k 1:${Buffer.alloc(32).toString('base64')}`,
  `k1:${Buffer.alloc(32).toString('base64')},`,
  `k1:${Buffer.alloc(32).toString('base64')},k1:${Buffer.alloc(32).toString('base64')}`,
])('%j are no master keys', (text) => {
  expect(parseMasterKeys(text)).toBeUndefined();
});
