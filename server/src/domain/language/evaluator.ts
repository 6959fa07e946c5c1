import type { Json } from '../domain-error.ts';
import { exceeds, valueBounds } from '../json-bounds.ts';
import { writeJson } from '../json-pieces.ts';
import { JsonBoundError, parseJson } from '../parse-json.ts';
import { NodeFailure, type Scope } from '../nodes/node-type.ts';
import type { SchemaFault } from './json-schema.ts';
import { readPath } from './path.ts';
import {
  maxLogLines,
  maxLogMessage,
  Sandbox,
  type SandboxFailure,
  type SandboxGlobals,
  type SandboxLog,
  sandboxLogLevels,
  type SandboxOutcome,
  type SandboxRunOptions,
  type SandboxTask,
} from './sandbox.ts';
import { SandboxUnavailableError } from './sandbox.errors.ts';
import { programFault } from './syntax.ts';
import { type Expression, isTemplate, parseTemplate, wholeExpression } from './template.ts';

/** Whose turn it is, and how long the answer is of use. */
export interface EvaluationTurn extends SandboxRunOptions {
  /** The organisation whose share of the sandbox is used. */
  readonly organisationId: string;
}

/** Milliseconds that a request waits for the sandbox before it is refused: the `maxWaitMs` of what somebody waits for. */
export const requestMaxWaitMs = 5_000;

/** The same where a transaction is open, which keeps a connection from other organisations meanwhile. */
export const transactionMaxWaitMs = 1_000;

/** What makes an evaluation repeatable, and whose it is. */
export interface EvaluationOptions extends EvaluationTurn {
  /** Seed of `Math.random`; the same seed gives the same numbers at replay. Default: the execution's id. */
  seed?: string;
  /** What the clock says, in milliseconds since 1970. Default: the start of the execution. */
  now?: number;
  /** More names for the expressions, or other values for known ones. */
  locals?: Readonly<Record<string, Json | undefined>>;
  /** Keys of a top-level object that are left as they are. */
  raw?: readonly string[];
}

/** What `secrets.NAME` evaluates to in an execution: never the secret itself. */
export type MarkerOf = (executionId: string, name: string) => string;

/** Evaluates templates over a scope: plain paths in process, everything else in the sandbox. */
export class Evaluator {
  readonly #sandbox: Sandbox;
  readonly #markerOf: MarkerOf | undefined;

  /** Without `markerOf` there are no secrets. */
  constructor(sandbox: Sandbox, markerOf?: MarkerOf) {
    this.#sandbox = sandbox;
    this.#markerOf = markerOf;
  }

