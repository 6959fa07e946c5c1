import { expressionFault } from './syntax.ts';
import { type Path, parsePath } from './path.ts';

/** JavaScript between the braces of a template. */
export interface Expression {
  /** As written, white space included. */
  source: string;
  /** Set when the expression is a plain path, read in process. */
  path?: Path;
}

/** An expression of a template that cannot be evaluated. */
export interface TemplateFault {
  /** What stands between the braces. */
  source: string;
  message: string;
}

/** A string split into literal text and expressions. */
export interface Template {
  parts: readonly (string | Expression)[];
  faults: readonly TemplateFault[];
}

/** Ends an expression; JavaScript may contain it too (`{a: {b: 1}}`), so the first end that parses wins. */
interface Delimiters {
  open: string;
  close: string;
}

/** The delimiters of the canonical form. A backslash before `{{` makes it text. */
export const canonical: readonly Delimiters[] = [{ open: '{{', close: '}}' }];
/** The YAML form has both. */
export const yamlForm: readonly Delimiters[] = [
  { open: '{{', close: '}}' },
  { open: '${', close: '}' },
];

/** How many closing braces are tried for one expression, after the most likely one. */
const mostCandidates = 8;
/** How many faults of one text are told. */
const mostFaults = 3;
const cache = new Map<string, Template>();
const cacheSize = 2_000;

/** Splits `text` in the canonical form; answers are remembered, since a workflow's templates repeat at every execution. */
export function parseTemplate(text: string): Template {
  const known = cache.get(text);
  if (known) return known;
  const template = splitTemplate(text, canonical);
  if (cache.size >= cacheSize) cache.delete(cache.keys().next().value!);
  if (text.length <= 10_000) cache.set(text, template);
  return template;
}

/** True when the string has an expression, or what was meant as one. */
export function isTemplate(text: string): boolean {
  return text.includes('{{');
}

/** The one expression that the whole string is, whose value keeps its JSON type. */
export function wholeExpression(template: Template): Expression | undefined {
  const [only, ...rest] = template.parts;
  return rest.length === 0 && typeof only === 'object' ? only : undefined;
}

/** Splits `text` at the given delimiters; faults stay in the result as literal text. Never throws. */
export function splitTemplate(text: string, delimiters: readonly Delimiters[]): Template {
  const parts: (string | Expression)[] = [];
  const faults: TemplateFault[] = [];
  let literal = '';
  let position = 0;
  while (position < text.length) {
    const escaped = text[position] === '\\' && delimiters.find(({ open }) => text.startsWith(open, position + 1));
    if (escaped) {
      literal += escaped.open;
      position += 1 + escaped.open.length;
      continue;
    }
    const opening = delimiters.find(({ open }) => text.startsWith(open, position));
    if (!opening) {
      literal += text[position]!;
      position += 1;
      continue;
    }
    const found = endOfExpression(text, position + opening.open.length, opening.close);
    if ('message' in found) {
      faults.push({ source: found.source, message: found.message });
      // Each one costs a few tries; somebody who corrects these will see the others.
      const end = faults.length < mostFaults ? found.end : text.length;
      literal += text.slice(position, end);
      position = end;
      continue;
    }
    if (literal) parts.push(literal);
    literal = '';
    const { end, ...expression } = found;
    parts.push(expression);
    position = end;
  }
  if (literal || parts.length === 0) parts.push(literal);
  return { parts, faults };
}

type Found = Expression & { end: number };
type NotFound = TemplateFault & { end: number };

function endOfExpression(text: string, start: number, close: string): Found | NotFound {
  const first = text.indexOf(close, start);
  if (first === -1) return { source: text.slice(start), message: `${close} is missing`, end: text.length };
  const path = parsePath(text.slice(start, first));
  if (path) return { source: text.slice(start, first), path, end: first + close.length };
  const likely = likelyEnd(text, start, close);
  const found = likely === undefined ? undefined : tryEnd(text, start, likely, close);
  if (found && !('message' in found)) return found;
  return anyEnd(text, start, first, close);
}

/** The first end at which the source parses, else what is wrong up to the very first. */
function anyEnd(text: string, start: number, first: number, close: string): Found | NotFound {
  const shortest = tryEnd(text, start, first, close);
  let end = first;
  for (let tried = 0; tried < mostCandidates && end !== -1; tried++) {
    const found = tried === 0 ? shortest : tryEnd(text, start, end, close);
    if (!('message' in found)) return found;
    end = text.indexOf(close, end + 1);
  }
  return shortest;
}

function tryEnd(text: string, start: number, end: number, close: string): Found | NotFound {
  const source = text.slice(start, end);
  const message = expressionFault(source);
  return message === undefined ? { source, end: end + close.length } : { source, message, end: end + close.length };
}

/** The end by counting braces outside of strings and comments; regular expressions may lead it astray. */
function likelyEnd(text: string, start: number, close: string): number | undefined {
  // What is open: braces, and the backquotes around the templates that they stand in.
  const open: string[] = [];
  for (let at = start; at < text.length; at++) {
    const character = text[at]!;
    if (open.at(-1) === '`') {
      if (character === '\\') at += 1;
      else if (character === '`') open.pop();
      else if (text.startsWith('${', at)) open.push(text[++at]!);
    } else if (open.length === 0 && text.startsWith(close, at)) return at;
    else if (character === '{' || character === '`') open.push(character);
    else if (character === '}') open.pop();
    else at = skipped(text, at);
  }
  return undefined;
}

/** Position of the last character of the string or comment that begins at `at`, or `at`. */
function skipped(text: string, at: number): number {
  const quote = text[at]!;
  if (quote === '"' || quote === "'") {
    let end = at + 1;
    while (end < text.length && text[end] !== quote) end += text[end] === '\\' ? 2 : 1;
    return end;
  }
  const comment = text.startsWith('//', at) ? '\n' : text.startsWith('/*', at) ? '*/' : undefined;
  if (comment === undefined) return at;
  const end = text.indexOf(comment, at + 2);
  return end === -1 ? at : end + comment.length - 1;
}
