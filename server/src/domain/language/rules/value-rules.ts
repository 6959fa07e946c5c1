import type { Json } from '../../domain-error.ts';
import type { WorkflowBody } from '../definition.ts';
import { parseDuration } from '../duration.ts';
import { abridged, asTemplate, stepsNamedIn } from '../evaluator.ts';
import { compile, type Graph } from '../graph.ts';
import { type DefinitionProblem, fieldPath } from '../problem.ts';
import { type Expression, isTemplate, parseTemplate } from '../template.ts';

/** A workflow, or a body inside one, as what it may refer to. */
export interface Surroundings {
  /** Keys to the body; none for the workflow itself. */
  readonly keys: readonly (string | number)[];
  readonly body: WorkflowBody;
  /** Steps around the body that have ended when it runs, and all others that are not in it. */
  readonly around?: { readonly before: ReadonlySet<string>; readonly others: ReadonlySet<string> };
  /** What only the expressions of the body may read: `item`, `loop`. */
  readonly names?: ReadonlySet<string>;
  /** Nodes around the body that wait for events, whose callback URLs it may read. */
  readonly callbacks?: ReadonlySet<string>;
}

/** Where a value stands. */
export interface Place {
  keys: readonly (string | number)[];
  within: Surroundings;
  node?: string;
  edge?: string;
  /** Whether the output of `node` itself may be read (edges that leave it, not its own params). */
  after?: boolean;
  /** More names that this expression may read. */
  locals?: ReadonlySet<string>;
}

const none: ReadonlySet<string> = new Set();

/** Names that expressions may begin with. */
const roots = new Set(['input', 'steps', 'variables', 'trigger', 'execution', 'secrets']);
/** Names of JavaScript itself that a plain path may begin with. */
const builtIns = new Set([
  'Math',
  'Number',
  'String',
  'Array',
  'Object',
  'JSON',
  'Date',
  'Boolean',
  'RegExp',
  'Infinity',
  'NaN',
]);

/** Problems of every template in a value, leaf by leaf. */
export function templateProblems(value: Json | undefined, place: Place): DefinitionProblem[] {
  if (typeof value === 'string') return isTemplate(value) ? textProblems(value, place) : [];
  if (typeof value !== 'object' || value === null) return [];
  const entries = Array.isArray(value) ? value.map((item, index) => [index, item] as const) : Object.entries(value);
  return entries.flatMap(([key, item]) => templateProblems(item as Json, { ...place, keys: [...place.keys, key] }));
}

/** Problems of a `when`: a bare expression, or one between braces. */
export function whenProblems(when: string | undefined, place: Place): DefinitionProblem[] {
  return when === undefined ? [] : textProblems(asTemplate(when), place);
}

function textProblems(text: string, place: Place): DefinitionProblem[] {
  const template = parseTemplate(text);
  const faults = template.faults.map((fault): DefinitionProblem => ({
    ...located(place),
    code: 'invalid_expression',
    message: `The expression {{ ${abridged(fault.source)} }} does not parse: ${fault.message}.`,
    hint: 'Write one JavaScript expression between the braces; put a backslash before {{ to mean the text itself.',
  }));
  const expressions = template.parts.filter((part): part is Expression => typeof part === 'object');
  return [...faults, ...expressions.flatMap((expression) => expressionProblems(expression, place))];
}

function expressionProblems(expression: Expression, place: Place): DefinitionProblem[] {
  const root = expression.path?.root;
  const { names = none } = place.within;
  const known = (name: string): boolean => roots.has(name) || names.has(name) || (place.locals?.has(name) ?? false);
  if (root !== undefined && !known(root) && !builtIns.has(root)) {
    const where = root === 'item' || root === 'loop' ? ' here, outside of a loop' : '';
    const begins = [...roots, ...names, ...(place.locals ?? [])];
    return [
      {
        ...located(place),
        code: 'unknown_name',
        message: `{{ ${abridged(expression.source)} }} reads "${root}", which expressions do not have${where}.`,
        hint: `Begin with one of ${[...new Set(begins)].sort().join(', ')}.`,
      },
    ];
  }
  return [...stepProblems(expression, place), ...callbackProblems(expression, place)];
}

/** The nodes of a body that have a callback URL, and those around it. */
export function callbacksIn({ body, callbacks = none }: Surroundings): Set<string> {
  return new Set([...callbacks, ...body.nodes.filter(({ type }) => type === 'wait.event').map(({ id }) => id)]);
}

