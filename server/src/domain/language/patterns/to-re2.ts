import type { AST } from '@eslint-community/regexpp';
import { type CodePoints, complement, propertyCodePoints, union } from './code-points.ts';
import type { PatternPart } from './parse-pattern.ts';
import { PatternRefusedError } from './pattern-problem.ts';

/** A piece of a pattern in the syntax of RE2. */
interface Piece {
  readonly text: string;
  /** Characters of the text, as a bound: properties count for as much as the longest of them. */
  readonly length: number;
  /** About how many instructions RE2 makes of it. */
  readonly size: number;
  /** What RE2 multiplies of repetitions in each other; it takes no more than `maxRepeats`. */
  readonly repeats: number;
}

/** Of one pattern, with all repetitions written out. */
const maxInstructions = 20_000;
/** Classes are written out as ranges. */
const maxTextLength = 1_000_000;
const maxPropertyLength = 15_000;
const maxRepeats = 1_000;

const lineEnds: CodePoints = union([[0x0a, 0x0a]], [[0x0d, 0x0d]], [[0x2028, 0x2029]]);
const digits: CodePoints = [[0x30, 0x39]];
const letters: CodePoints = union(digits, [[0x41, 0x5a]], [[0x5f, 0x5f]], [[0x61, 0x7a]]);
/** WhiteSpace and LineTerminator of ECMA-262. */
const spaces: CodePoints = union(
  [[0x09, 0x0d]],
  [[0x20, 0x20]],
  [[0xa0, 0xa0]],
  [[0x1680, 0x1680]],
  [[0x2000, 0x200a]],
  [[0x2028, 0x2029]],
  [[0x202f, 0x202f]],
  [[0x205f, 0x205f]],
  [[0x3000, 0x3000]],
  [[0xfeff, 0xfeff]],
);

/**
 * The part in the syntax of RE2 (RE2JS), with ECMAScript's meaning: classes, which the two read differently, are written out
 * as code points. Throws PatternRefusedError when it is too large.
 */
export function toRe2({ alternatives, anchored }: PatternPart): string {
  const { text } = new Translation(true).disjunction(alternatives);
  return anchored ? String.raw`\A(?:${text})` : text;
}

/** Throws PatternRefusedError when `toRe2` would; does not look up what properties stand for, which takes a while. */
export function assertFits({ alternatives }: PatternPart): void {
  new Translation(false).disjunction(alternatives);
}

class Translation {
  readonly #withProperties: boolean;

  constructor(withProperties: boolean) {
    this.#withProperties = withProperties;
  }

  disjunction(alternatives: readonly (readonly AST.Element[])[]): Piece {
    return joined(
      alternatives.map((elements) =>
        joined(
          elements.map((element) => this.#piece(element)),
          '',
        ),
      ),
      '|',
    );
  }

  #piece(element: AST.Element): Piece {
    switch (element.type) {
      case 'Character':
        return atom(`\\x{${element.value.toString(16)}}`);
      case 'CharacterSet':
      case 'CharacterClass':
        return this.#class(element);
      case 'Group':
      case 'CapturingGroup':
        return grouped(this.disjunction(element.alternatives.map(({ elements }) => elements)));
      case 'Quantifier':
        return repeated(this.#piece(element.element), element.min, element.max);
      case 'Assertion':
        return atom(assertionText(element));
      // The parser gives no others without the flag v, and those of before were refused.
      default:
        throw PatternRefusedError.notRegular(`it has ${element.raw}`);
    }
  }

  #class(element: AST.CharacterSet | AST.CharacterClass): Piece {
    const properties = element.raw.match(/\\p/gi)?.length ?? 0;
    if (properties === 0) return atom(toClass(codePointsOf(element)));
    const text = this.#withProperties ? toClass(codePointsOf(element)) : '';
    return { ...atom(text), length: properties * maxPropertyLength };
  }
}

function joined(pieces: readonly Piece[], separator: string): Piece {
  const total = (of: (piece: Piece) => number): number => pieces.reduce((sum, piece) => sum + of(piece), 0);
  return bounded({
    text: pieces.map(({ text }) => text).join(separator),
    length: total(({ length }) => length + separator.length),
    size: total(({ size }) => size + separator.length),
    repeats: Math.max(1, ...pieces.map(({ repeats }) => repeats)),
  });
}

