import { isDeepStrictEqual } from 'node:util';
import type { Json } from '../../domain-error.ts';
import { expressionFault } from '../syntax.ts';
import { isTemplate, parseTemplate, wholeExpression } from '../template.ts';
import type { LayerFilter } from './layers-document.ts';

type Operator = LayerFilter['operator'];

/** The JavaScript around the operands: before the left, between the two, after the last. */
const shapes: Record<Operator, readonly [string, string, string] | readonly [string, string]> = {
  eq: ['(', ') === (', ')'],
  neq: ['(', ') !== (', ')'],
  gt: ['(', ') > (', ')'],
  gte: ['(', ') >= (', ')'],
  lt: ['(', ') < (', ')'],
  lte: ['(', ') <= (', ')'],
  contains: ['(', ')?.includes(', ')'],
  not_contains: ['!(', ')?.includes(', ')'],
  is_empty: ['((', ') ?? "").length === 0'],
  not_empty: ['((', ') ?? "").length !== 0'],
};
const joints = { and: ') && (', or: ') || (' } as const;
/** How many places of one joint or comparison are tried; more than one only fits odd operands. */
const mostPlaces = 32;

/** The `when` that the filters mean, or undefined when an operand is neither a plain value nor one expression. */
export function toWhen(filters: readonly LayerFilter[]): string | undefined {
  let joined: string | undefined;
  for (const filter of filters) {
    const clause = toClause(filter);
    if (clause === undefined) return undefined;
    joined = joined === undefined ? clause : `(${joined}${joints[filter.mode ?? 'and']}${clause})`;
  }
  return joined === undefined ? undefined : `{{ ${joined} }}`;
}

/** The filters that `toWhen` turns into this very `when`, or undefined when there are none. */
export function toFilters(when: string): LayerFilter[] | undefined {
  const template = parseTemplate(when);
  const source = template.faults.length === 0 ? wholeExpression(template)?.source : undefined;
  if (!source?.startsWith(' ') || !source.endsWith(' ')) return undefined;
  const filters = parseJoined(source.slice(1, -1));
  return filters && toWhen(filters) === when ? filters : undefined;
}

/** Whether the filters come back from `toWhen` as they are. */
export function isReversible(filters: readonly LayerFilter[]): boolean {
  const when = toWhen(filters);
  return when !== undefined && isDeepStrictEqual(toFilters(when), filters);
}

function toClause({ operator, left_value: left, right_value: right }: LayerFilter): string | undefined {
  const [before, between, after] = shapes[operator];
  const first = toSource(left);
  const second = after === undefined ? '' : toSource(right ?? null);
  if (first === undefined || second === undefined) return undefined;
  return `${before}${first}${between}${second}${after ?? ''}`;
}

function parseJoined(text: string): LayerFilter[] | undefined {
  const clause = parseClause(text);
  if (clause) return [clause];
  if (!text.startsWith('(') || !text.endsWith(')')) return undefined;
  for (const [mode, joint] of Object.entries(joints) as ['and' | 'or', string][]) {
    // The last joint is the outermost.
    for (const place of places(text, joint).reverse()) {
      const last = parseClause(text.slice(place + joint.length, -1));
      const before = last && parseJoined(text.slice(1, place));
      if (before) return [...before, { ...last, mode }];
    }
  }
  return undefined;
}

function parseClause(text: string): LayerFilter | undefined {
  for (const [operator, [before, between, after]] of Object.entries(shapes) as [
    Operator,
    (typeof shapes)[Operator],
  ][]) {
    if (!text.startsWith(before) || !text.endsWith(after ?? between)) continue;
    if (after === undefined) {
      const left = text.slice(before.length, -between.length);
      if (isExpression(left)) return { left_value: toValue(left), operator };
      continue;
    }
    for (const place of places(text, between)) {
      const left = text.slice(before.length, place);
      const right = text.slice(place + between.length, -after.length);
      if (isExpression(left) && isExpression(right))
        return { left_value: toValue(left), operator, right_value: toValue(right) };
    }
  }
  return undefined;
}

function isExpression(source: string): boolean {
  return expressionFault(source) === undefined;
}

function places(text: string, part: string): number[] {
  const found: number[] = [];
  for (let at = text.indexOf(part); at !== -1 && found.length < mostPlaces; at = text.indexOf(part, at + 1))
    found.push(at);
  return found;
}

/** An operand as JavaScript. */
function toSource(value: Json): string | undefined {
  if (typeof value === 'object' && value !== null) return undefined;
  if (typeof value !== 'string' || !isTemplate(value)) return JSON.stringify(value);
  const template = parseTemplate(value);
  return template.faults.length > 0 ? undefined : wholeExpression(template)?.source;
}

/** The opposite of `toSource`. */
function toValue(source: string): Json {
  try {
    const value = JSON.parse(source) as Json;
    if (toSource(value) === source) return value;
  } catch {
    // It is an expression.
  }
  return `{{${source}}}`;
}
