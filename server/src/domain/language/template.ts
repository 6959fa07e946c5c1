import { expressionFault } from './syntax.ts';
import { type Path, parsePath } from './path.ts';

/** JavaScript between the braces of a template. */
export interface Expression {
  /** As written, white space included. */
  source: string;
  /** Set when the expression is a plain path, read in process. */
  path?: Path;
}

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

/** How many closing braces are tried for one expression. */
const mostCandidates = 200;
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
      faults.push(found);
      literal += text.slice(position, found.end);
      position = found.end;
      continue;
    }
    if (literal) parts.push(literal);
    literal = '';
    const path = parsePath(found.source);
    parts.push(path ? { source: found.source, path } : { source: found.source });
    position = found.end;
  }
  if (literal || parts.length === 0) parts.push(literal);
  return { parts, faults };
}

function endOfExpression(
  text: string,
  start: number,
  close: string,
): { source: string; end: number } | (TemplateFault & { end: number }) {
  let shortest: (TemplateFault & { end: number }) | undefined;
  let candidate = text.indexOf(close, start);
  for (let tried = 0; candidate !== -1 && tried < mostCandidates; tried++) {
    const source = text.slice(start, candidate);
    const fault = expressionFault(source);
    if (fault === undefined) return { source, end: candidate + close.length };
    shortest ??= { source, message: fault, end: candidate + close.length };
    candidate = text.indexOf(close, candidate + 1);
  }
  return shortest ?? { source: text.slice(start), message: `${close} is missing`, end: text.length };
}
