import { createConfig } from '@redocly/openapi-core';
import openapiTS, {
  type GlobalContext,
  type OpenAPI3,
  type SchemaObject,
  astToString,
  transformSchemaObject,
} from 'openapi-typescript';
import ts from 'typescript';
import { type Form, FORMS } from '../forms/form.ts';
import { TYPE_KEYWORD, type TypeJsonOptions, typeJson, typeRef } from '../forms/type-json.ts';
import type { Contract, Schema } from '../ir/index.ts';
import type { Plan } from '../plan/plan.ts';

export interface TypePrinter {
  /** The interface `components` with every named schema under its planned name; read it after all `print` calls. */
  readonly components: string;
  /** The type of a schema in a form; named schemas are `schemas.Name`. */
  print(schema: Schema, form: Form, optional?: ReadonlySet<string>): string;
}

/**
 * Prints types through openapi-typescript. `relaxed` names schemas (by pointer) whose `optional` properties a handler may
 * leave out of responses.
 */
export async function typePrinter(
  contract: Contract,
  plan: Plan,
  relaxed: ReadonlySet<string>,
  optional: ReadonlySet<string>,
): Promise<TypePrinter> {
  const jsonOptions = (form: Form): TypeJsonOptions => ({
    contract,
    form,
    refTo: (pointer) => {
      const name = plan.schemas.get(pointer)?.formTypeNames.get(form);
      if (name === undefined) throw new Error(`the plan has no ${form} form of ${pointer}`);
      return typeRef(name);
    },
  });
  const schemas: Record<string, unknown> = {};
  for (const { schema, formTypeNames } of plan.schemas.values()) {
    for (const form of FORMS) {
      const name = formTypeNames.get(form);
      if (name === undefined || name in schemas) continue;
      const loose = form === 'response' && relaxed.has(schema.pointer);
      schemas[name] = typeJson(schema.schema, { ...jsonOptions(form), optional: loose ? optional : undefined });
    }
  }
  const document = {
    openapi: '3.1.1',
    info: { title: contract.title, version: contract.version },
    paths: {},
    components: { schemas },
  };
  const nodes = await openapiTS(document as unknown as OpenAPI3, {
    silent: true,
    emptyObjectsUnknown: true,
    defaultNonNullable: false,
    transform,
  });
  const components = astToString(nodes.filter(isComponents));
  let needsHelper = components.includes('WithRequired<');
  const context = await printContext(document);
  return {
    get components() {
      return needsHelper ? `${WITH_REQUIRED}\n${components}` : components;
    },
    print: (schema, form, loose) => {
      const json = typeJson(schema, { ...jsonOptions(form), optional: loose }) as SchemaObject;
      const printed = shortened(astToString(transformSchemaObject(json, { ctx: context })));
      needsHelper ||= printed.includes('WithRequired<');
      return printed;
    },
  };
}

function transform(schema: SchemaObject): ts.TypeNode | undefined {
  const type = (schema as Record<string, unknown>)[TYPE_KEYWORD];
  return typeof type === 'string' ? ts.factory.createTypeReferenceNode(type) : undefined;
}

function isComponents(node: ts.Node): boolean {
  return (ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) && node.name.text === 'components';
}

/** What openapi-typescript relies on for `required` beside `allOf`; its own is not exported. */
const WITH_REQUIRED = `export type WithRequired<T, K extends keyof T> = T & { [P in K]-?: T[P] };\n`;

function shortened(printed: string): string {
  return printed
    .trim()
    .replace(/components\["schemas"\]\["(\w+)"\]/g, 'schemas.$1')
    .replace(/ {4}/g, '  ');
}

/** What `openapiTS` sets up for itself, for printing one schema at a time. */
async function printContext(document: object): Promise<GlobalContext> {
  return {
    additionalProperties: false,
    alphabetize: false,
    arrayLength: false,
    conditionalEnums: false,
    dedupeEnums: false,
    defaultNonNullable: false,
    discriminators: { objects: {}, refsHandled: [] },
    emptyObjectsUnknown: true,
    enum: false,
    enumValues: false,
    excludeDeprecated: false,
    exportType: false,
    generatePathParams: false,
    immutable: false,
    injectFooter: [],
    makePathsEnum: false,
    pathParamsAsTypes: false,
    postTransform: undefined,
    propertiesRequiredByDefault: false,
    readWriteMarkers: false,
    redoc: (await createConfig({})) as unknown as GlobalContext['redoc'],
    resolve: <T>($ref: string) => resolve(document, $ref) as T | undefined,
    rootTypes: false,
    rootTypesKeepCasing: false,
    rootTypesNoSchemaPrefix: false,
    silent: true,
    transform: transform as GlobalContext['transform'],
    transformProperty: undefined,
  };
}

function resolve(document: object, ref: string): unknown {
  return ref
    .slice(2)
    .split('/')
    .reduce<unknown>((node, key) => (node as Record<string, unknown> | undefined)?.[key], document);
}
