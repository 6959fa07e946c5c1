import type { Contract, Schema } from '../src/ir/index.ts';
import { readContract } from '../src/ir/read/read-contract.ts';
import type { JsonObject } from '../src/json.ts';
import { Problems } from '../src/problems.ts';

/** The IR of a document given as a value; a location is its pointer at line 0. */
export function contractOf(document: JsonObject, problems = new Problems()): Contract {
  const loaded = {
    document: { openapi: '3.1.0', info: { title: 'Test', version: '1' }, ...document },
    source: 'test.yaml',
    locate: (pointer: string) => ({ file: 'test.yaml', pointer, line: 0, column: 0 }),
  };
  const contract = readContract(loaded, { name: 'test', idempotencyHeader: 'Idempotency-Key' }, problems);
  problems.throwIfAny();
  return contract;
}

/** A contract with component schemas only, and the one called `Subject`. */
export function schemasOf(schemas: JsonObject): { contract: Contract; subject: Schema } {
  const contract = contractOf({ paths: {}, components: { schemas } });
  return { contract, subject: contract.schemas.get('/components/schemas/Subject')!.schema };
}
