import type { Json } from '../domain-error.ts';
import { type EvaluationTurn, type Evaluator, wholly } from '../language/index.ts';
import { isDate, isEmail, isPhoneNumber, isWebAddress } from './answer-formats.ts';
import { longest, type FormField } from './form-field.ts';

/** What somebody answered, by field name, as it came. */
export type Answers = Readonly<Record<string, Json | undefined>>;

/** Something wrong with an answer, told to the person who gave it: a whole sentence. */
export interface AnswerProblem {
  readonly field: string;
  readonly message: string;
}

/** Answers as they are stored, and everything that is wrong with them. */
export interface CheckedAnswers {
  /** Trimmed, without what was not answered; only to be used when there are no problems. */
  readonly data: Record<string, Json>;
  /** In the order of the fields. */
  readonly problems: readonly AnswerProblem[];
}

/**
 * Holds answers against the fields of a form. Text is trimmed before it is checked. Patterns, which the form's author wrote
 * and which may take for ever, run in the sandbox; one that does not end in time refuses its answer.
 * Throws SandboxUnavailableError.
 */
export async function checkAnswers(
  fields: readonly FormField[],
  answers: Answers,
  evaluator: Evaluator,
  turn: EvaluationTurn,
): Promise<CheckedAnswers> {
  const data: [string, Json][] = [];
  const problems = new Map<string, string>();
  for (const field of fields) {
    const given = Object.hasOwn(answers, field.name) ? answers[field.name] : undefined;
    const { value, problem } = checkAnswer(field, given);
    if (problem !== undefined) problems.set(field.name, problem);
    else if (value !== undefined) data.push([field.name, value]);
  }
  const found = Object.fromEntries(data);
  for (const field of await unmatched(fields, found, evaluator, turn)) {
    problems.set(field.name, field.pattern_message ?? 'Enter this in the format that is asked for.');
  }
  const known = new Set(fields.map(({ name }) => name));
  return {
    data: found,
    problems: [
      ...fields.flatMap(({ name }) => (problems.has(name) ? [{ field: name, message: problems.get(name)! }] : [])),
      ...Object.keys(answers)
        .filter((name) => !known.has(name))
        .map((field) => ({ field, message: 'This is not a field of the form.' })),
    ],
  };
}

interface CheckedAnswer {
  readonly value?: Json;
  readonly problem?: string;
}

function checkAnswer(field: FormField, given: Json | undefined): CheckedAnswer {
  switch (field.type) {
    case 'checkbox':
      return checkBox(field, given);
    case 'multiselect':
      return checkChoices(field, given);
    case 'number':
      return checkNumber(field, given);
    default:
      return checkText(field, given);
  }
}

function isAbsent(given: Json | undefined): given is null | undefined | '' {
  return given === undefined || given === null || given === '';
}

function missing({ required, type }: FormField): CheckedAnswer {
  if (!required) return {};
  const choice = type === 'select' || type === 'multiselect';
  return { problem: choice ? 'Choose an answer.' : 'Enter an answer.' };
}

function checkBox(field: FormField, given: Json | undefined): CheckedAnswer {
  if (typeof given !== 'boolean' && !isAbsent(given)) return { problem: 'Answer with true or false.' };
  if (field.required && given !== true) return { problem: 'Tick this box to go on.' };
  return { value: given === true };
}

function checkChoices(field: FormField, given: Json | undefined): CheckedAnswer {
  if (isAbsent(given) || (Array.isArray(given) && given.length === 0)) return missing(field);
  if (!Array.isArray(given)) return { problem: 'Answer with a list of choices.' };
  const chosen = given as readonly Json[];
  const values = new Set(field.options?.map(({ value }) => value));
  if (chosen.some((item) => typeof item !== 'string' || !values.has(item)))
    return { problem: 'Choose from what is offered.' };
  if (new Set(chosen).size < chosen.length) return { problem: 'Choose each answer once.' };
  const { min_items: least = 0, max_items: most = Infinity } = field;
  if (chosen.length < least) return { problem: `Choose at least ${counted(least, 'answer')}.` };
  if (chosen.length > most) return { problem: `Choose at most ${counted(most, 'answer')}.` };
  return { value: [...chosen] };
}

