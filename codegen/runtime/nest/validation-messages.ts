import type { ValidationIssue } from './contract.ts';
import type { FieldError } from './failure.ts';

const maximumErrors = 100;

/**
 * What a validator found, for people: field paths such as `nodes[2].params.url`, never a value that was sent. What fields
 * break by themselves comes first, then the rules that the contract has words for; such a rule stands for all that is wrong
 * with its field, so that one mistake is one entry.
 */
export function fieldErrors(
  issues: readonly ValidationIssue[] | null | undefined,
  location: FieldError['location'],
): FieldError[] {
  const { rules = [], own = [] } = Object.groupBy(withoutBranches(issues ?? []), ({ keyword }) =>
    keyword === 'x-problem' ? 'rules' : 'own',
  );
  const ruled = new Set(rules.map(fieldOf));
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  for (const issue of [...own.filter((one) => !ruled.has(fieldOf(one))), ...rules]) {
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
 * AJV lists what is wrong with every branch of an `anyOf` or `oneOf`, then that none matched. The branches contradict each
 * other, so only the one that was meant is worth reporting, where it can be told; else the summary is all that is true.
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
    kept = [...kept.slice(0, first), ...(meantBranch(branches, issue) ?? [issue])];
  }
  return kept;
}

const isWithin = (path: string, parent: string) => path === parent || path.startsWith(`${parent}/`);
const isNullBranch = (issue: ValidationIssue) => issue.keyword === 'type' && issue.params['type'] === 'null';
const isTag = (issue: ValidationIssue) => issue.keyword === 'const' || issue.keyword === 'enum';

function meantBranch(
  issues: readonly ValidationIssue[],
  summary: ValidationIssue,
): readonly ValidationIssue[] | undefined {
  const branches = [
    ...Map.groupBy(
      issues.filter((issue) => !isNullBranch(issue)),
      (issue) => branchOf(issue, summary),
    ).values(),
  ];
  if (branches.length === 1) return branches[0];
  // A property with a fixed value says which form is meant: the branch that does not object to it.
  const isInside = ({ instancePath }: ValidationIssue) => instancePath !== summary.instancePath;
  const untagged = branches.filter((branch) => !branch.some((issue) => isTag(issue) && isInside(issue)));
  const meant = untagged.filter(
    (branch) =>
      !branch.some(({ keyword, instancePath }) => keyword === 'type' && instancePath === summary.instancePath),
  );
  if (meant.length === 1) return meant[0];
  const tags = branches.map((branch) => branch.find(isTag));
  const place = tags[0]?.instancePath;
  if (place === undefined || tags.some((tag) => tag?.instancePath !== place)) return undefined;
  const allowedValues = tags.flatMap((tag) => tag!.params['allowedValues'] ?? [tag!.params['allowedValue']]);
  return [{ ...tags[0]!, keyword: 'enum', params: { allowedValues } }];
}

/** Names the branch that an issue comes from: its place in the schema, or the schema that the branch refers to. */
function branchOf(issue: ValidationIssue, summary: ValidationIssue): string {
  const path = schemaPath(issue);
  const parent = `${schemaPath(summary)}/`;
  if (path.startsWith(parent)) return path.slice(0, parent.length + path.slice(parent.length).indexOf('/'));
  // Pointers into definitions: `#/$defs/Circle/properties/r/type`, `#/components/schemas/Circle/required`.
  const segments = path.split('/');
  const keyword = segments.findIndex(
    (segment, index) => index > 1 && (segment === issue.keyword || applicators.has(segment)),
  );
  return segments.slice(0, keyword).join('/');
}

const applicators = new Set([
  'properties',
  'items',
  'prefixItems',
  'additionalProperties',
  'patternProperties',
  'allOf',
  'anyOf',
  'oneOf',
  'then',
  'else',
]);

const schemaPath = (issue: ValidationIssue) => (issue as { schemaPath?: string }).schemaPath ?? '';

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
    'x-select': 'property',
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
  items: (params) => `must have at most ${plural(params['limit'], 'item')}`,
  uniqueItems: () => 'must not hold the same item twice',
  contains: () => 'must hold an item of the required form',
  minProperties: (params) => `must have at least ${plural(params['limit'], 'field')}`,
  maxProperties: (params) => `must have at most ${plural(params['limit'], 'field')}`,
  additionalProperties: () => 'is not a known field',
  unevaluatedProperties: () => 'is not a known field',
  unevaluatedItems: () => 'has items that are not allowed',
  propertyNames: () => 'is not an allowed name',
  'x-select': (params) => {
    const values = (params['allowedValues'] as unknown[]).map(literal).join(', ');
    return params['missing'] === true ? `is required and must be one of ${values}` : `must be one of ${values}`;
  },
  // The contract's own words for it.
  'x-problem': (params) => String(params['message']),
  anyOf: () => 'must have one of the allowed forms',
  oneOf: (params) =>
    params['passingSchemas'] == null
      ? 'must have one of the allowed forms'
      : 'must have exactly one of the allowed forms',
  if: () => 'does not meet a condition',
  not: () => 'has a form that is not allowed',
  'false schema': () => 'is not allowed',
};

function messageOf(issue: ValidationIssue): string {
  return messages[issue.keyword]?.(issue.params) ?? issue.message ?? 'is not valid';
}
