import { describe, expect, test } from '@jest/globals';
import type { Json } from '../domain-error.ts';
import { Evaluator, Sandbox, type SandboxOutcome, wholly } from '../language/index.ts';
import { isDate, isEmail, isPhoneNumber, isWebAddress } from './answer-formats.ts';
import { checkAnswers } from './check-answers.ts';
import { csvLine } from './csv.ts';
import type { FormField } from './form-field.ts';

class NoSandbox extends Sandbox {
  override run(): Promise<SandboxOutcome[]> {
    throw new Error('No field of these tests has a pattern.');
  }
}

const xy = ['x', 'y'].map((value) => ({ value, label: value }));
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
    [{ max_length: 2 }, 'ab', 'ab'],
    [{ min_length: 2 }, 'ab', 'ab'],
    [{ min_length: 2 }, 'a', 'Enter at least 2 characters; this has 1.'],
    [{ min_length: 1 }, null, null],
    [{ max_length: 1 }, 'ab', 'Shorten this to 1 character; it has 2.'],
    [{}, 'a\0', 'Remove the characters that cannot be shown.'],
    [{}, 1, 'Answer with text.'],
    [{ type: 'textarea' }, 'a\r\nb', 'a\nb'],
    [{ type: 'email' }, 'ada', 'Enter an email address, such as name@example.com.'],
    [{ type: 'email' }, ' ada@example.com ', 'ada@example.com'],
    [{ type: 'url' }, 'example.com', 'Enter a web address, such as https://example.com.'],
    [{ type: 'url' }, 'https://example.com', 'https://example.com'],
    [{ type: 'phone' }, '12345', 'Enter a phone number, such as +49 30 123456.'],
    [{ type: 'phone' }, '123456', '123456'],
    [{ type: 'number', min: 1, max: 1 }, 1, 1],
    [{ type: 'number', integer: true }, 1.5, 'Enter a whole number.'],
    [{ type: 'number', integer: true }, 2, 2],
    [{ type: 'number' }, 1.5, 1.5],
    [{ type: 'number' }, Infinity, 'Enter a number, such as 42.'],
    [{ type: 'number', required: true }, null, 'Enter an answer.'],
    [{ type: 'checkbox' }, true, true],
    [{ type: 'checkbox' }, '', false],
    [{ type: 'checkbox' }, 'on', 'Answer with true or false.'],
    [{ type: 'checkbox', required: true }, true, true],
    [{ type: 'checkbox', required: true }, false, 'Tick this box to go on.'],
    [{ type: 'checkbox', required: true }, null, 'Tick this box to go on.'],
    [{ type: 'date' }, '2026-02-30', 'Enter a date, such as 2026-11-22.'],
    [{ type: 'date', min_date: '2026-01-01', max_date: '2026-01-01' }, '2026-01-01', '2026-01-01'],
    [{ type: 'date', max_date: '2026-01-01' }, '2026-01-02', 'Enter 2026-01-01 or an earlier date.'],
    [{ type: 'select', options: xy }, 'x', 'x'],
    [{ type: 'select', options: xy }, 'z', 'Choose from what is offered.'],
    [{ type: 'select' }, 'z', 'Choose from what is offered.'],
    [{ type: 'select', options: xy }, '', null],
    [{ type: 'multiselect', options: xy }, ['x', 'y'], ['x', 'y']],
    [{ type: 'multiselect', options: xy }, 'x', 'Answer with a list of choices.'],
    [{ type: 'multiselect', options: xy }, ['x', 'z'], 'Choose from what is offered.'],
    [{ type: 'multiselect', options: xy }, ['x', 1], 'Choose from what is offered.'],
    [{ type: 'multiselect', options: xy, required: true }, [], 'Choose an answer.'],
    [{ type: 'multiselect', options: xy, required: true }, null, 'Choose an answer.'],
    [{ type: 'multiselect', options: xy, min_items: 2, max_items: 2 }, ['x', 'y'], ['x', 'y']],
    [{ type: 'multiselect', options: xy, min_items: 1, max_items: 1 }, ['x', 'y'], 'Choose at most 1 answer.'],
  ])('%j with %j', async (field, answer, want) => {
    expect(await check(field, answer)).toEqual(want);
  });

  test('of a field that is not there is told; what was not answered is left out', async () => {
    const fields = ['a', 'b'].map((name) => ({ name, type: 'text', label: name }) as FormField);
    const answers = { b: ' x ', other: 1, constructor: 2 };
    expect(await checkAnswers(fields, answers, evaluator, { organisationId: 'org_1' })).toEqual({
      data: { b: 'x' },
      problems: ['other', 'constructor'].map((field) => ({ field, message: 'This is not a field of the form.' })),
    });
    const inherited = [{ name: 'toString', type: 'text', label: 'T', required: true } as FormField];
    expect(await checkAnswers(inherited, {}, evaluator, { organisationId: 'org_1' })).toMatchObject({
      problems: [{ field: 'toString', message: 'Enter an answer.' }],
    });
  });

  describe('with a pattern', () => {
    const fields: FormField[] = [
      { name: 'a', type: 'text', label: 'A', required: true },
      { name: 'b', type: 'text', label: 'B', pattern: 'b+', pattern_message: 'Only b.' },
      { name: 'c', type: 'text', label: 'C', pattern: 'c+' },
      { name: 'd', type: 'text', label: 'D', pattern: 'd+' },
    ];
    const asked: unknown[] = [];
    const finding = (faults: readonly unknown[]): Evaluator =>
      ({
        schemaFaults: async (schema: unknown, value: unknown, turn: unknown) => {
          asked.push({ schema, value, turn });
          return faults;
        },
      }) as unknown as Evaluator;
    const turn = { organisationId: 'org_1' };
    const b = { field: 'b', message: 'Only b.' };
    const c = { field: 'c', message: 'Enter this in the format that is asked for.' };

    test('is looked at in the sandbox, whole and where it was given; problems come in the order of the fields', async () => {
      const answers = { b: 'x', c: 'c', d: ' ' };
      const { problems } = await checkAnswers(fields, answers, finding([{ keys: ['b'] }]), turn);
      expect(problems).toEqual([{ field: 'a', message: 'Enter an answer.' }, b]);
      const properties = { b: { pattern: wholly('b+') }, c: { pattern: wholly('c+') } };
      expect(asked).toEqual([{ schema: { type: 'object', properties }, value: { b: 'x', c: 'c' }, turn }]);
    });

    test('that does not end in time refuses all answers with one', async () => {
      const { problems } = await checkAnswers(fields, { a: 'a', b: 'b', c: 'c' }, finding([{ keys: [] }]), turn);
      expect(problems).toEqual([b, c]);
    });

    test('asks nobody where nothing was answered', async () => {
      asked.length = 0;
      expect(await checkAnswers(fields, { a: 'a' }, finding([]), turn)).toEqual({ data: { a: 'a' }, problems: [] });
      expect(asked).toEqual([]);
    });
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
