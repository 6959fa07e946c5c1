import { type AST, RegExpParser } from '@eslint-community/regexpp';
import { PatternRefusedError } from './pattern-problem.ts';

/** Most characters of a pattern. */
export const maxPatternLength = 4_096;
/** Groups in groups. */
const deepestGroup = 100;

/** A pattern as parts that must all hold; `negate` says that a part must not. */
export interface PatternPart {
  /** Matches anywhere in the text, or from its start where `anchored`. */
  readonly alternatives: readonly (readonly AST.Element[])[];
  readonly anchored: boolean;
  readonly negate: boolean;
}

const parser = new RegExpParser({ ecmaVersion: 2025 });

/** A pattern that has to match the whole text, as the `pattern` attribute of HTML has to. */
export function wholly(pattern: string): string {
  return `${whollyBegins}${pattern})$`;
}

const whollyBegins = '^(?:';

/** `parsePattern` for a pattern that will be put into `wholly`; problems name places in the pattern itself. */
export function parseWholePattern(pattern: string): PatternPart[] {
  // By itself, too: `a)(b` would be one within other parentheses.
  syntaxOf(pattern);
  return parsePattern(wholly(pattern), whollyBegins.length);
}

/**
 * A pattern of a JSON Schema (ECMAScript, flag `u`) as parts without look-around. Throws PatternRefusedError for what is no
 * regular expression, and for what RE2 cannot say. Compiles and runs nothing.
 */
export function parsePattern(source: string, begin = 0): PatternPart[] {
  const { alternatives } = syntaxOf(source);
  const [only, ...others] = alternatives;
  const parts = others.length === 0 ? lookaheadParts(only!.elements) : [partOf(alternatives.map(elementsOf))];
  for (const part of parts) for (const elements of part.alternatives) assertBounded(elements, begin);
  return parts;
}

function syntaxOf(source: string): AST.Pattern {
  if (source.length > maxPatternLength)
    throw PatternRefusedError.tooLarge(`it has more than ${maxPatternLength} characters`);
  assertShallow(source);
  try {
    // Makes sure that it means to this version of JavaScript what it means to the parser; nothing is run.
    void new RegExp(source, 'u');
    return parser.parsePattern(source, 0, source.length, { unicode: true });
  } catch (error) {
    const why = (error as Error).message.replace(/^Invalid regular expression: /, '');
    throw PatternRefusedError.notRegular(why);
  }
}

/** The parser recurses. What stands in a class or is escaped counts too, which refuses nothing that anybody writes. */
function assertShallow(source: string): void {
  let depth = 0;
  for (let index = 0; index < source.length; index++) {
    const character = source[index];
    if (character === '\\') index += 1;
    else if (character === '(' && ++depth > deepestGroup)
      throw PatternRefusedError.tooLarge(`its groups nest deeper than ${deepestGroup}`);
    else if (character === ')') depth -= 1;
  }
}

function elementsOf({ elements }: AST.Alternative): readonly AST.Element[] {
  return elements;
}

function partOf(alternatives: PatternPart['alternatives'], anchored = false, negate = false): PatternPart {
  return { alternatives, anchored, negate };
}

/** `^(?=A)(?!B)C` holds where `^A` and `^C` match and `^B` does not. */
function lookaheadParts(given: readonly AST.Element[]): PatternPart[] {
  const elements = [...given];
  const parts: PatternPart[] = [];
  let anchored = false;
  for (let first = elements[0]; first; first = elements[0]) {
    if (isGroup(first) && first.alternatives.length === 1) elements.splice(0, 1, ...first.alternatives[0]!.elements);
    else if (first.type === 'Assertion' && first.kind === 'start') {
      anchored = true;
      elements.shift();
    } else if (anchored && first.type === 'Assertion' && first.kind === 'lookahead') {
      parts.push(partOf(first.alternatives.map(elementsOf), true, first.negate));
      elements.shift();
    } else break;
  }
  return [...parts, partOf([elements], anchored)];
}

function isGroup(element: AST.Element): element is AST.Group | AST.CapturingGroup {
  return (element.type === 'Group' && !element.modifiers) || element.type === 'CapturingGroup';
}

const noLookaround =
  'Look-aheads may stand at the beginning, behind ^. Write others as schemas of their own, with "allOf" and "not".';

/** Places are counted from `begin`. */
function assertBounded(elements: readonly AST.Element[], begin: number): void {
  for (const element of elements) {
    const { type, raw } = element;
    const start = element.start - begin;
    if (type === 'Backreference')
      throw PatternRefusedError.unbounded(`the back-reference ${raw}`, start, 'Write out what may be repeated.');
    if (type === 'Group' && element.modifiers) {
      const flags = `the flags ${raw.slice(0, raw.indexOf(':') + 1)}`;
      throw PatternRefusedError.unbounded(flags, start, 'Write out the letters, such as [Aa].');
    }
    if (type === 'Assertion' && (element.kind === 'lookahead' || element.kind === 'lookbehind')) {
      const name = element.kind === 'lookahead' ? 'look-ahead' : 'look-behind';
      const sign = raw.slice(0, element.kind === 'lookahead' ? 3 : 4);
      throw PatternRefusedError.unbounded(`the ${name} ${sign}`, start, noLookaround);
    }
    if (type === 'Quantifier') assertBounded([element.element], begin);
    if (type === 'Group' || type === 'CapturingGroup')
      for (const alternative of element.alternatives) assertBounded(alternative.elements, begin);
  }
}
