import type { Json } from '../domain/domain-error.ts';
import type { Answers } from '../domain/form/check-answers.ts';
import type { FormField } from '../domain/form/form-field.ts';

/** What a browser sent, by field name: text as it came, to be shown again. */
export type PageAnswers = Readonly<Record<string, readonly string[]>>;

/** What was sent for the fields of a form; everything else is left out. */
export function readPage(fields: readonly FormField[], sent: URLSearchParams): PageAnswers {
  return Object.fromEntries(fields.map(({ name }) => [name, sent.getAll(name)]));
}

/** Text as the answers that the form asks for; what cannot be read stays text, and is refused as such. */
export function toAnswers(fields: readonly FormField[], given: PageAnswers): Answers {
  return Object.fromEntries(fields.map((field) => [field.name, toAnswer(field, given[field.name] ?? [])]));
}

function toAnswer({ type }: FormField, given: readonly string[]): Json | undefined {
  const [first] = given;
  switch (type) {
    case 'checkbox':
      return first === 'true';
    case 'multiselect':
      return given;
    case 'number':
      return toNumber(first);
    default:
      return first;
  }
}

function toNumber(text: string | undefined): Json | undefined {
  const trimmed = text?.trim();
  return trimmed !== undefined && /^[+-]?\d+(?:\.\d+)?$/.test(trimmed) ? Number(trimmed) : trimmed;
}
