import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { ContractDocument, Schema } from './contract-document.ts';

/** Keywords whose value is one schema that describes a value of its own. */
const VALUE_KEYWORDS = [
  'items',
  'contains',
  'additionalProperties',
  'unevaluatedItems',
  'unevaluatedProperties',
  'propertyNames',
];
/** Keywords whose schemas describe the same value as the schema they stand in. */
const IN_PLACE_LISTS = ['allOf', 'anyOf', 'oneOf'];
const IN_PLACE = ['not', 'if', 'then', 'else'];
/** Keywords of JSON Schema 2020-12 that are copied as they are; everything else (OpenAPI's own, `x-`) is no assertion. */
const ASSERTIONS = new Set([
  'type', 'enum', 'const', 'multipleOf', 'maximum', 'exclusiveMaximum', 'minimum', 'exclusiveMinimum', 'maxLength',
  'minLength', 'pattern', 'maxItems', 'minItems', 'uniqueItems', 'maxContains', 'minContains', 'maxProperties',
  'minProperties', 'dependentRequired', 'format',
]); // prettier-ignore

const ROOT = 'contract:response';

type Node = Record<string, unknown>;

/**
 * Compiles response schemas more strictly than the text reads: an object may hold only the properties that some applicable
 * schema names (unless the contract opens it with `additionalProperties`), and a `writeOnly` property may not appear.
 * A server that leaks a field is wrong even where JSON Schema would let it pass.
 */
export class ResponseSchemas {
  private readonly contract: ContractDocument;
  private readonly ajv: Ajv2020;
  private readonly names: readonly string[];
  private readonly compiled = new Map<Schema, ValidateFunction>();

  constructor(contract: ContractDocument) {
    this.contract = contract;
    this.ajv = new Ajv2020({
      allErrors: true,
      strictSchema: true,
      strictTypes: false,
      strictRequired: false,
      strictTuples: false,
    });
    addFormats.default(this.ajv);
    for (const format of ['password', 'binary']) this.ajv.addFormat(format, true);
    const components = (contract.document['components'] ?? {}) as Node;
    const schemas = Object.entries((components['schemas'] ?? {}) as Record<string, Schema>);
    this.ajv.addSchema({
      $id: ROOT,
      $defs: Object.fromEntries(schemas.map(([name, schema]) => [name, this.transform(schema)])),
    });
    this.names = schemas.map(([name]) => name);
  }

  /** Throws when a schema does not compile. */
  compileAll(): void {
    for (const name of this.names) this.ajv.compile({ $ref: `${ROOT}#/$defs/${escapeToken(name)}` });
  }

  /** What is wrong with the value, a line each; empty when it conforms. Throws when the schema itself does not compile. */
  problems(schema: Schema, value: unknown): string[] {
    let validate = this.compiled.get(schema);
    if (!validate) {
      validate = this.ajv.compile(this.transformValue(schema) as Node);
      this.compiled.set(schema, validate);
    }
    if (validate(value)) return [];
    return (validate.errors ?? []).map((error) => {
      const params = JSON.stringify(error.params);
      return `${error.instancePath || '/'} ${error.message} ${params}`;
    });
  }

  /** A schema at a place where a value of its own stands: sealed when it names properties. */
  private transformValue(schema: Schema): Schema {
    const result = this.transform(schema);
    if (typeof result === 'boolean' || !this.namesProperties(schema)) return result;
    return 'unevaluatedProperties' in result ? result : { ...result, unevaluatedProperties: false };
  }

  private transform(schema: Schema): Schema {
    if (typeof schema === 'boolean') return schema;
    const result: Node = {};
    for (const [keyword, value] of Object.entries(schema)) {
      if (ASSERTIONS.has(keyword)) result[keyword] = value;
      else if (keyword === '$ref')
        result['$ref'] = `${ROOT}${(value as string).replace('#/components/schemas/', '#/$defs/')}`;
      else if (keyword === 'required') result['required'] = this.visibleRequired(schema);
      else if (VALUE_KEYWORDS.includes(keyword)) result[keyword] = this.transformValue(value as Schema);
      else if (keyword === 'prefixItems')
        result[keyword] = (value as Schema[]).map((item) => this.transformValue(item));
      else if (IN_PLACE_LISTS.includes(keyword))
        result[keyword] = (value as Schema[]).map((item) => this.transform(item));
      else if (IN_PLACE.includes(keyword)) result[keyword] = this.transform(value as Schema);
      else if (keyword === 'dependentSchemas')
        result[keyword] = mapValues(value as Node, (item) => this.transform(item as Schema));
      else if (keyword === 'properties' || keyword === 'patternProperties') {
        result[keyword] = mapValues(value as Node, (item) =>
          this.isWriteOnly(item as Schema) ? false : this.transformValue(item as Schema),
        );
      }
    }
    return result;
  }

  private visibleRequired(schema: Node): string[] {
    const properties = (schema['properties'] ?? {}) as Record<string, Schema>;
    return (schema['required'] as string[]).filter((name) => !this.isWriteOnly(properties[name]));
  }

  private isWriteOnly(schema: Schema | undefined): boolean {
    if (typeof schema !== 'object') return false;
    const resolved = this.contract.resolve(schema);
    return schema['writeOnly'] === true || (typeof resolved === 'object' && resolved['writeOnly'] === true);
  }

  private namesProperties(schema: Schema): boolean {
    if (typeof schema === 'boolean') return false;
    if (schema['properties'] !== undefined) return true;
    if (typeof schema['$ref'] === 'string' && this.namesProperties(this.contract.resolve(schema))) return true;
    return IN_PLACE_LISTS.some((keyword) =>
      ((schema[keyword] as Schema[] | undefined) ?? []).some((item) => this.namesProperties(item)),
    );
  }
}

function mapValues(node: Node, map: (value: unknown) => unknown): Node {
  return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, map(value)]));
}

function escapeToken(token: string): string {
  return encodeURIComponent(token.replaceAll('~', '~0').replaceAll('/', '~1'));
}
