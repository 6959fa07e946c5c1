import { maxLevels, maxNames } from './json-bounds.ts';

/** What every value counts, whatever it is. */
const valueBytes = 16;
/** Shorter texts are counted by characters, which is faster and hardly less exact. */
const shortText = 32;
/** Sizes of lists and objects from here on are remembered: values of a run are handed on and never changed. */
const worthRemembering = 4_096;
/** Far deeper than values may be, and far from the end of the stack. */
const tooDeep = maxLevels + 64;

/** How much a JSON value takes. */
export interface JsonSize {
  /** The UTF-8 bytes of its texts and names, and 16 for each value in it: about its JSON, and about a third of its memory. */
  readonly bytes: number;
  /** Levels of lists and objects. */
  readonly depth: number;
  /** Whether an object in it has more names than it may have; its depth is not known then. */
  readonly hasTooManyNames: boolean;
}

/** Bytes and depth in one number, so that measuring makes no objects. */
type Packed = number;
const depthStep = 256;
/** Stands for the depth of what has too many names. */
const tooWide = depthStep - 1;

const remembered = new WeakMap<object, Packed>();

/**
 * Measures a JSON value, which must not change any more. Parts that occur often count each time, as they do in its text, so
 * it stops once there are more bytes than `enough`: a few kilobytes of references may stand for terabytes.
 */
export function sizeOf(value: unknown, enough = Infinity): JsonSize {
  const packed = measure(value, enough, 0);
  const depth = packed % depthStep;
  return { bytes: Math.floor(packed / depthStep), depth, hasTooManyNames: depth === tooWide };
}

/** The bytes of `sizeOf` alone. */
export function bytesOf(value: unknown): number {
  return Math.floor(measure(value, Infinity, 0) / depthStep);
}

function measure(value: unknown, enough: number, level: number): Packed {
  if (typeof value === 'string') return (valueBytes + textBytes(value)) * depthStep;
  if (typeof value !== 'object' || value === null) return valueBytes * depthStep;
  const known = remembered.get(value);
  if (known !== undefined) return known;
  if (level > tooDeep) return valueBytes * depthStep + tooDeep;
  const packed = Array.isArray(value) ? ofList(value, enough, level) : ofObject(value, enough, level);
  const bytes = Math.floor(packed / depthStep);
  if (bytes >= worthRemembering && bytes <= enough && packed % depthStep !== tooDeep) remembered.set(value, packed);
  return packed;
}

function ofList(list: readonly unknown[], enough: number, level: number): Packed {
  let bytes = valueBytes;
  let depth = 0;
  for (let index = 0; index < list.length && bytes <= enough; index += 1) {
    const item = list[index];
    if (typeof item === 'object' && item !== null) {
      const size = measure(item, enough - bytes, level + 1);
      bytes += Math.floor(size / depthStep);
      depth = Math.max(depth, size % depthStep);
    } else bytes += typeof item === 'string' ? valueBytes + textBytes(item) : valueBytes;
  }
  return bytes * depthStep + deeper(depth);
}

function ofObject(object: object, enough: number, level: number): Packed {
  let bytes = valueBytes;
  const values = object as Record<string, unknown>;
  const keys = Object.keys(object);
  let depth = keys.length > maxNames ? tooWide : 0;
  for (const key of keys) {
    if (bytes > enough) break;
    const item = values[key];
    bytes += textBytes(key);
    if (typeof item === 'object' && item !== null) {
      const size = measure(item, enough - bytes, level + 1);
      bytes += Math.floor(size / depthStep);
      depth = Math.max(depth, size % depthStep);
    } else bytes += typeof item === 'string' ? valueBytes + textBytes(item) : valueBytes;
  }
  return bytes * depthStep + deeper(depth);
}

function deeper(depth: number): number {
  return depth === tooWide ? tooWide : depth + 1;
}

function textBytes(text: string): number {
  return text.length < shortText ? text.length : Buffer.byteLength(text);
}
