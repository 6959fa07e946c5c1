import type { Json } from '../domain-error.ts';

/** What a spreadsheet would run as a formula (OWASP, "CSV Injection"), also in the full-width forms of East Asian input. */
const formula = /^[=+\-@\t\r\n＝＋－＠]/;

/** One cell: numbers and truths as they are, lists with `; ` between, text that would be a formula behind an apostrophe. */
function cellOf(value: Json | undefined): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  const text = Array.isArray(value) ? value.map(String).join('; ') : String(value);
  const safe = formula.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) || safe !== safe.trim() ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** One line of a CSV file, with its end (RFC 4180). */
export function csvLine(values: readonly (Json | undefined)[]): string {
  return `${values.map(cellOf).join(',')}\r\n`;
}