function callbackProblems(expression: Expression, place: Place): DefinitionProblem[] {
  const source = withoutText(expression.source);
  const known = source.includes('callbacks') ? callbacksIn(place.within) : none;
  const read = new Set([...source.matchAll(callbackNames)].map((match) => match[1]!));
  return [...read]
    .filter((id) => !known.has(id))
    .map((id) => {
      const nearest = closest(id, [...known]);
      return {
        ...located(place),
        code: 'unknown_callback',
        message: `{{ ${abridged(expression.source)} }} reads the callback URL of "${id}", and no wait.event node here has that id.`,
        hint: nearest
          ? `Did you mean "${nearest}"?`
          : 'Name a wait.event node of this workflow or body, or of one around it.',
      };
    });
}

const callbackNames = /(?<![\w$.])execution\s*(?:\?\.|\.)\s*callbacks\s*(?:\?\.|\.)\s*([A-Za-z_$][\w$]*)/g;

const graphs = new WeakMap<WorkflowBody, Graph>();

/** The graph of a body, made once. */
export function graphOf(body: WorkflowBody): Graph {
  const graph = graphs.get(body) ?? compile(body);
  graphs.set(body, graph);
  return graph;
}

function stepProblems(expression: Expression, place: Place): DefinitionProblem[] {
  const named = stepsNamedIn(withoutText(expression.source));
  if (named === 'all') return [];
  const { body, around } = place.within;
  const graph = graphOf(body);
  return named.flatMap((id): DefinitionProblem[] => {
    if (!graph.nodes.has(id) && around?.before.has(id)) return [];
    if (!graph.nodes.has(id) && !around?.others.has(id)) {
      const nearest = closest(id, [...graph.nodes.keys(), ...(around?.before ?? [])]);
      const hint = nearest ? `Did you mean "${nearest}"?` : 'Name a node of this workflow.';
      const message = `{{ ${abridged(expression.source)} }} reads the step "${id}", and there is no such node.`;
      return [{ ...located(place), code: 'unknown_step', message, hint }];
    }
    const isInside = graph.nodes.has(id);
    if (isInside && (place.node === undefined || graph.upstream(place.node).has(id))) return [];
    if (isInside && place.after && place.node === id) return [];
    const reader = place.node === undefined ? 'this body' : `"${place.node}"`;
    const message = `{{ ${abridged(expression.source)} }} reads the step "${id}", which does not lead to ${reader}.`;
    return [
      {
        ...located(place),
        code: 'step_not_before',
        message,
        hint: `Connect "${id}" so that it runs before, or read another step.`,
      },
    ];
  });
}

/** The source with its string literals emptied, so that a text which speaks of `steps.x` is not taken for code. */
export function withoutText(source: string): string {
  let text = '';
  let from = 0;
  // Up to where a quote was looked for in vain: one that begins on the way ends no better, and looking again takes time squared.
  const unclosedUntil = { '"': 0, "'": 0 };
  for (let at = 0; at < source.length; at++) {
    const quote = source[at];
    if ((quote !== '"' && quote !== "'") || at < unclosedUntil[quote]) continue;
    const end = endOfText(source, at);
    if (source[end] !== quote) {
      unclosedUntil[quote] = end;
      continue;
    }
    text += `${source.slice(from, at)}""`;
    from = end + 1;
    at = end;
  }
  return text + source.slice(from);
}

/** Where the text that begins with the quote at `start` ends: at its other quote, or where the line does. */
function endOfText(source: string, start: number): number {
  let at = start + 1;
  while (at < source.length && source[at] !== source[start] && source[at] !== '\n')
    at += source[at] === '\\' && source[at + 1] !== '\n' ? 2 : 1;
  return Math.min(at, source.length);
}

/** The place as problems name it. */
export function located({ keys, node, edge }: Place): Pick<DefinitionProblem, 'node' | 'edge' | 'field'> {
  return { ...(node !== undefined && { node }), ...(edge !== undefined && { edge }), field: fieldPath(keys) };
}

/** A problem when `text` is there and is not a duration. */
export function durationProblem(
  text: string | undefined,
  at: Pick<DefinitionProblem, 'node' | 'edge' | 'field'>,
): DefinitionProblem[] {
  if (text === undefined) return [];
  const milliseconds = parseDuration(text);
  if (milliseconds !== undefined && milliseconds > 0) return [];
  return [
    {
      ...at,
      code: 'invalid_duration',
      message: `${at.field} is ${JSON.stringify(text)}, which is not a duration.`,
      hint: 'Write for example "250ms", "30s", "5m", "2h" or "3d"; at most 366 days.',
    },
  ];
}

/** The known name most like `name`, if one is near enough to be a slip of the pen. */
export function closest(name: string, known: readonly string[]): string | undefined {
  const far = Math.max(2, Math.floor(name.length / 3)) + 1;
  let best: { candidate: string; distance: number } | undefined;
  for (const candidate of known) {
    if (Math.abs(candidate.length - name.length) >= far) continue;
    const distance = editDistance(name, candidate);
    if (distance < far && (!best || distance < best.distance)) best = { candidate, distance };
  }
  return best?.candidate;
}

/** Levenshtein distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length]!;
}
