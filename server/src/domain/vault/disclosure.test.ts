import { expect, test } from '@jest/globals';
import { MasterKeySealer } from '../../platform/crypto/master-key-sealer.ts';
import { Disclosure } from './disclosure.ts';
import { SecretMarkers } from './secret-markers.ts';

const markers = new SecretMarkers(new MasterKeySealer([{ id: 'test', key: Buffer.alloc(32, 7) }]));
const marker = markers.of('exec_1', 'A');
const credential = {
  id: 'cred_1',
  name: 'shop',
  revision: 1,
  values: { type: 'bearer', token: 'the token' },
} as const;
const disclosure = (): Disclosure => new Disclosure(markers, 'exec_1', new Map([['A', 'value of a']]), credential);

test('markers are replaced leaf by leaf, in what is nested too, and nothing else changes', () => {
  const given = { text: `<${marker}>`, list: [1, null, [marker], true], deep: { a: { b: marker } }, none: null, n: 0 };
  expect(disclosure().reveal(given)).toEqual({
    text: '<value of a>',
    list: [1, null, ['value of a'], true],
    deep: { a: { b: 'value of a' } },
    none: null,
    n: 0,
  });
  expect(disclosure().reveal(undefined)).toBeUndefined();
});

test('whether a value holds secrets, which only a genuine marker is', () => {
  const holds = (value: never): boolean => disclosure().holdsSecrets(value);
  expect(
    [{ a: [marker] }, marker, `FPSECRET-A-${'0'.repeat(32)}`, 'text', undefined].map((v) => holds(v as never)),
  ).toEqual([true, true, false, false, false]);
});

test('the values of a credential are those of the types that are asked for, or of none', () => {
  expect(disclosure().credentialOf('basic', 'bearer')).toBe(credential.values);
  expect(() => disclosure().credentialOf('basic', 'smtp')).toThrow(
    expect.objectContaining({
      code: 'credential_not_usable',
      message: 'The credential shop is of type bearer; this node takes basic, smtp.',
    }),
  );
});

test('what is concealed later is removed as well, also after something was redacted', () => {
  const one = disclosure();
  expect(one.redactor.text('value of a, the token, access')).toBe('[secret A], [credential shop], access');
  expect(one.redactor).toBe(one.redactor);
  one.conceal('access');
  expect(one.redactor.text('value of a, the token, access')).toBe('[secret A], [credential shop], [credential shop]');
  const without = new Disclosure(markers, 'exec_1', new Map());
  without.conceal('access');
  expect(without.redactor.text('access')).toBe('[credential ]');
});
