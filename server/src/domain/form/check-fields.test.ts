import { expect, test } from '@jest/globals';
import { fieldProblems } from './check-fields.ts';
import { type FieldType, fieldTypes, type FormField, isForeignTo, longest } from './form-field.ts';

const field = (more: Partial<FormField> = {}): FormField => ({ name: 'a', type: 'text', label: 'A', ...more });
const problemsOf = (...fields: FormField[]): [string, string][] =>
  fieldProblems(fields).map(({ field: at, message }) => [at, message]);
const options = ['x', 'y'].map((value) => ({ value, label: value }));

test.each<[given: Partial<FormField>, at: string, message: string]>([
  [
    { min: 1 },
    'min',
    'is not for a field of type text, which takes placeholder, min_length, max_length, pattern, pattern_message',
  ],
  [{ type: 'checkbox', placeholder: 'x' }, 'placeholder', 'is not for a field of type checkbox, which takes no limits'],
  [{ min_length: 3, max_length: 2 }, 'min_length', 'is greater than max_length'],
  [{ min_length: 1_001 }, 'min_length', 'is greater than max_length'],
  [{ type: 'phone', min_length: 41 }, 'min_length', 'is greater than max_length'],
  [{ type: 'number', min: 2, max: 1 }, 'min', 'is greater than max'],
  [{ type: 'number', min: -Infinity }, 'min', 'is too large a number'],
  [{ type: 'number', max: Infinity }, 'max', 'is too large a number'],
  [{ type: 'date', min_date: '2026-01-02', max_date: '2026-01-01' }, 'min_date', 'is greater than max_date'],
  [{ type: 'date', min_date: '2026-02-30' }, 'min_date', 'is no date of the calendar'],
  [{ type: 'date', max_date: 'soon' }, 'max_date', 'is no date of the calendar'],
  [{ type: 'multiselect', options, min_items: 2, max_items: 1 }, 'min_items', 'is greater than max_items'],
  [{ type: 'multiselect', options, min_items: 3 }, 'min_items', 'is greater than max_items'],
  [{ type: 'select' }, 'options', 'is missing: a select needs choices'],
  [{ type: 'multiselect', options: [] }, 'options', 'is missing: a multiselect needs choices'],
  [
    { type: 'select', options: [...options, options[0]!] },
    'options[2].value',
    'is the value of an earlier option, too',
  ],
  [{ pattern_message: 'x' }, 'pattern_message', 'needs a pattern that it speaks of'],
])('%j: %s %s', (given, at, message) => {
  expect(problemsOf(field(given))).toEqual([[`fields[0].${at}`, message]]);
});

test.each<Partial<FormField>>([
  {
    min_length: 2,
    max_length: 2,
    pattern: '[a-z]+',
    pattern_message: 'x',
    placeholder: 'y',
    help: 'z',
    required: true,
  },
  { min_length: 1_000 },
  { type: 'textarea', min_length: 10_000 },
  { type: 'email', min_length: 254 },
  { type: 'url', min_length: 2_048 },
  { type: 'phone', min_length: 40 },
  { type: 'number', min: 1, max: 1, integer: true },
  { type: 'number', min: -5, max: 0 },
  { type: 'date', min_date: '2026-01-01', max_date: '2026-01-01' },
  { type: 'multiselect', options, min_items: 2 },
  { type: 'multiselect', options, min_items: 2, max_items: 2 },
  { type: 'select', options, placeholder: 'x' },
  { type: 'checkbox', required: true },
])('%j is fine', (given) => {
  expect(problemsOf(field(given))).toEqual([]);
});

test('a pattern that no engine could run in time is reported with what to do', () => {
  const [[at, message]] = problemsOf(field({ pattern: '(' })) as [[string, string]];
  expect([at, message.length > 10]).toEqual(['fields[0].pattern', true]);
});

test('the name of an earlier field, and everything else, is reported for each field', () => {
  expect(problemsOf(field(), field({ name: 'b', min: 1 }), field({ name: 'a', max: 1 })).map(([at]) => at)).toEqual([
    'fields[1].min',
    'fields[2].max',
    'fields[2].name',
  ]);
});

test.each<[type: FieldType, most: number]>([
  ['text', 1_000],
  ['textarea', 10_000],
  ['email', 254],
  ['url', 2_048],
  ['phone', 40],
])('an answer to %s has at most %i characters, or as many as the field says', (type, most) => {
  expect([longest(field({ type })), longest(field({ type, max_length: 5 }))]).toEqual([most, 5]);
});

test('every type of field has a name, a type, a label, help, and may be required', () => {
  for (const type of fieldTypes)
    for (const property of ['name', 'type', 'label', 'help', 'required'])
      expect(isForeignTo(type, property)).toBe(false);
  expect(fieldTypes.filter((type) => !isForeignTo(type, 'options'))).toEqual(['select', 'multiselect']);
  expect(isForeignTo('text', 'constructor')).toBe(true);
});
