import type { Problem } from '../domain-error.ts';
import { fieldPath, wholePatternProblem } from '../language/index.ts';
import { isDate } from './answer-formats.ts';
import { isForeignTo, limitsOf, longest, type FormField } from './form-field.ts';

/** Everything that is wrong with the fields of a form, apart from what keeps a draft from being published. */
export function fieldProblems(fields: readonly FormField[]): Problem[] {
  const seen = new Set<string>();
  return fields.flatMap((field, index) => {
    const problems = [...ofProperties(field), ...ofRanges(field), ...ofOptions(field), ...ofPattern(field)];
    if (seen.has(field.name)) problems.push(['name', 'is the name of an earlier field, too']);
    seen.add(field.name);
    return problems.map(([property, message]) => ({
      field: fieldPath(['fields', index, ...property.split('/').map(toKey)]),
      message,
      location: 'body' as const,
    }));
  });
}

type PropertyProblem = [property: string, message: string];

function toKey(part: string): string | number {
  return /^\d+$/.test(part) ? Number(part) : part;
}

function ofProperties(field: FormField): PropertyProblem[] {
  return Object.keys(field)
    .filter((property) => isForeignTo(field.type, property))
    .map((property) => [property, `is not for a field of type ${field.type}, which takes ${known(field)}`]);
}

function known({ type }: FormField): string {
  const own = limitsOf(type);
  return own.length === 0 ? 'no limits' : own.join(', ');
}

function ofRanges(field: FormField): PropertyProblem[] {
  const problems: PropertyProblem[] = [];
  const ordered = (low: keyof FormField, high: keyof FormField, bound = field[high]): void => {
    const least = field[low];
    if (least !== undefined && bound !== undefined && least! > bound!) problems.push([low, `is greater than ${high}`]);
  };
  ordered('min_length', 'max_length', longest(field));
  ordered('min', 'max');
  ordered('min_date', 'max_date');
  ordered('min_items', 'max_items', field.max_items ?? field.options?.length);
  for (const property of ['min_date', 'max_date'] as const) {
    const date = field[property];
    if (date !== undefined && !isDate(date)) problems.push([property, 'is no date of the calendar']);
  }
  for (const property of ['min', 'max'] as const) {
    if (field[property] !== undefined && !Number.isFinite(field[property]))
      problems.push([property, 'is too large a number']);
  }
  return problems;
}

function ofOptions({ type, options }: FormField): PropertyProblem[] {
  if (type !== 'select' && type !== 'multiselect') return [];
  if (!options || options.length === 0) return [['options', `is missing: a ${type} needs choices`]];
  const values = options.map(({ value }) => value);
  return values.flatMap((value, index): PropertyProblem[] =>
    values.indexOf(value) < index ? [[`options/${index}/value`, 'is the value of an earlier option, too']] : [],
  );
}

function ofPattern({ pattern, pattern_message: message }: FormField): PropertyProblem[] {
  if (pattern === undefined)
    return message === undefined ? [] : [['pattern_message', 'needs a pattern that it speaks of']];
  // Looked at here and never run: running it is the sandbox's business.
  const problem = wholePatternProblem(pattern);
  return problem ? [['pattern', `${problem.message}. ${problem.hint}`]] : [];
}
