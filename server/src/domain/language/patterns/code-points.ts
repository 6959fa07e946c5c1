/** Code points as ordered ranges, both ends included, that neither meet nor overlap. */
export type CodePoints = readonly (readonly [from: number, to: number])[];

const last = 0x10ffff;

/** All that is in one of the sets. */
export function union(...sets: readonly CodePoints[]): CodePoints {
  const ranges = sets.flat().toSorted(([one], [other]) => one - other);
  const merged: [number, number][] = [];
  for (const [from, to] of ranges) {
    const before = merged.at(-1);
    if (before && from <= before[1] + 1) before[1] = Math.max(before[1], to);
    else merged.push([from, to]);
  }
  return merged;
}

/** All code points that are not in the set. */
export function complement(set: CodePoints): CodePoints {
  const rest: [number, number][] = [];
  let next = 0;
  for (const [from, to] of set) {
    if (from > next) rest.push([next, from - 1]);
    next = to + 1;
  }
  if (next <= last) rest.push([next, last]);
  return rest;
}

const properties = new Map<string, CodePoints>();
const maxProperties = 100;

/**
 * What `\p{property}` stands for in this version of JavaScript. Takes about 10 ms the first time, so it belongs in a thread of
 * the sandbox.
 */
export function propertyCodePoints(property: string): CodePoints {
  const known = properties.get(property);
  if (known) return known;
  const set = union(assigned(property), unassigned(property));
  properties.set(property, set);
  if (properties.size > maxProperties) properties.delete(properties.keys().next().value!);
  return set;
}

/** Where Unicode has characters: planes 0 to 3, without the halves of surrogate pairs, and the tags of plane 14. */
const scanned: CodePoints = [
  [0, 0xd7ff],
  [0xe000, 0x3ffff],
  [0xe0000, 0xe0fff],
];
/** All of `scanned` as text; half a megabyte, made once it is needed. */
let scannedText: string | undefined;

function assigned(property: string): CodePoints {
  scannedText ??= textOf(scanned);
  const found: [number, number][] = [];
  for (const { index, 0: run } of scannedText.matchAll(new RegExp(String.raw`\p{${property}}+`, 'gu')))
    found.push([index, index + run.length]);
  return scanned.flatMap((range) => overlap(found, range));
}

/** The runs, as positions in the text, that lie in one of the ranges that it is made of. */
function overlap(runs: readonly [number, number][], [from, to]: readonly [number, number]): CodePoints {
  const begin = positionOf(from);
  const end = positionOf(to) + widthOf(to);
  return runs
    .filter(([start, stop]) => start < end && stop > begin)
    .map(([start, stop]) => [codePointAt(Math.max(start, begin)), codePointAt(Math.min(stop, end) - 1)]);
}

function widthOf(codePoint: number): 1 | 2 {
  return codePoint > 0xffff ? 2 : 1;
}

const units = 0x10000 - 0x800;

function positionOf(codePoint: number): number {
  if (codePoint <= 0xd7ff) return codePoint;
  if (codePoint <= 0xffff) return codePoint - 0x800;
  return units + 2 * (codePoint <= 0x3ffff ? codePoint - 0x10000 : codePoint - 0xe0000 + 0x30000);
}

/** The inverse of `positionOf`; the second half of a pair counts for the first. */
function codePointAt(position: number): number {
  if (position <= 0xd7ff) return position;
  if (position < units) return position + 0x800;
  const codePoint = Math.floor((position - units) / 2);
  return codePoint < 0x30000 ? codePoint + 0x10000 : codePoint - 0x30000 + 0xe0000;
}

function textOf(ranges: CodePoints): string {
  const pieces: string[] = [];
  for (const [from, to] of ranges) {
    for (let next = from; next <= to; next += 4_096) {
      const codePoints = Array.from({ length: Math.min(4_096, to - next + 1) }, (_, index) => next + index);
      pieces.push(String.fromCodePoint(...codePoints));
    }
  }
  return pieces.join('');
}

/** Whole blocks that are alike: the halves of surrogate pairs, and the planes without characters. */
function unassigned(property: string): CodePoints {
  const has = new RegExp(String.raw`\p{${property}}`, 'u');
  const blocks: (readonly [number, number])[] = [[0xd800, 0xdfff]];
  for (let plane = 4; plane <= 16; plane++) {
    const start = plane * 0x10000;
    // The last two are noncharacters.
    blocks.push([plane === 14 ? start + 0x1000 : start, start + 0xfffd], [start + 0xfffe, start + 0xffff]);
  }
  return blocks.filter(([codePoint]) => has.test(String.fromCodePoint(codePoint)));
}
