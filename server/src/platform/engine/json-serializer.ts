import type { DBOSConfig } from '@dbos-inc/dbos-sdk';
import { writeJson } from '../../domain/json-pieces.ts';
import { parseJson } from '../../domain/parse-json.ts';

/**
 * What runs remember is JSON by agreement with the engine port. The format of DBOS would walk every value in JavaScript to
 * keep more than that, and a result of some megabytes would hold up everybody else in the process for seconds. Large
 * outcomes are written and read in pieces: DBOS reads each one that it has written.
 */
export const jsonSerializer: NonNullable<DBOSConfig['serializer']> = {
  name: () => 'json',
  stringify: (value) => writeJson(value ?? null),
  parse: (text) => (text === null || text === undefined ? null : parseJson(text)),
};
