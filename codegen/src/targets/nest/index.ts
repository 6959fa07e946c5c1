import { join } from 'node:path';
import type { Response } from '../../ir/index.ts';
import { header, importSpecifier, indent, propertyKey, quote, withoutComments } from '../../print/text.ts';
import type { GeneratedFile, Target, TargetInput } from '../target.ts';
import { type NestContext, nestContext } from './nest-context.ts';
import { printOperationDescriptor, printResponseDescriptor } from './operation-descriptor.ts';
import { printComponentResponse, printStatusTypes } from './response-types.ts';
import { printTagFile } from './tag-file.ts';

/** Interfaces, decorators, validators, projections and descriptors for a NestJS server on `runtime/nest`. */
export const nest: Target = {
  name: 'nest',
  async emit(input: TargetInput): Promise<readonly GeneratedFile[]> {
    const context = await nestContext(input);
    const runtimeImport = (file: string): string => importSpecifier(join(input.out, file), input.config.runtimeImport);
    const files = new Map<string, string>();
    for (const tag of context.plan.tags) {
      const path = `tags/${tag.fileName}.ts`;
      files.set(path, printTagFile(context, tag, runtimeImport(path)));
    }
    files.set('responses.ts', printResponses(context, runtimeImport('responses.ts')));
    files.set('operations.js', printOperations(context));
    files.set('operations.d.ts', printOperationTypes(context, runtimeImport('operations.d.ts')));
    for (const form of ['request', 'upload', 'response'] as const) {
      const types = `validators/${form}.d.ts`;
      const validators = context.validators[form];
      if (validators.isEmpty) continue;
      try {
        files.set(`validators/${form}.js`, validators.print());
        files.set(types, validators.printTypes(runtimeImport(types)));
      } catch (cause) {
        input.problems.add({
          code: 'invalid-schema',
          message: `a schema in ${form} form does not compile: ${(cause as Error).message}`,
          hint: 'the name after $defs or definitions says which',
        });
      }
    }
    if (!context.projections.isEmpty) {
      files.set('projections.js', context.projections.print('./validators/response.js'));
      files.set('projections.d.ts', context.projections.printTypes());
    }
    files.set('types.ts', context.types.components);
    files.set('schemas.ts', printSchemas(context));
    files.set('index.ts', printIndex(context));
    return [
      { path: 'openapi.json', text: `${JSON.stringify(context.contract.document, null, 2)}\n` },
      ...[...files].map(([path, text]) => ({ path, text: `${header(context.contract.source)}\n${text}` })),
    ];
  },
};

function componentResponses(context: NestContext): ReadonlyMap<string, Response> {
  const found = new Map<string, Response>();
  for (const response of context.contract.operations.flatMap((operation) => operation.responses)) {
    const name = response.component === undefined ? undefined : context.plan.responses.get(response.component);
    if (name !== undefined && !found.has(name)) found.set(name, response);
  }
  return found;
}

function printResponses(context: NestContext, runtimeImport: string): string {
  const statuses = new Set(
    context.contract.operations.flatMap(({ responses }) => responses.map(({ status }) => status)),
  );
  const components = [...componentResponses(context)].map(([name, response]) =>
    printComponentResponse(context, name, response),
  );
  const body = [...components, printStatusTypes(statuses)].filter((text) => text !== '').join('\n');
  if (body === '') return 'export {};\n';
  const code = withoutComments(body);
  return [
    code.includes('runtime.') ? `import type * as runtime from ${quote(runtimeImport)};\n` : '',
    code.includes('schemas.') ? `import type * as schemas from './schemas.ts';\n` : '',
    code.includes('WithRequired<') ? `import type { WithRequired } from './types.ts';\n` : '',
    `\n${body}`,
  ].join('');
}

function printOperations(context: NestContext): string {
  const { contract, plan } = context;
  const operations = plan.operations.map(
    (operation) => `${propertyKey(operation.name)}: ${printOperationDescriptor(context, operation)},\n`,
  );
  const components = [...componentResponses(context)].map(
    ([name, response]) =>
      `${name}: ${printResponseDescriptor(
        context,
        response,
        name.replace(/^./, (first) => first.toLowerCase()),
      )},\n`,
  );
  const schemes = contract.securitySchemes.map(({ key, type, in: place, name, scheme }) => {
    const fields = Object.entries({ type, in: place, name, scheme }).filter(([, value]) => value !== undefined);
    return `${propertyKey(key)}: { ${fields.map(([field, value]) => `${field}: ${quote(String(value))}`).join(', ')} },\n`;
  });
  const validators = (['request', 'upload', 'response'] as const)
    .filter((form) => !context.validators[form].isEmpty)
    .map((form) => `import * as ${form} from './validators/${form}.js';\n`);
  return [
    `import { readFileSync } from 'node:fs';\n`,
    context.projections.isEmpty ? '' : `import * as projections from './projections.js';\n`,
    ...validators,
    components.length === 0 ? '' : `\nconst responses = {\n${indent(components.join(''))}};\n`,
    `\nexport const operations = {\n${indent(operations.join(''))}};\n`,
    `\n/** Everything the runtime has to know about this contract. */\n`,
    `export const contract = {\n`,
    `  name: ${quote(contract.name)},\n`,
    `  document: JSON.parse(readFileSync(new URL('./openapi.json', import.meta.url), 'utf8')),\n`,
    `  operations,\n`,
    `  securitySchemes: {\n${indent(schemes.join(''), '    ')}  },\n`,
    `};\n`,
  ].join('');
}

function printOperationTypes({ plan }: NestContext, runtimeImport: string): string {
  return [
    `import type { ContractDescriptor, OperationDescriptor } from ${quote(runtimeImport)};\n`,
    `\nexport type OperationName = ${plan.operations.map(({ name }) => quote(name)).join(' | ') || 'never'};\n`,
    `\nexport declare const operations: Readonly<Record<OperationName, OperationDescriptor>>;\n`,
    `\n/** Everything the runtime has to know about this contract. */\n`,
    `export declare const contract: ContractDescriptor;\n`,
  ].join('');
}

function printSchemas(context: NestContext): string {
  const names = [...context.plan.schemas.values()].flatMap(({ formTypeNames }) => [...new Set(formTypeNames.values())]);
  if (names.length === 0) return 'export {};\n';
  const aliases = names.map((name) => `export type ${name} = components['schemas'][${quote(name)}];\n`);
  return `import type { components } from './types.ts';\n\n${aliases.join('')}`;
}

function printIndex(context: NestContext): string {
  return [
    ...context.plan.tags.map((tag) => `export * from './tags/${tag.fileName}.ts';\n`),
    `export { contract, type OperationName, operations } from './operations.js';\n`,
    `export type * as responses from './responses.ts';\n`,
    `export type * from './schemas.ts';\n`,
  ].join('');
}
