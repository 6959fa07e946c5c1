/** `application/json` of `Application/JSON; charset=utf-8`. RFC 9110 section 8.3.1. */
export function essence(contentType: string): string {
  const end = contentType.indexOf(';');
  return (end === -1 ? contentType : contentType.slice(0, end)).trim().toLowerCase();
}

/** The declared media type (or range, `image/*`) that a content type falls under: the most specific one. */
export function findMediaType(declared: readonly string[], contentType: string): string | undefined {
  const type = essence(contentType);
  const family = `${type.slice(0, type.indexOf('/'))}/*`;
  return (
    declared.find((candidate) => essence(candidate) === type) ??
    declared.find((candidate) => essence(candidate) === family) ??
    declared.find((candidate) => essence(candidate) === '*/*')
  );
}

interface MediaRange {
  readonly type: string;
  readonly quality: number;
}

/**
 * The available media type that `Accept` prefers, the earlier one among equals; undefined where it admits none of them.
 * RFC 9110 section 12.5.1; media type parameters other than `q` are not compared.
 */
export function negotiate(accept: string | undefined, available: readonly string[]): string | undefined {
  if (accept === undefined || accept === '*/*' || accept.trim() === '') return available[0];
  const ranges = accept.split(',').map(mediaRange);
  let best: string | undefined;
  let bestQuality = 0;
  for (const candidate of available) {
    const quality = qualityOf(essence(candidate), ranges);
    if (quality > bestQuality) {
      best = candidate;
      bestQuality = quality;
    }
  }
  return best;
}

/**
 * The media type of an error. Among equals one that `Accept` names and that is not the default wins: a client has no other reason to
 * name it beside the media type of the success it hopes for.
 */
export function negotiateError(accept: string | undefined, available: readonly string[]): string | undefined {
  const named = accept?.split(',').map((text) => mediaRange(text).type) ?? [];
  const special = available.slice(1).filter((candidate) => named.includes(essence(candidate)));
  return negotiate(accept, [...special, ...available]);
}

function mediaRange(text: string): MediaRange {
  const [type = '', ...parameters] = text.split(';');
  const weight = parameters.map((parameter) => /^\s*q\s*=\s*([\d.]+)\s*$/i.exec(parameter)?.[1]).find(Boolean);
  const quality = Number(weight);
  return { type: type.trim().toLowerCase(), quality: Number.isNaN(quality) ? 1 : quality };
}

/** The quality of the most specific range that covers the type. */
function qualityOf(type: string, ranges: readonly MediaRange[]): number {
  const family = `${type.slice(0, type.indexOf('/'))}/*`;
  for (const name of [type, family, '*/*']) {
    const range = ranges.find((candidate) => candidate.type === name);
    if (range !== undefined) return range.quality;
  }
  return 0;
}

/** `negotiate` that remembers its answers, since clients send few different `Accept` headers. */
export class Negotiator {
  readonly available: readonly string[];
  private readonly answers = new Map<string, string | undefined>();

  private readonly prefer: typeof negotiate;

  constructor(available: readonly string[], prefer: typeof negotiate = negotiate) {
    this.available = available;
    this.prefer = prefer;
  }

  choose(accept: string | undefined): string | undefined {
    if (accept === undefined || accept === '*/*') return this.available[0];
    if (this.answers.has(accept)) return this.answers.get(accept);
    const answer = this.prefer(accept, this.available);
    // Bounded, since a client chooses what is remembered.
    if (this.answers.size < 200) this.answers.set(accept, answer);
    return answer;
  }
}
