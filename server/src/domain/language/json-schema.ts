import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import type { Json } from '../domain-error.ts';
import { parseDuration } from './duration.ts';

/** One place where a value breaks a JSON Schema. */
export interface SchemaFault {
  /** Keys from the root of the value; numbers are list positions. */
  keys: (string | number)[];
  message: string;
  hint: string;
}

const ajv = new Ajv2020({ allErrors: true, strict: false, verbose: true, validateFormats: true });
formats.default(ajv);
ajv.addFormat('duration-text', (text: string) => (parseDuration(text) ?? 0) > 0);

const compiled = new WeakMap<object, ValidateFunction>();

/** A validator of a schema that we wrote; compiled once. */
function compileSchema(schema: Record<string, Json>): ValidateFunction {
  const known = compiled.get(schema);
  if (known) return known;
  const validate = ajv.compile(schema);
  compiled.set(schema, validate);
  return validate;
}

/**
 * Every place where `value` breaks `schema`, which must be one of ours. Places that `isOpen` accepts (a template whose value
 * is known only when it runs) break nothing, nor does a choice (`oneOf` and the like) that fails because of them.
 */
export function schemaFaults(
  schema: Record<string, Json>,
  value: Json,
  isOpen: (value: unknown, keyword: string) => boolean = () => false,
): SchemaFault[] {
  const validate = compileSchema(schema);
  if (validate(value)) return [];
  const errors = validate.errors ?? [];
  const open = errors.filter((error) => isOpen(error.data, error.keyword));
  const judged = errors.filter((error) => !open.includes(error) && !isExcused(error, open));
  return toFaults(judged, value);
}

/** What AJV says of a value, in words and without repetition. */
export function toFaults(errors: readonly ErrorObject[], value: Json): SchemaFault[] {
  return deduplicated(withoutChoices(errors).map((error) => toFault(error, value)));
}

const choices = new Set(['oneOf', 'anyOf', 'not', 'if']);

function isExcused(error: ErrorObject, open: readonly ErrorObject[]): boolean {
  return (
    choices.has(error.keyword) &&
    open.some((other) => other.schemaPath.startsWith(error.schemaPath.replace(/\/if$/, '')))
  );
}

/** A failed choice repeats what its branches already said. */
function withoutChoices(errors: readonly ErrorObject[]): ErrorObject[] {
  return errors.filter(
    (error) =>
      !choices.has(error.keyword) ||
      !errors.some((other) => other !== error && other.schemaPath.startsWith(`${error.schemaPath}/`)),
  );
}

function toFault(error: ErrorObject, value: Json): SchemaFault {
  const keys = keysOf(error.instancePath, value);
  const parameters = error.params as Record<string, unknown>;
  switch (error.keyword) {
    case 'required':
      return {
        keys: [...keys, String(parameters.missingProperty)],
        message: 'is missing',
        hint: `Add "${String(parameters.missingProperty)}".`,
      };
    case 'additionalProperties':
    case 'unevaluatedProperties': {
      const name = String(parameters.additionalProperty ?? parameters.unevaluatedProperty);
      const known = Object.keys((error.parentSchema?.properties ?? {}) as object);
      const hint = known.length > 0 ? `Remove it. Known here: ${known.join(', ')}.` : 'Remove it.';
      return { keys: [...keys, name], message: 'is not known', hint };
    }
    case 'enum':
      return {
        keys,
        message: 'has a value that is not allowed',
        hint: `Use one of ${listed(parameters.allowedValues as unknown[])}.`,
      };
    case 'const':
      return {
        keys,
        message: 'has a value that is not allowed',
        hint: `Use ${JSON.stringify(parameters.allowedValue)}.`,
      };
    case 'type':
      return {
        keys,
        message: `must be ${typeNames(parameters.type)}`,
        hint: `Write ${typeNames(parameters.type)} here, or an {{ expression }}.`,
      };
    case 'format':
      return {
        keys,
        message:
          parameters.format === 'duration-text'
            ? 'is not a duration'
            : `is not in the format ${String(parameters.format)}`,
        hint: (error.parentSchema?.description as string) ?? 'Correct the value.',
      };
    default:
      return {
        keys,
        message: error.message ?? 'is not valid',
        hint: (error.parentSchema?.description as string) ?? 'Correct the value.',
      };
  }
}

function typeNames(type: unknown): string {
  return (Array.isArray(type) ? type : [type]).join(' or ');
}

function listed(values: readonly unknown[]): string {
  return values.map((value) => JSON.stringify(value)).join(', ');
}

function keysOf(pointer: string, value: Json): (string | number)[] {
  const keys: (string | number)[] = [];
  let at: unknown = value;
  for (const token of pointer.split('/').slice(1)) {
    const key = token.replaceAll('~1', '/').replaceAll('~0', '~');
    keys.push(Array.isArray(at) ? Number(key) : key);
    at = (at as Record<string, unknown> | undefined)?.[key];
  }
  return keys;
}

function deduplicated(faults: SchemaFault[]): SchemaFault[] {
  const seen = new Set<string>();
  return faults.filter((fault) => {
    const key = JSON.stringify([fault.keys, fault.message]);
    return seen.has(key) ? false : seen.add(key);
  });
}
