import type { TagPlan } from '../../plan/plan.ts';
import type { Target } from '../target.ts';
import type { SdkContext } from './context.ts';
import { emitIndex } from './emit-index.ts';
import { emitErrorCodes, emitOperations, emitWire } from './emit-operations.ts';
import { emitResource, type Method } from './emit-resource.ts';
import { emitModels, emitTypes } from './emit-types.ts';
import { emitWebhooks, hasWebhooks } from './emit-webhooks.ts';
import { methodName } from './method-name.ts';
import { readOptions } from './options.ts';
import { signatureOf } from './signature.ts';

/** The generated part of a TypeScript SDK, over openapi-typescript's types and a handwritten core. */
export const typescriptSdk: Target = {
  name: 'typescript-sdk',
  async emit({ contract, plan, config, options, problems }) {
    const context: SdkContext = {
      contract,
      plan,
      problems,
      options: readOptions(options, problems),
      idempotencyHeader: config.idempotencyHeader,
    };
    reportUnknownOperations(context);
    const resources = plan.tags.map((tag) => ({ tag, methods: methodsOf(context, tag) }));
    const signatures = resources.flatMap(({ methods }) => methods.map(({ signature }) => signature));
    return [
      { path: 'types.ts', text: await emitTypes(context) },
      { path: 'models.ts', text: emitModels(context) },
      { path: 'wire.ts', text: emitWire(context) },
      { path: 'error-codes.ts', text: emitErrorCodes(context) },
      { path: 'operations.ts', text: emitOperations(context, signatures) },
      ...resources.map(({ tag, methods }) => ({
        path: `resources/${tag.fileName}.ts`,
        text: emitResource(context, tag, methods),
      })),
      ...(hasWebhooks(context) ? [{ path: 'webhooks.ts', text: emitWebhooks(context) }] : []),
      { path: 'index.ts', text: emitIndex(context, plan.tags, signatures) },
    ];
  },
};

/** Two operations of a tag that would be the same method are a problem that names both. */
function methodsOf(context: SdkContext, tag: TagPlan): readonly Method[] {
  const taken = new Map<string, string>();
  return tag.operations.map((operation) => {
    const name = context.options.methods[operation.name] ?? free(methodName(operation));
    const other = taken.get(name);
    if (other !== undefined) {
      context.problems.add({
        code: 'sdk-method-collision',
        message: `${other} and ${operation.name} would both be ${tag.propertyName}.${name}() in the TypeScript SDK`,
        location: operation.operation.location,
        hint: `rename one, or set its name in the target's option "methods": { ${operation.name}: '...' }`,
      });
    }
    taken.set(name, operation.name);
    return { name, signature: signatureOf(context, operation) };
  });
}

/** Resources have these members already. */
function free(name: string): string {
  return name === 'client' || name === 'constructor' ? `${name}_` : name;
}

function reportUnknownOperations({ options, plan, problems }: SdkContext): void {
  const known = new Set(plan.operations.map(({ name }) => name));
  for (const option of ['methods', 'lastEvents'] as const) {
    for (const name of Object.keys(options[option]).filter((name) => !known.has(name))) {
      problems.add({
        code: 'unknown-target-option',
        message: `option "${option}" of the target typescript-sdk names the operation "${name}", which the contract does not have`,
      });
    }
  }
}
