import type { Json } from '../../domain-error.ts';
import { parseTemplate } from '../../language/template.ts';
import { NodeFailure } from '../node-type.ts';

/** The parts of a URL template as a list: literal text, and expressions whose values are still to come. */
export function urlTemplate(url: string): { template: Json[]; isLiteral: boolean[] } {
  const { parts } = parseTemplate(url);
  return {
    template: parts.map((part) => (typeof part === 'string' ? part.replaceAll('{{', '\\{{') : `{{${part.source}}}`)),
    isLiteral: parts.map((part) => typeof part === 'string'),
  };
}

/**
 * The URL, with the value of each expression encoded for the place where it stands, so that a value can never change the
 * host, the path or the query around it. A value at the very beginning is a base address and taken as it is.
 */
export function requestUrl(
  values: readonly Json[],
  isLiteral: readonly boolean[],
  query: Readonly<Record<string, Json>>,
): URL {
  let text = '';
  values.forEach((value, index) => {
    text += isLiteral[index] || text === '' ? String(value ?? '') : encoded(value, text);
  });
  const url = parsed(text);
  for (const [name, value] of Object.entries(query)) append(url, name, value);
  return url;
}

function parsed(text: string): URL {
  if (!URL.canParse(text)) throw invalid(`${JSON.stringify(abridged(text))} is not a URL.`);
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw invalid(`The scheme ${url.protocol} is not http or https.`);
  if (url.username || url.password) throw invalid('The URL holds a user name or password; use "auth" instead.');
  url.hash = '';
  return url;
}

function encoded(value: Json, before: string): string {
  const text = value === null ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value);
  const afterScheme = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(before);
  const inHost = !afterScheme || afterScheme[0].length === before.length;
  if (inHost) {
    if (/^[A-Za-z0-9.-]*(?::\d+)?$/.test(text)) return text;
    throw invalid(`${JSON.stringify(abridged(text))} is not a host name.`);
  }
  // WHATWG URL parsing takes `%2e%2e` for `..` too, so a dot segment cannot be made harmless by encoding.
  if (/^\.{1,2}$/.test(text)) throw invalid(`${JSON.stringify(text)} cannot be a part of a path.`);
  return encodeURIComponent(text.toWellFormed());
}

function append(url: URL, name: string, value: Json): void {
  if (value === null) return;
  if (Array.isArray(value)) value.forEach((item) => append(url, name, item as Json));
  else url.searchParams.append(name, typeof value === 'object' ? JSON.stringify(value) : String(value));
}

function invalid(message: string): NodeFailure {
  return new NodeFailure('invalid_url', message);
}

function abridged(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}...` : text;
}
