import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';

/** A licence that one package may have, or has without saying so. */
export interface LicenceException {
  readonly name: string;
  readonly licence: string;
  readonly reason: string;
}

/** A finding that does no harm until a day. */
export interface AdvisoryException {
  readonly id: string;
  /** `2027-01-31`; the finding counts from then on. */
  readonly until: string;
  readonly reason: string;
}

export interface Exceptions {
  readonly licences: readonly LicenceException[];
  readonly unnamed: readonly LicenceException[];
  readonly advisories: readonly AdvisoryException[];
}

export async function readExceptions(): Promise<Exceptions> {
  return parse(await readFile(join(import.meta.dirname, 'exceptions.yaml'), 'utf8')) as Exceptions;
}
