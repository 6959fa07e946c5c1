import { describe, expect, test } from '@jest/globals';
import { isAllowed, licenceFaults } from './licences.ts';
import { pythonLicence } from './installed.ts';

const none = { licences: [], unnamed: [], advisories: [] };

test.each([
  ['MIT', true],
  ['(MIT OR GPL-3.0-only)', true],
  ['GPL-2.0-only OR GPL-3.0-only', false],
  ['Apache-2.0 AND MIT', true],
  ['(MIT AND GPL-3.0-only)', false],
  ['GPL-3.0-only', false],
  ['UNLICENSED', false],
  ['', false],
])('the licence %s', (expression, want) => {
  expect(isAllowed(expression)).toBe(want);
});

describe('licences of packages', () => {
  const pack = (name: string, licence?: string) => ({ name, version: '1.0.0', licence });
  const entry = (name: string, licence: string) => ({ name, licence, reason: 'Because.' });

  test('one that is not on the list is a fault, and so is none', () => {
    expect(licenceFaults([pack('a', 'MIT'), pack('b', 'SSPL-1.0'), pack('c')], none)).toEqual([
      'b 1.0.0 has the licence SSPL-1.0',
      'c 1.0.0 names no licence',
    ]);
  });

  test('an exception is for one package and one licence', () => {
    const exceptions = { ...none, licences: [entry('b', 'MPL-2.0')], unnamed: [entry('c', 'MIT')] };
    expect(licenceFaults([pack('b', 'MPL-2.0'), pack('c')], exceptions)).toEqual([]);
    expect(licenceFaults([pack('b', 'SSPL-1.0'), pack('c')], exceptions)).toEqual([
      'b 1.0.0 has the licence SSPL-1.0',
      'the exception for the licence of b is not needed',
    ]);
  });

  test('an exception that no package needs is a fault', () => {
    const exceptions = { ...none, unnamed: [entry('c', 'MIT')] };
    expect(licenceFaults([pack('c', 'ISC')], exceptions)).toEqual(['the exception for the licence of c is not needed']);
  });
});

test.each([
  [{ expression: 'MIT', licence: null, classifiers: [] }, 'MIT'],
  [{ expression: null, licence: 'Apache 2.0', classifiers: [] }, 'Apache-2.0'],
  [{ expression: null, licence: 'BSD', classifiers: ['License :: OSI Approved :: BSD License'] }, 'BSD-3-Clause'],
  [
    { expression: null, licence: null, classifiers: ['License :: Other/Proprietary License'] },
    'Other/Proprietary License',
  ],
  [{ expression: null, licence: 'A long text\nof a licence', classifiers: ['Topic :: X'] }, undefined],
])('the licence of a Python package: %j', (metadata, want) => {
  expect(pythonLicence({ name: 'a', version: '1', ...metadata })).toBe(want);
});