function bounded(piece: Piece): Piece {
  if (piece.size <= maxInstructions && piece.length <= maxTextLength) return piece;
  throw PatternRefusedError.tooLarge(`with its repetitions written out it has more than ${maxInstructions} parts`);
}

function grouped(piece: Piece): Piece {
  return { ...piece, text: `(?:${piece.text})`, length: piece.length + 4 };
}

function atom(text: string): Piece {
  return { text, length: text.length, size: 1, repeats: 1 };
}

function assertionText(assertion: AST.Assertion): string {
  switch (assertion.kind) {
    case 'start':
      return String.raw`\A`;
    case 'end':
      return String.raw`\z`;
    case 'word':
      return assertion.negate ? String.raw`\B` : String.raw`\b`;
    default:
      throw PatternRefusedError.notRegular(`it has ${assertion.raw}`);
  }
}

/** What RE2 does not repeat so often is written so often. */
function repeated(piece: Piece, min: number, max: number): Piece {
  if (max === 0) return atom('(?:)');
  const size = max === Infinity ? (min + 1) * (piece.size + 1) : min * piece.size + (max - min) * (piece.size + 1);
  bounded({ ...piece, size });
  const chunk = Math.max(1, Math.floor(maxRepeats / piece.repeats));
  const most = max === Infinity ? min : max;
  if (most <= chunk) return { ...quantified(piece, min, max), size, repeats: piece.repeats * Math.max(1, most) };
  const chunks = [...times(piece, min, chunk, true)];
  if (max === Infinity) chunks.push(quantified(piece, 0, Infinity));
  else chunks.push(...times(piece, max - min, chunk, false));
  return { ...grouped(joined(chunks, '')), size, repeats: maxRepeats };
}

/** The piece as often as `count` in chunks, or at most as often. */
function* times(piece: Piece, count: number, chunk: number, required: boolean): Generator<Piece> {
  for (let left = count; left > 0; left -= chunk) {
    const here = Math.min(left, chunk);
    yield quantified(piece, required ? here : 0, here);
  }
}

function quantified(piece: Piece, min: number, max: number): Piece {
  const sign = quantifier(min, max);
  return { ...piece, text: piece.text + sign, length: piece.length + sign.length };
}

function quantifier(min: number, max: number): string {
  if (min === 1 && max === 1) return '';
  if (max === Infinity) return min === 0 ? '*' : min === 1 ? '+' : `{${min},}`;
  return min === max ? `{${min}}` : `{${min},${max}}`;
}

function codePointsOf(element: AST.CharacterSet | AST.CharacterClass | AST.CharacterClassElement): CodePoints {
  switch (element.type) {
    case 'Character':
      return [[element.value, element.value]];
    case 'CharacterClassRange':
      return [[element.min.value, element.max.value]];
    case 'CharacterClass':
      return negated(element.negate, union(...element.elements.map(codePointsOf)));
    case 'CharacterSet':
      return setOf(element);
    default:
      throw PatternRefusedError.notRegular(`it has ${element.raw}`);
  }
}

function setOf(set: AST.CharacterSet): CodePoints {
  switch (set.kind) {
    case 'any':
      return complement(lineEnds);
    case 'digit':
      return negated(set.negate, digits);
    case 'space':
      return negated(set.negate, spaces);
    case 'word':
      return negated(set.negate, letters);
    case 'property':
      return negated(set.negate, propertyCodePoints(set.value === null ? set.key : `${set.key}=${set.value}`));
  }
}

function negated(negate: boolean, set: CodePoints): CodePoints {
  return negate ? complement(set) : set;
}

function toClass(set: CodePoints): string {
  // RE2 has no empty class.
  if (set.length === 0) return String.raw`[^\x{0}-\x{10ffff}]`;
  return `[${set.map(([from, to]) => `\\x{${from.toString(16)}}-\\x{${to.toString(16)}}`).join('')}]`;
}
