import { describe, expect, test } from '@jest/globals';
import type { Json } from '../domain-error.ts';
import { Evaluator, Sandbox, type SandboxOutcome } from '../language/index.ts';
import { isDate, isEmail, isPhoneNumber, isWebAddress } from './answer-formats.ts';
import { checkAnswers } from './check-answers.ts';
import { csvLine } from './csv.ts';
import type { FormField } from './form-field.ts';

class NoSandbox extends Sandbox {
  override run(): Promise<SandboxOutcome[]> {
    throw new Error('No field of these tests has a pattern.');
  }
}

const evaluator = new Evaluator(new NoSandbox());

async function check(field: Partial<FormField>, answer: Json): Promise<unknown> {
  const whole = { name: 'a', type: 'text', label: 'A', ...field } as FormField;
  const { data, problems } = await checkAnswers([whole], { a: answer }, evaluator, { organisationId: 'org_1' });
  return problems[0]?.message ?? data.a ?? null;
}

describe('an answer', () => {
  test.each<[Partial<FormField>, Json, unknown]>([
    [{}, '  x ', 'x'],
    [{}, '   ', null],
    [{ required: true }, ' \n ', 'Enter an answer.'],
    [{ required: true, type: 'select', options: [] }, null, 'Choose an answer.'],
    [{}, 'a\nb', 'Enter a single line.'],
    [{ max_length: 2 }, '👩👩', '👩👩'],
    [{ max_length: 2 }, 'abc', 'Shorten this to 2 characters; it has 3.'],
    [{ min_length: 1_000, type: 'textarea' }, 'a', 'Enter at least 1,000 characters; this has 1.'],
    [{}, 'a\ud800', 'Remove the characters that cannot be shown.'],
    [{ type: 'number' }, 0, 0],
    [{ type: 'number' }, '', null],
    [{ type: 'number', min: 1 }, 0, 'Enter 1 or more.'],
    [{ type: 'number', max: 1 }, 2, 'Enter 1 or less.'],
    [{ type: 'number' }, '1e3', 'Enter a number, such as 42.'],
    [{ type: 'checkbox' }, false, false],
    [{ type: 'checkbox' }, null, false],
    [{ type: 'date', min_date: '2026-01-01' }, '2025-12-31', 'Enter 2026-01-01 or a later date.'],
    [{ type: 'multiselect', options: [{ value: 'x', label: 'X' }] }, ['x', 'x'], 'Choose each answer once.'],
    [{ type: 'multiselect', options: [{ value: 'x', label: 'X' }], min_items: 2 }, ['x'], 'Choose at least 2 answers.'],
    [{ type: 'multiselect', options: [{ value: 'x', label: 'X' }] }, [], null],
  ])('%j with %j', async (field, answer, want) => {
    expect(await check(field, answer)).toEqual(want);
  });
});

describe('formats', () => {
  test.each([
    [
      isEmail,
      ['ada@example.com', "o'neil+x@mail.example.co.uk"],
      ['ada', 'a@b', 'a@b..c', 'a b@c.de', '@c.de', 'a@-b.de'],
    ],
    [
      isWebAddress,
      ['https://example.com', 'HTTP://x.y/z?q#f'],
      ['example.com', 'javascript:alert(1)', 'ftp://x.y', 'https://'],
    ],
    [isPhoneNumber, ['+49 30 123456', '(030) 123-456', '123456'], ['12345', 'call me', '+', '1234567890123456']],
    [isDate, ['2024-02-29', '0001-01-01'], ['2026-02-29', '2026-13-01', '0000-01-01', '26-01-01', '2026-1-1']],
  ] as const)('%o', (is, right, wrong) => {
    expect(right.filter((text) => !is(text))).toEqual([]);
    expect(wrong.filter((text) => is(text))).toEqual([]);
  });
});

test.each([
  ['text', 'a', 'a'],
  ['quotes and lines', 'a "b"\nc', '"a ""b""\nc"'],
  ['space around', ' a', '" a"'],
  ['a formula', '=1+1', "'=1+1"],
  ['a formula behind a tab', '\t=1', "'\t=1"],
  ['a list that begins like a formula', ['-1', 'b'], "'-1; b"],
  ['a full-width formula', '＝1', "'＝1"],
  ['a negative number', -1, '-1'],
  ['nothing', null, ''],
])('a CSV cell with %s', (_what, value, want) => {
  expect(csvLine([value])).toBe(`${want}\r\n`);
});
