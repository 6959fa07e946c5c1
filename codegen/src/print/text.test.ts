import { expect, test } from '@jest/globals';
import { docComment, importSpecifier, indent, literal, member, propertyKey, quote, withoutComments } from './text.ts';

test.each([
  ['plain', `'plain'`],
  [`it's "so"`, `'it\\'s "so"'`],
  ['a\nb\\c', `'a\\nb\\\\c'`],
  ['\u2028\u2029', `'\\u2028\\u2029'`],
])('%j is the literal %s', (text, want) => {
  expect(quote(text)).toBe(want);
});

test.each([
  ['name', 'name', 'value.name'],
  ['$ref', '$ref', 'value.$ref'],
  ['a1', 'a1', 'value.a1'],
  ['1a', `'1a'`, `value['1a']`],
  ['a-b', `'a-b'`, `value['a-b']`],
  ['', `''`, `value['']`],
  // As a plain key it would set the prototype.
  ['__proto__', `['__proto__']`, 'value.__proto__'],
])('%s is the key %s and the member %s', (name, key, want) => {
  expect([propertyKey(name), member('value', name)]).toEqual([key, want]);
});

test.each<[unknown, string]>([
  ['a', `'a'`],
  [null, 'null'],
  [1.5, '1.5'],
  [false, 'false'],
  [[], '[]'],
  [{}, '{}'],
  [{ a: undefined }, '{}'],
  [{ 'a-b': [1, { c: null }], d: undefined }, `{ 'a-b': [1, { c: null }] }`],
])('%j is written %s', (value, want) => {
  expect(literal(value)).toBe(want);
});

test.each([
  [undefined, '', ''],
  ['  ', '', ''],
  ['One line.', '  ', '  /** One line. */\n'],
  ['Two\n\nlines */ end\n', ' ', ' /**\n  * Two\n  *\n  * lines *\\/ end\n  */\n'],
])('the comment of %j', (text, by, want) => {
  expect(docComment(text, by)).toBe(want);
});

test('lines that are not empty are indented', () => {
  expect(indent('a\n\n  b\n')).toBe('  a\n\n    b\n');
  expect(indent('a', ' ')).toBe(' a');
});

test.each([
  ['/out/a.ts', '/out/b.ts', './b.ts'],
  ['/out/tags/a.ts', '/runtime/index.ts', '../../runtime/index.ts'],
  ['/out/a.ts', '@flowpact/codegen/nest', '@flowpact/codegen/nest'],
])('from %s %s is %s', (from, target, want) => {
  expect(importSpecifier(from, target)).toBe(want);
});

test('documentation is no code', () => {
  expect(withoutComments('/** a */ x /* b */\n/**\n * c\n */ y')).toBe(' x /* b */\n y');
});
