import type { DBOSConfig } from '@dbos-inc/dbos-sdk';

/**
 * What runs remember is JSON by agreement with the engine port. The format of DBOS would walk every value in JavaScript to
 * keep more than that, and a result of some megabytes would hold up everybody else in the process for seconds.
 */
export const jsonSerializer: NonNullable<DBOSConfig['serializer']> = {
  name: () => 'json',
  stringify: (value) => JSON.stringify(value ?? null),
  parse: (text) => (text === null || text === undefined ? null : (JSON.parse(text) as unknown)),
};
