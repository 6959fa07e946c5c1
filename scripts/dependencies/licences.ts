import type { Exceptions, LicenceException } from './exceptions.ts';

/** A package and the licence that its metadata names, as an SPDX expression. */
export interface Dependency {
  readonly name: string;
  readonly version: string;
  readonly licence?: string;
}

/** Licences that ask for no more than to be named: SPDX identifiers. */
const allowed: ReadonlySet<string> = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC0-1.0',
  'ISC',
  'MIT',
  'MIT-0',
  'PostgreSQL',
  'PSF-2.0',
  'Python-2.0',
  'Unlicense',
  'Zlib',
]);

/** What is wrong with the licences, one line each, and exceptions that no package needs. */
export function licenceFaults(dependencies: readonly Dependency[], exceptions: Exceptions): string[] {
  const used = new Set<LicenceException>();
  const faults = dependencies.flatMap(({ name, version, licence: named }) => {
    const unnamed = named === undefined ? exceptions.unnamed.find((entry) => entry.name === name) : undefined;
    if (unnamed) used.add(unnamed);
    const licence = named ?? unnamed?.licence;
    if (licence === undefined) return [`${name} ${version} names no licence`];
    if (isAllowed(licence)) return [];
    const exception = exceptions.licences.find((entry) => entry.name === name && entry.licence === licence);
    if (!exception) return [`${name} ${version} has the licence ${licence}`];
    used.add(exception);
    return [];
  });
  const unused = [...exceptions.licences, ...exceptions.unnamed].filter((entry) => !used.has(entry));
  return [...faults, ...unused.map(({ name }) => `the exception for the licence of ${name} is not needed`)];
}

/** An SPDX expression without `WITH` (SPDX 3 annex B): one alternative of `OR` must be allowed, all parts of `AND`. */
export function isAllowed(expression: string): boolean {
  const text = expression.trim();
  const inner = /^\(([^()]*)\)$/.exec(text)?.[1] ?? text;
  return inner.split(' OR ').some((part) => part.split(' AND ').every((id) => allowed.has(id.trim())));
}