function checkNumber(field: FormField, given: Json | undefined): CheckedAnswer {
  if (isAbsent(given)) return missing(field);
  if (typeof given !== 'number' || !Number.isFinite(given)) return { problem: 'Enter a number, such as 42.' };
  const { min = -Infinity, max = Infinity } = field;
  if (field.integer && !Number.isInteger(given)) return { problem: 'Enter a whole number.' };
  if (given < min) return { problem: `Enter ${min} or more.` };
  if (given > max) return { problem: `Enter ${max} or less.` };
  return { value: given };
}

/** What PostgreSQL does not take: NUL, and halves of surrogate pairs. */
const unstorable = (text: string): boolean => text.includes('\0') || !text.isWellFormed();

function checkText(field: FormField, given: Json | undefined): CheckedAnswer {
  if (isAbsent(given)) return missing(field);
  if (typeof given !== 'string') return { problem: 'Answer with text.' };
  const text = given.replaceAll('\r\n', '\n').trim();
  if (text === '') return missing(field);
  if (unstorable(text)) return { problem: 'Remove the characters that cannot be shown.' };
  const problem = lengthProblem(field, text) ?? formatProblem(field, text);
  return problem === undefined ? { value: text } : { problem };
}

function lengthProblem(field: FormField, text: string): string | undefined {
  const length = [...text].length;
  const { min_length: least = 0 } = field;
  const most = longest(field);
  if (length > most) return `Shorten this to ${counted(most, 'character')}; it has ${length.toLocaleString('en')}.`;
  if (length < least) return `Enter at least ${counted(least, 'character')}; this has ${length}.`;
  return undefined;
}

function formatProblem(field: FormField, text: string): string | undefined {
  switch (field.type) {
    case 'text':
      return text.includes('\n') ? 'Enter a single line.' : undefined;
    case 'email':
      return isEmail(text) ? undefined : 'Enter an email address, such as name@example.com.';
    case 'url':
      return isWebAddress(text) ? undefined : 'Enter a web address, such as https://example.com.';
    case 'phone':
      return isPhoneNumber(text) ? undefined : 'Enter a phone number, such as +49 30 123456.';
    case 'date':
      return dateProblem(field, text);
    case 'select':
      return field.options?.some(({ value }) => value === text) ? undefined : 'Choose from what is offered.';
    default:
      return undefined;
  }
}

function dateProblem({ min_date: first, max_date: last }: FormField, text: string): string | undefined {
  if (!isDate(text)) return 'Enter a date, such as 2026-11-22.';
  if (first !== undefined && text < first) return `Enter ${first} or a later date.`;
  if (last !== undefined && text > last) return `Enter ${last} or an earlier date.`;
  return undefined;
}

function counted(count: number, noun: string): string {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;
}

/** The fields whose answers do not match their patterns, and all that have one when that takes too long. */
async function unmatched(
  fields: readonly FormField[],
  data: Readonly<Record<string, Json>>,
  evaluator: Evaluator,
  turn: EvaluationTurn,
): Promise<readonly FormField[]> {
  const patterned = fields.filter(({ pattern, name }) => pattern !== undefined && Object.hasOwn(data, name));
  if (patterned.length === 0) return [];
  const properties = Object.fromEntries(patterned.map(({ name, pattern }) => [name, { pattern: wholly(pattern!) }]));
  const answers = Object.fromEntries(patterned.map(({ name }) => [name, data[name]!]));
  const faults = await evaluator.schemaFaults({ type: 'object', properties }, answers, turn);
  if (faults.some(({ keys }) => keys.length === 0)) return patterned;
  const wrong = new Set(faults.map(({ keys }) => keys[0]));
  return patterned.filter(({ name }) => wrong.has(name));
}
