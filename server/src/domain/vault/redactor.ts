import type { Json } from '../domain-error.ts';

/** A value that must not be seen, and what is shown instead. */
export interface Confidential {
  readonly value: string;
  /** For example `[secret API_KEY]`. */
  readonly label: string;
}

/** Shorter ones cannot be told from other text. */
const shortest = 4;
/** In base64 a value keeps this many letters that do not depend on its surroundings, or is not looked for. */
const shortestInBase64 = 8;

/**
 * Removes confidential values from what comes back from other servers, also where they appear as parts of URLs, of forms, of
 * JSON text, in base64 or in hexadecimal digits.
 */
export class Redactor {
  readonly #needles: readonly (readonly [needle: string, label: string])[];

  constructor(confidential: readonly Confidential[]) {
    const needles = new Map<string, string>();
    for (const { value, label } of confidential) {
      if (value.length < shortest) continue;
      for (const form of formsOf(value)) if (!needles.has(form)) needles.set(form, label);
    }
    // The longest first, so that none hides in a part of another.
    this.#needles = [...needles].sort(([a], [b]) => b.length - a.length);
  }

  text(text: string): string {
    return this.#needles.reduce((left, [needle, label]) => left.replaceAll(needle, label), text);
  }

  /** Names of properties too; a number becomes text where it is one of the values. */
  json(value: Json): Json {
    if (this.#needles.length === 0) return value;
    if (typeof value === 'string') return this.text(value);
    if (typeof value === 'number') return this.#number(value);
    if (Array.isArray(value)) return value.map((item) => this.json(item as Json));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [this.text(key), item === undefined ? undefined : this.json(item)]),
    );
  }

  /** What is no text, byte by byte. */
  bytes(bytes: Uint8Array): Uint8Array {
    const text = Buffer.from(bytes).toString('latin1');
    const redacted = this.#needles.reduce(
      (left, [needle, label]) => left.replaceAll(Buffer.from(needle, 'utf8').toString('latin1'), label),
      text,
    );
    return redacted === text ? bytes : Buffer.from(redacted, 'latin1');
  }

  #number(value: number): Json {
    const text = String(value);
    const redacted = this.text(text);
    return redacted === text ? value : redacted;
  }
}

function formsOf(value: string): string[] {
  const bytes = Buffer.from(value, 'utf8');
  const json = JSON.stringify(value).slice(1, -1);
  return [
    value,
    encodeURIComponent(value.toWellFormed()),
    new URLSearchParams([['', value]]).toString().slice(1),
    json,
    json.replaceAll('/', String.raw`\/`),
    value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;'),
    bytes.toString('hex'),
    bytes.toString('hex').toUpperCase(),
    ...[0, 1, 2].flatMap((offset) => base64At(bytes, offset)),
  ].filter((form) => form.length >= shortest);
}

/** The letters that the value has in base64 wherever it begins `offset` bytes after a multiple of three. */
function base64At(bytes: Buffer, offset: number): string[] {
  const text = Buffer.concat([Buffer.alloc(offset), bytes])
    .toString('base64')
    .replaceAll('=', '');
  const first = offset === 0 ? 0 : offset + 1;
  const partial = (offset + bytes.length) % 3 !== 0;
  const letters = text.slice(first, partial ? text.length - 1 : text.length);
  if (letters.length < shortestInBase64) return [];
  return [letters, letters.replaceAll('+', '-').replaceAll('/', '_')];
}
