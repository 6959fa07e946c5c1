import { type Document, isNode, isScalar, Lexer, LineCounter, parseDocument, visit } from 'yaml';
import type { Json } from '../../domain-error.ts';
import type { DefinitionProblem } from '../problem.ts';

/** How many faults of a text are told. */
const mostFaults = 20;
/** How many words and signs a text may have: parsed, each takes up to a kilobyte, and running out of memory ends the process. */
const mostTokens = 200_000;

/** The text as JSON, or what keeps it from being that. */
export type ParsedYaml = { value: Json; problems: [] } | { value?: undefined; problems: DefinitionProblem[] };

/** Takes up to seconds for a large text that was made to be slow: text from outside is parsed in a thread that can be ended. */
export function parseYaml(text: string): ParsedYaml {
  const json = asJson(text);
  if (json !== undefined) return { value: json, problems: [] };
  if (hasTooManyTokens(text)) {
    const message = `The text has more than ${mostTokens} words and signs.`;
    return { problems: [{ code: 'too_large', field: '', message, hint: 'Split the workflow, or import it as JSON.' }] };
  }
  const lines = new LineCounter();
  // YAML 1.2 core: no dates, no binary, no merge keys; what is left is JSON except for the numbers checked below. The
  // library's own check for double keys takes quadratic time, and so do its pretty errors.
  const document = parseDocument(text, {
    version: '1.2',
    schema: 'core',
    uniqueKeys: false,
    prettyErrors: false,
    lineCounter: lines,
  });
  const faults = document.errors.length > 0 ? document.errors.slice(0, mostFaults) : doubleKeys(document);
  if (faults.length > 0) {
    return {
      problems: faults.map(({ message, pos: [offset] }) => ({
        code: 'invalid_yaml',
        field: `line ${lines.linePos(offset).line}, column ${lines.linePos(offset).col}`,
        message: `The text is not YAML: ${message}.`,
        hint: 'Correct the text at that place.',
      })),
    };
  }
  try {
    const value = document.toJS({ maxAliasCount: 100 }) as Json;
    return { value: JSON.parse(JSON.stringify(value, finite) ?? 'null') as Json, problems: [] };
  } catch (error) {
    const message = `The text cannot be read as JSON: ${(error as Error).message}.`;
    return { problems: [{ code: 'invalid_yaml', field: '', message, hint: 'Write what JSON can hold.' }] };
  }
}

/** JSON is YAML, and far cheaper to read. */
function asJson(text: string): Json | undefined {
  if (!text.trimStart().startsWith('{')) return undefined;
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

function hasTooManyTokens(text: string): boolean {
  let tokens = 0;
  for (const _ of new Lexer().lex(text)) if (++tokens > mostTokens) return true;
  return false;
}

function doubleKeys(document: Document): { message: string; pos: [number, number] }[] {
  const faults: { message: string; pos: [number, number] }[] = [];
  visit(document, {
    Map: (_, { items }) => {
      const seen = new Set<string>();
      for (const { key } of items) {
        const name = isScalar(key) ? String(key.value) : undefined;
        if (name === undefined) faults.push({ message: 'The keys of a map must be text', pos: positionOf(key) });
        else if (seen.has(name)) faults.push({ message: `The key "${name}" is there twice`, pos: positionOf(key) });
        else seen.add(name);
      }
      return faults.length > mostFaults ? visit.BREAK : undefined;
    },
  });
  return faults;
}

function positionOf(node: unknown): [number, number] {
  const range = isNode(node) ? node.range : undefined;
  return range ? [range[0], range[1]] : [0, 0];
}

function finite(key: string, value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new TypeError(`${key} is not a finite number`);
  return value;
}