  /**
   * The template with every `{{ expression }}` replaced, leaf by leaf. A leaf that is exactly one expression takes the
   * value with its JSON type (`null` when it has none); in other leaves values become text. Throws a NodeFailure
   * `expression_error`, SandboxUnavailableError, and the reason of the signal.
   */
  async evaluate(template: Json, scope: Scope, options: EvaluationOptions): Promise<Json> {
    const evaluation = new Evaluation(scope, options, this.#markerOf);
    const { raw } = options;
    const collect = (value: Json): unknown => evaluation.collect(value);
    if (raw && isObject(template))
      Object.entries(template).forEach(([key, value]) => raw.includes(key) || collect(value!));
    else collect(template);
    await evaluation.run(this.#sandbox);
    if (!raw || !isObject(template)) return evaluation.fill(template);
    const filled = Object.entries(template).map(([key, value]) => [
      key,
      raw.includes(key) ? value : evaluation.fill(value!),
    ]);
    return Object.fromEntries(filled) as Json;
  }

  /** The value of a bare expression, or of a string that is one `{{ expression }}`: the form of `when`. */
  async expression(source: string, scope: Scope, options: EvaluationOptions): Promise<Json> {
    return this.evaluate(asTemplate(source), scope, options);
  }

  /** Whether a `when` holds, by JavaScript's idea of truth. */
  async isTrue(when: string, scope: Scope, options: EvaluationOptions): Promise<boolean> {
    return Boolean(await this.expression(when, scope, options));
  }

  /**
   * Every place where `value` breaks a schema that a user wrote, which may take for ever: it is tried in the sandbox, and
   * what does not end in time counts as one fault of the whole value. Throws SandboxUnavailableError, and the
   * reason of the signal.
   */
  async schemaFaults(
    schema: Readonly<Record<string, Json>>,
    value: Json,
    turn: EvaluationTurn,
  ): Promise<readonly SchemaFault[]> {
    const globals = (): SandboxGlobals | Promise<SandboxGlobals> => {
      const json = writeJson(value);
      return typeof json === 'string' ? { value: json } : json.then((text) => ({ value: text }));
    };
    return schemaTask(JSON.stringify(schema), globals, this.#sandbox, turn);
  }

  /**
   * What a program (the body of an async function) returns, and what it logged. Throws a NodeFailure `code_error`,
   * SandboxUnavailableError, and the reason of the signal.
   */
  async program(
    source: string,
    scope: Scope,
    options: EvaluationOptions,
  ): Promise<{ value: Json; logs: readonly SandboxLog[] }> {
    const fault = programFault(source);
    if (fault) throw new NodeFailure('code_error', `The code does not parse: ${fault}`, { reason: 'error' });
    const task = new Evaluation(snapshotOf(scope), options).task('program', source, 0);
    const [outcome] = await this.#sandbox.run([task], options);
    if (!outcome!.ok) throw failureOf('code_error', 'The code', outcome!, options);
    return { value: await resultOf('code_error', 'The code', outcome!.json), logs: checkedLogs(outcome!.logs) };
  }
}

/**
 * Everything that keeps a user's schema from being used, such as patterns that may take for ever; `keys` lead to places in the
 * schema. Throws SandboxUnavailableError, and the reason of the signal.
 */
export async function userSchemaFaults(
  schema: Json,
  sandbox: Sandbox,
  turn: EvaluationTurn,
): Promise<readonly SchemaFault[]> {
  return schemaTask(JSON.stringify(schema), () => ({}), sandbox, turn);
}

async function schemaTask(
  source: string,
  globals: SandboxTask['globals'],
  sandbox: Sandbox,
  { organisationId, ...options }: EvaluationTurn,
): Promise<readonly SchemaFault[]> {
  const task: SandboxTask = { organisationId, kind: 'schema', source, globals, seed: '', now: 0 };
  const [outcome] = await sandbox.run([task], options);
  if (outcome!.ok) return JSON.parse(outcome!.json!) as SchemaFault[];
  const why = limits[limitOf(outcome!, options)];
  return [{ keys: [], message: `cannot be checked: the schema ${why}`, hint: 'Simplify the schema.' }];
}

/** The scope as it is now: nodes that end while a program waits for its turn add to it, but change no value in it. */
function snapshotOf(scope: Scope): Scope {
  return { ...scope, steps: { ...scope.steps }, variables: { ...scope.variables } };
}

/** `when` as a template: a bare expression is put between braces. */
export function asTemplate(when: string): string {
  const template = isTemplate(when) ? parseTemplate(when) : undefined;
  if (template && (template.faults.length > 0 || wholeExpression(template))) return when;
  return `{{ ${when} }}`;
}

/** One pass over one template: what its expressions are, and what became of them. */
class Evaluation {
  readonly #roots: Record<string, Json | undefined>;
  readonly #seed: string;
  readonly #now: number;
  readonly #options: EvaluationOptions;
  readonly #values = new Map<Expression, Json | undefined>();
  readonly #pending: Expression[] = [];
  /** Expressions that are put into texts, and the JSON of those that are lists or objects. */
  readonly #inText = new Set<Expression>();
  readonly #texts = new Map<Expression, string>();
  readonly #json = new Map<string, string | Promise<string> | undefined>();
  /** A marker for each secret that an expression names. */
  readonly #secrets: Record<string, string> | undefined;
  readonly #markerOf: ((name: string) => string) | undefined;
  /** Of the texts that values were put into. */
  #characters = 0;

  constructor(scope: Scope, options: EvaluationOptions, markerOf?: MarkerOf) {
    this.#roots = { ...(scope as unknown as Record<string, Json | undefined>), ...options.locals };
    if (markerOf) {
      this.#secrets = {};
      this.#roots.secrets = this.#secrets;
      this.#markerOf = (name) => markerOf(scope.execution.id, name);
    }
    this.#options = options;
    this.#seed = options.seed ?? scope.execution.id;
    this.#now = options.now ?? Date.parse(scope.execution.started_at);
  }

  collect(value: Json): void {
    if (typeof value === 'string') this.#collectText(value);
    else if (Array.isArray(value)) value.forEach((item) => this.collect(item));
    else if (isObject(value)) Object.values(value).forEach((item) => item !== undefined && this.collect(item));
  }

  #collectText(text: string): void {
    if (!isTemplate(text)) return;
    const template = parseTemplate(text);
    const [fault] = template.faults;
    if (fault) throw expressionError(fault.source, `it does not parse: ${fault.message}`);
    const isWhole = wholeExpression(template) !== undefined;
    for (const part of template.parts) {
      if (typeof part === 'string') continue;
      if (!isWhole) this.#inText.add(part);
      if (this.#values.has(part)) continue;
      if (this.#secrets && part.source.includes('secrets')) this.#nameSecrets(part.source);
      if (part.path && Object.hasOwn(this.#roots, part.path.root)) this.#values.set(part, this.#read(part));
      else this.#pending.push(part);
    }
  }

  #nameSecrets(source: string): void {
    const names = namedAs('secrets', source);
    if (names !== 'all') for (const name of names) this.#secrets![name] = this.#markerOf!(name);
  }

  #read(expression: Expression): Json | undefined {
    try {
      return readPath(expression.path!, this.#roots);
    } catch (error) {
      throw expressionError(expression.source, (error as Error).message, { cause: error });
    }
  }

  async run(sandbox: Sandbox): Promise<void> {
    if (this.#pending.length > 0) await this.#runPending(sandbox);
    if (this.#inText.size > 0) await this.#writeTexts();
  }

  async #runPending(sandbox: Sandbox): Promise<void> {
    const tasks = this.#pending.map((expression, index) => this.task('expression', expression.source, index));
    const outcomes = await sandbox.run(tasks, this.#options);
    for (const [index, expression] of this.#pending.entries()) {
      const outcome = outcomes[index]!;
      const subject = `{{ ${abridged(expression.source)} }}`;
      if (!outcome.ok) throw failureOf('expression_error', subject, outcome, this.#options);
      const { json } = outcome;
      this.#values.set(expression, json === undefined ? undefined : await resultOf('expression_error', subject, json));
    }
  }

  /** Writes the values that are put into texts. */
  async #writeTexts(): Promise<void> {
    let left = maxCharacters;
    for (const expression of this.#inText) {
      const value = this.#values.get(expression);
      if (typeof value !== 'object' || value === null) continue;
      const text = await writeJson(value);
      left -= text.length;
      if (left < 0) throw tooMuchText();
      this.#texts.set(expression, text);
    }
  }

  task(kind: SandboxTask['kind'], source: string, index: number): SandboxTask {
    const { organisationId } = this.#options;
    const seed = `${this.#seed}#${index}`;
    return { organisationId, kind, source, globals: () => this.#globals(kind, source), seed, now: this.#now };
  }

  #globals(kind: SandboxTask['kind'], source: string): SandboxGlobals | Promise<SandboxGlobals> {
    const globals: Record<string, string | undefined> = {};
    const large: Promise<void>[] = [];
    for (const name of Object.keys(this.#roots)) {
      // Programs do not only send what they read.
      if (name === 'secrets' && kind === 'program') continue;
      if (!mentions(source, name)) continue;
      const json = name === 'steps' ? this.#stepsJson(source) : this.#rootJson(name);
      // Each has its place from the start, so that they come in the same order every time.
      globals[name] = typeof json === 'string' ? json : undefined;
      if (json instanceof Promise) large.push(json.then((text) => void (globals[name] = text)));
    }
    return large.length === 0 ? globals : Promise.all(large).then(() => globals);
  }

  #rootJson(name: string): string | Promise<string> | undefined {
    const value = this.#roots[name];
    if (!this.#json.has(name)) this.#json.set(name, value === undefined ? undefined : writeJson(value));
    return this.#json.get(name);
  }

  /** Only the steps that the source names: the outputs of a large workflow would not fit into an expression's memory. */
  #stepsJson(source: string): string | Promise<string> | undefined {
    const named = stepsNamedIn(source);
    if (named === 'all') return this.#rootJson('steps');
    const steps = this.#roots.steps as Record<string, Json>;
    return writeJson(Object.fromEntries(named.filter((id) => Object.hasOwn(steps, id)).map((id) => [id, steps[id]])));
  }

  fill(value: Json): Json {
    if (typeof value === 'string') return this.#fillText(value);
    if (Array.isArray(value)) return value.map((item) => this.fill(item));
    if (!isObject(value)) return value;
    const entries = Object.entries(value).filter(([, item]) => item !== undefined);
    return Object.fromEntries(entries.map(([key, item]) => [key, this.fill(item!)]));
  }

  #fillText(text: string): Json {
    if (!isTemplate(text)) return text;
    const template = parseTemplate(text);
    const whole = wholeExpression(template);
    if (whole) return this.#values.get(whole) ?? null;
    let filled = '';
    for (const part of template.parts) {
      const piece = typeof part === 'string' ? part : (this.#texts.get(part) ?? toText(this.#values.get(part)));
      this.#characters += piece.length;
      if (this.#characters > maxCharacters) throw tooMuchText();
      filled += piece;
    }
    return filled;
  }
}

/** The step ids that a source names as `steps.<id>`, or `all` when it may read others. */
export function stepsNamedIn(source: string): string[] | 'all' {
  return namedAs('steps', source);
}

/** What a source names as `<root>.<name>`, or `all` when it may read others. */
export function namedAs(root: 'steps' | 'secrets', source: string): string[] | 'all' {
  const { names, mention } = rootPatterns[root];
  const named = [...source.matchAll(names)].map((match) => match[1]!);
  const mentioned = [...source.matchAll(mention)].length;
  return mentioned === named.length ? [...new Set(named)] : 'all';
}

// Other objects may have a property `secrets`, which is no mention of the secrets.
const rootPatterns = {
  steps: { names: namesOf('steps'), mention: /(?<![\w$])steps(?![\w$])/g },
  secrets: { names: namesOf('secrets'), mention: /(?<![\w$.])secrets(?![\w$]|\s*:)/g },
};

function namesOf(root: string): RegExp {
  return new RegExp(String.raw`(?<![\w$.])${root}\s*(?:\?\.|\.)\s*([A-Za-z_$][\w$]*)`, 'g');
}

function mentions(source: string, name: string): boolean {
  return source.includes(name);
}

/** Characters of the texts of one template, more than any plan lets a node be given. */
const maxCharacters = 16_777_216;

function tooMuchText(): NodeFailure {
  const message = `The values that are put into texts make more than ${maxCharacters} characters.`;
  return new NodeFailure('input_too_large', message, { limit_characters: maxCharacters });
}

/** How a value reads inside text: nothing for what is absent; lists and objects are written before. */
function toText(value: Json | undefined): string {
  return value === null || value === undefined ? '' : String(value);
}

async function resultOf(code: string, subject: string, json: string | undefined): Promise<Json> {
  return json === undefined ? null : parsed(code, subject, json);
}

async function parsed(code: string, subject: string, json: string): Promise<Json> {
  try {
    return await parseJson(json, valueBounds);
  } catch (error) {
    if (error instanceof JsonBoundError)
      throw new NodeFailure(code, `${subject}: gave a result that ${exceeds[error.bound]}`, { reason: 'output' });
    throw new NodeFailure(code, `${subject}: gave a result that is not JSON`, { reason: 'output' }, { cause: error });
  }
}

/** What a sandbox hands out comes from a hostile place: only lines that can be stored go on. Throws a NodeFailure. */
function checkedLogs(lines: readonly SandboxLog[]): readonly SandboxLog[] {
  if (Array.isArray(lines) && lines.length <= maxLogLines && lines.every(isLine)) return lines;
  throw new NodeFailure('code_error', 'The code: wrote log lines that cannot be read', { reason: 'output' });
}

function isLine({ level, message }: SandboxLog): boolean {
  return sandboxLogLevels.includes(level) && typeof message === 'string' && message.length <= maxLogMessage;
}

function expressionError(source: string, why: string, options?: ErrorOptions): NodeFailure {
  const expression = abridged(source);
  return new NodeFailure('expression_error', `{{ ${expression} }}: ${why}`, { expression, reason: 'error' }, options);
}

/** What befell a task by its own doing. */
type Limit = Exclude<SandboxFailure, 'unavailable' | 'busy' | 'cancelled'>;

const limits: Record<Limit, string> = {
  error: 'threw',
  time: 'ran out of time',
  memory: 'ran out of memory',
  stack: 'recursed too deeply',
  output: 'gave a result that is too large',
};

/** Which limit a task met. Throws SandboxUnavailableError, or the reason of the signal, where the failure is not the task's. */
export function limitOf({ reason }: SandboxOutcome & { ok: false }, { signal }: SandboxRunOptions): Limit {
  if (reason === 'cancelled') throw signal!.reason;
  if (reason === 'busy' || reason === 'unavailable') throw new SandboxUnavailableError(reason);
  return reason;
}

function failureOf(
  code: string,
  subject: string,
  outcome: SandboxOutcome & { ok: false },
  options: SandboxRunOptions,
): NodeFailure {
  const reason = limitOf(outcome, options);
  return new NodeFailure(code, `${subject}: ${reason === 'error' ? outcome.message : limits[reason]}`, { reason });
}

/** A source as messages show it. */
export function abridged(source: string): string {
  const text = source.trim();
  return text.length > 200 ? `${text.slice(0, 200)}...` : text;
}

function isObject(value: Json): value is { readonly [key: string]: Json | undefined } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
