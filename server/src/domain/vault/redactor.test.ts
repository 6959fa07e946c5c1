import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { Redactor } from './redactor.ts';

const redactor = new Redactor([
  { value: 'pa"ss/wörd&', label: '[secret A]' },
  { value: 'pa"ss', label: '[secret B]' },
  { value: '12345678', label: '[secret C]' },
  { value: 'abc', label: '[too short]' },
]);

test.each<[given: unknown, want: unknown]>([
  ['it is pa"ss/wörd& indeed', 'it is [secret A] indeed'],
  ['pa"ss only', '[secret B] only'],
  [{ 'key pa"ss': [{ deep: 'pa"ss' }] }, { 'key [secret B]': [{ deep: '[secret B]' }] }],
  [
    { code: 12345678, other: 1234567, yes: true, none: null },
    { code: '[secret C]', other: 1234567, yes: true, none: null },
  ],
  ['/a?x=pa%22ss%2Fw%C3%B6rd%26', '/a?x=[secret A]'],
  ['x=pa%22ss%2Fw%C3%B6rd%26&y=1', 'x=[secret A]&y=1'],
  ['{"a":"pa\\"ss\\/wörd&"}', '{"a":"[secret A]"}'],
  ['pa&quot;ss/wörd&amp;', '[secret A]'],
  ['abc', 'abc'],
])('%j', (given, want) => {
  expect(redactor.json(given as never)).toEqual(want);
});

test('a value is found in base64 and hexadecimal digits, wherever it stands in them', () => {
  const value = fc.string({ minLength: 12, maxLength: 40, unit: 'binary' }).filter((text) => text.isWellFormed());
  fc.assert(
    fc.property(value, fc.string(), fc.string(), (secret, before, after) => {
      const found = new Redactor([{ value: secret, label: '*' }]);
      const bytes = Buffer.from(before + secret + after);
      for (const form of ['base64', 'base64url', 'hex'] as const)
        expect(found.text(bytes.toString(form))).toContain('*');
      expect(found.text(before + secret + after)).toContain('*');
    }),
    { numRuns: 200 },
  );
});

test('bytes that are no text are looked through too', () => {
  const bytes = Buffer.concat([Buffer.of(0xff, 0x00), Buffer.from('pa"ss/wörd&'), Buffer.of(0xfe)]);
  expect(Buffer.from(redactor.bytes(bytes)).toString('latin1')).toBe('\u00ff\u0000[secret A]\u00fe');
});
