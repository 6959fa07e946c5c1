import { Ajv2020, type Options } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import type { Json } from '../domain-error.ts';
import { type SchemaFault, toFaults } from './json-schema.ts';
import { type CompiledPattern, compilePattern } from './patterns/pattern.ts';
import { type PatternProblem, PatternRefusedError } from './patterns/pattern-problem.ts';
import { uniqueItems } from './schema-keywords.ts';

/*
 * Schemas that users wrote. Compiling one can take seconds and holding a value against it too, so all of this belongs in a
 * thread of the sandbox.
 */

/** How many faults of a value are told. */
const maxFaults = 100;

/** Asked only what a schema may be; making it compiles the meta-schemas, which takes 30 ms. */
let meta: Ajv2020 | undefined;

/**
 * A validator of a schema that a user wrote, compiled apart from all others, so that equal `$id`s do not meet. Patterns are
 * matched by RE2. Those of schemas that were stored before patterns were refused may need more than it can: they run as they
 * did, in the time limit of the sandbox. Throws when it is no schema.
 */
export function compileUserSchema(schema: Json): (value: Json) => SchemaFault[] {
  const validate = compile(schema, (source) => {
    try {
      return compilePattern(source);
    } catch (error) {
      if (error instanceof PatternRefusedError) return new RegExp(source, 'u');
      throw error;
    }
  });
  return (value) => (validate(value) ? [] : toFaults((validate.errors ?? []).slice(0, maxFaults), value));
}

/** Everything that keeps `schema` from being stored: that it is none (JSON Schema 2020-12), or its patterns. */
export function userSchemaFaults(schema: Json): SchemaFault[] {
  const refused = new Map<string, PatternProblem>();
  try {
    compile(schema, (source) => {
      try {
        return compilePattern(source);
      } catch (error) {
        if (!(error instanceof PatternRefusedError)) throw error;
        refused.set(source, error.problem);
        return { test: () => true };
      }
    });
  } catch (error) {
    // It nests too deeply, which the sandbox tells.
    if (error instanceof RangeError) throw error;
    const message = `is not a JSON Schema 2020-12: ${(error as Error).message}`;
    return [{ keys: [], message, hint: 'Correct the schema, or leave it out.' }];
  }
  return [...refused].map(([source, problem]) => ({ keys: placeOf(source, schema) ?? [], ...problem }));
}

function compile(schema: Json, pattern: (source: string) => CompiledPattern): ReturnType<Ajv2020['compile']> {
  meta ??= ajvOf();
  meta.validateSchema(schema as object, true);
  const regExp: Options['code'] = { regExp: engineOf(pattern) };
  const own = ajvOf({ validateSchema: false, code: regExp });
  const validate = own.compile(schema as object);
  // AJV would answer with a promise, which is true for everything.
  if ('$async' in validate) throw new Error('$async is not a keyword of JSON Schema');
  return validate;
}

function ajvOf(options: Options = {}): Ajv2020 {
  const ajv = new Ajv2020({ allErrors: true, strict: false, verbose: true, logger: false, ...options });
  formats.default(ajv);
  ajv.removeKeyword('uniqueItems');
  ajv.addKeyword(uniqueItems);
  return ajv;
}

/** AJV tells patterns apart by their text. */
function engineOf(pattern: (source: string) => CompiledPattern): NonNullable<NonNullable<Options['code']>['regExp']> {
  const engine = (source: string): CompiledPattern => {
    const compiled = pattern(source);
    return { test: (text) => compiled.test(text), toString: () => `/${source}/u` } as CompiledPattern;
  };
  // Only code that is written out as text would name it.
  return Object.assign(engine, { code: 'pattern' });
}

/** The keys that lead to the first place where a schema has the pattern. */
function placeOf(source: string, schema: Json | undefined): (string | number)[] | undefined {
  if (typeof schema !== 'object' || schema === null) return undefined;
  const entries = Array.isArray(schema) ? [...schema.entries()] : Object.entries(schema);
  for (const [key, value] of entries as [string | number, Json | undefined][]) {
    if (key === 'pattern' && value === source) return [key];
    if (key === 'patternProperties' && typeof value === 'object' && value !== null && Object.hasOwn(value, source))
      return [key, source];
    const inside = placeOf(source, value);
    if (inside) return [key, ...inside];
  }
  return undefined;
}
