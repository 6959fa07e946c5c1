import { describe, expect, test } from '@jest/globals';
import { isTemplate, parseTemplate, splitTemplate, wholeExpression, yamlForm } from './template.ts';

/** Literals as they are, expressions in a list. */
const parts = (text: string, delimiters = undefined as typeof yamlForm | undefined): unknown[] =>
  (delimiters ? splitTemplate(text, delimiters) : parseTemplate(text)).parts.map((part) =>
    typeof part === 'string' ? part : [part.source],
  );

describe('a text is split', () => {
  test.each<[text: string, want: unknown[]]>([
    ['', ['']],
    ['plain } }} text', ['plain } }} text']],
    ['{{a}}', [['a']]],
    ['{{ a }}', [[' a ']]],
    ['x{{ a }}y{{b}}', ['x', [' a '], 'y', ['b']]],
    ['{{a}}{{b}}', [['a'], ['b']]],
    ['\\{{a}}', ['{{a}}']],
    ['\\\\{{a}}', ['\\{{a}}']],
    ['\\x{{a}}', ['\\x', ['a']]],
    // The first end at which the source parses.
    ['{{ {a: {b: 1}} }}', [[' {a: {b: 1}} ']]],
    ['{{ {a: {b: {c: 1}}} }}!', [[' {a: {b: {c: 1}}} '], '!']],
    ['{{ "}}" + 1 }}', [[' "}}" + 1 ']]],
    ["{{ '\\'}}' + 1 }}", [[" '\\'}}' + 1 "]]],
    ['{{ `${"}}"}}}` }}', [[' `${"}}"}}}` ']]],
    ['{{ `\\`}}` }}', [[' `\\`}}` ']]],
    ['{{ 1 /* }} */ + 1 }}', [[' 1 /* }} */ + 1 ']]],
    ['{{ 1 // }}\n + 1 }}', [[' 1 // }}\n + 1 ']]],
    ['{{ a / b }} / {{ c }}', [[' a / b '], ' / ', [' c ']]],
    ['{{ /[}}]/.test(a) }}', [[' /[}}]/.test(a) ']]],
  ])('%j: %j', (text, want) => {
    expect(parts(text)).toEqual(want);
    expect(parseTemplate(text).faults).toEqual([]);
    expect(parseTemplate(text)).toBe(parseTemplate(text));
  });

  test('at two kinds of braces in the form of YAML', () => {
    expect(parts('${a}-{{b}}-\\${c}-\\{{d}}-$', yamlForm)).toEqual([['a'], '-', ['b'], '-${c}-{{d}}-$']);
    expect(parts('${ {a: 1} }', yamlForm)).toEqual([[' {a: 1} ']]);
    expect(parts('${a}')).toEqual(['${a}']);
  });

  test('a plain path is known as one', () => {
    const [part] = parseTemplate('{{ a.b }}').parts;
    expect(part).toMatchObject({ path: { root: 'a', accesses: [{ key: 'b', optional: false }] } });
    expect(parseTemplate('{{ a + b }}').parts[0]).toEqual({ source: ' a + b ' });
  });
});

describe('faults', () => {
  const faults = (text: string): string[] => parseTemplate(text).faults.map(({ source }) => source);

  test('stay in the text, and the rest is split', () => {
    expect(parts('x {{ a b }} y {{ c }}')).toEqual(['x {{ a b }} y ', [' c ']]);
    expect(faults('x {{ a b }} y {{ c }}')).toEqual([' a b ']);
    expect(parseTemplate('x {{ a').faults).toEqual([{ source: ' a', message: '}} is missing' }]);
    expect(parts('x {{ a')).toEqual(['x {{ a']);
  });

  test('are told three at most, and what follows is not looked at', () => {
    const text = '{{ a b }}'.repeat(4);
    expect(faults(text)).toHaveLength(3);
    expect(parts(`${text}{{ c }}`)).toEqual([`${text}{{ c }}`]);
  });

  test('are told of the shortest source, however many ends there are', () => {
    expect(faults(`{{ a b ${'}} '.repeat(20)}`)).toEqual([' a b ']);
  });

  test('an end that braces do not show is found among the first eight', () => {
    const regExp = (ends: number): string => `{{ /["}]${'}}'.repeat(ends)}/.test(a) }}`;
    expect(parts(regExp(2))).toEqual([[regExp(2).slice(2, -2)]]);
  });
});

test('only a text that is one expression keeps the type of its value', () => {
  expect(wholeExpression(parseTemplate('{{ a }}'))?.source).toBe(' a ');
  for (const text of ['', 'a', ' {{ a }}', '{{ a }}{{ b }}', '\\{{ a }}'])
    expect(wholeExpression(parseTemplate(text))).toBeUndefined();
  expect([isTemplate('x {{'), isTemplate('x { {')]).toEqual([true, false]);
});

test('a long text is split each time, and short ones are forgotten when there are many', () => {
  const [short, long] = [`{{ first }}${'x'.repeat(10_000 - 11)}`, `{{ first }}${'x'.repeat(10_001 - 11)}`];
  expect(parseTemplate(short)).toBe(parseTemplate(short));
  expect(parseTemplate(long)).not.toBe(parseTemplate(long));
  const first = parseTemplate('{{ oldest }}');
  for (let count = 0; count < 1_999; count++) parseTemplate(`text ${count}`);
  expect(parseTemplate('{{ oldest }}')).toBe(first);
  parseTemplate('one more');
  expect(parseTemplate('{{ oldest }}')).not.toBe(first);
});
