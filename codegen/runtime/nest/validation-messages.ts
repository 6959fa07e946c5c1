import type { ValidationIssue } from './contract.ts';
import type { FieldError } from './failure.ts';

const maximumErrors = 100;

/** What a validator found, for people: field paths such as `nodes[2].params.url`, never a value that was sent. */
export function fieldErrors(
  issues: readonly ValidationIssue[] | null | undefined,
  location: FieldError['location'],
): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  for (const issue of withoutBranches(issues ?? [])) {
    const error = { field: fieldOf(issue), message: messageOf(issue), location };
    const key = `${error.field}\n${error.message}`;
    if (seen.has(key)) continue;
    seen.add(key);
    errors.push(error);
    if (errors.length === maximumErrors) break;
  }
  return errors;
}

/** What a validator found, one line each, for logs. */
export function describeIssues(issues: readonly ValidationIssue[] | null | undefined): string[] {
  return fieldErrors(issues, 'body').map(({ field, message }) => (field === '' ? message : `${field} ${message}`));
}

/**
 * AJV lists what is wrong with every branch of an `anyOf` or `oneOf`, then that none matched. What is wrong with branches
 * helps only where they agree on the place; else they contradict each other and the summary is all that is true.
 */
function withoutBranches(issues: readonly ValidationIssue[]): readonly ValidationIssue[] {
  let kept: ValidationIssue[] = [];
  for (const issue of issues) {
    if ((issue.keyword === 'if' || issue.keyword === 'propertyNames') && kept.length > 0) continue;
    const isSummary =
      issue.keyword === 'anyOf' ||
      (issue.keyword === 'oneOf' && (issue.params as { passingSchemas?: unknown }).passingSchemas == null);
    if (!isSummary) {
      kept.push(issue);
      continue;
    }
    let first = kept.length;
    while (first > 0 && isWithin(kept[first - 1]!.instancePath, issue.instancePath)) first -= 1;
    const branches = kept.slice(first);
    kept = kept.slice(0, first);
    const deeper = branches.filter((branch) => branch.instancePath.length > issue.instancePath.length);
    const places = new Set(deeper.map((branch) => branch.instancePath));
    if (deeper.length > 0 && places.size === 1 && new Set(deeper.map((branch) => branch.keyword)).size === 1) {
      kept.push(deeper[0]!);
    } else if (branches.length === 1 || isNullable(branches)) {
      kept.push(...branches.filter((branch) => !isNullBranch(branch)));
    } else {
      kept.push(issue);
    }
  }
  return kept;
}

const isWithin = (path: string, parent: string) => path === parent || path.startsWith(`${parent}/`);
const isNullBranch = (issue: ValidationIssue) => issue.keyword === 'type' && issue.params['type'] === 'null';
/** `anyOf: [schema, {type: 'null'}]`: the other branch is the one that was meant. */
const isNullable = (branches: readonly ValidationIssue[]) => branches.filter(isNullBranch).length === 1;

function fieldOf(issue: ValidationIssue): string {
  const path = issue.instancePath
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
  const property = propertyOf(issue);
  if (property !== undefined) path.push(property);
  return path.reduce((field, token) => {
    if (/^\d+$/.test(token)) return `${field}[${token}]`;
    return field === '' ? token : `${field}.${token}`;
  }, '');
}

/** The property that an issue with an object is about. */
function propertyOf({ keyword, params }: ValidationIssue): string | undefined {
  const names: Readonly<Record<string, string>> = {
    required: 'missingProperty',
    dependentRequired: 'missingProperty',
    additionalProperties: 'additionalProperty',
    unevaluatedProperties: 'unevaluatedProperty',
    propertyNames: 'propertyName',
    discriminator: 'tag',
  };
  const name = names[keyword];
  const property = name === undefined ? undefined : params[name];
  return typeof property === 'string' ? property : undefined;
}

const plural = (count: unknown, noun: string) => `${String(count)} ${noun}${count === 1 ? '' : 's'}`;
const literal = (value: unknown) => JSON.stringify(value);
const article = (name: string) => (/^[aeiou]/.test(name) ? `an ${name}` : `a ${name}`);

function typeName(type: unknown): string {
  const types = Array.isArray(type) ? (type as string[]) : String(type).split(',');
  return types.map((name) => (name === 'null' ? 'null' : article(name))).join(' or ');
}

const messages: Readonly<Record<string, (params: Record<string, unknown>) => string>> = {
  required: () => 'is required',
  dependentRequired: (params) => `is required together with ${String(params['property'])}`,
  type: (params) => `must be ${typeName(params['type'])}`,
  enum: (params) => `must be one of ${(params['allowedValues'] as unknown[]).map(literal).join(', ')}`,
  const: (params) => `must be ${literal(params['allowedValue'])}`,
  minLength: (params) =>
    params['limit'] === 1 ? 'must not be empty' : `must have at least ${plural(params['limit'], 'character')}`,
  maxLength: (params) => `must have at most ${plural(params['limit'], 'character')}`,
  minimum: (params) => `must be at least ${String(params['limit'])}`,
  maximum: (params) => `must be at most ${String(params['limit'])}`,
  exclusiveMinimum: (params) => `must be greater than ${String(params['limit'])}`,
  exclusiveMaximum: (params) => `must be less than ${String(params['limit'])}`,
  multipleOf: (params) => `must be a multiple of ${String(params['multipleOf'])}`,
  pattern: (params) => `must match the pattern ${String(params['pattern'])}`,
  format: (params) => `must be a valid ${String(params['format'])}`,
  minItems: (params) =>
    params['limit'] === 1 ? 'must not be empty' : `must have at least ${plural(params['limit'], 'item')}`,
  maxItems: (params) => `must have at most ${plural(params['limit'], 'item')}`,
  uniqueItems: () => 'must not hold the same item twice',
  contains: () => 'must hold an item of the required form',
  minProperties: (params) => `must have at least ${plural(params['limit'], 'field')}`,
  maxProperties: (params) => `must have at most ${plural(params['limit'], 'field')}`,
  additionalProperties: () => 'is not a known field',
  unevaluatedProperties: () => 'is not a known field',
  unevaluatedItems: () => 'has items that are not allowed',
  propertyNames: () => 'is not an allowed name',
  discriminator: () => 'must name one of the allowed forms',
  anyOf: () => 'must have one of the allowed forms',
  oneOf: (params) =>
    params['passingSchemas'] == null
      ? 'must have one of the allowed forms'
      : 'must have exactly one of the allowed forms',
  not: () => 'has a form that is not allowed',
  'false schema': () => 'is not allowed',
};

function messageOf(issue: ValidationIssue): string {
  return messages[issue.keyword]?.(issue.params) ?? issue.message ?? 'is not valid';
}
