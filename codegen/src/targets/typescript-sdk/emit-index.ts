import type { TagPlan } from '../../plan/plan.ts';
import type { SdkContext } from './context.ts';
import { comment, header, quote } from './print.ts';
import { hasWebhooks } from './emit-webhooks.ts';
import type { Signature } from './signature.ts';

/** `index.ts`: all resources over one client, and the types that calls take and give. */
export function emitIndex(context: SdkContext, tags: readonly TagPlan[], signatures: readonly Signature[]): string {
  const { options, contract } = context;
  const classes = tags.map(({ typeName, fileName }) => `import { ${typeName} } from './resources/${fileName}.ts';\n`);
  const fields = tags.map(({ tag, propertyName, typeName }) => {
    const doc = comment(tag.description === undefined ? [] : [tag.description], '  ');
    return `${doc}  readonly ${propertyName}: ${typeName};\n`;
  });
  const assignments = tags.map(({ propertyName, typeName }) => `    this.${propertyName} = new ${typeName}(client);\n`);
  const params = tags.flatMap(({ tag, fileName }) => {
    const names = signatures.flatMap(({ plan, params: own }) => (plan.tag.name === tag.name && own ? [own.name] : []));
    return names.length === 0 ? [] : [`export type { ${names.join(', ')} } from './resources/${fileName}.ts';\n`];
  });
  return [
    `${header(contract)}\n`,
    ...(tags.length === 0 ? [] : [`import type { Client } from ${quote(options.coreImport)};\n`]),
    ...classes,
    "\nexport type { ErrorCode } from './error-codes.ts';\n",
    "export type * as models from './models.ts';\n",
    "export { operations } from './operations.ts';\n",
    ...params,
    "export type { components, paths } from './types.ts';\nexport { wire } from './wire.ts';\n",
    ...(hasWebhooks(context)
      ? [
          "export { webhookNames } from './webhooks.ts';\n",
          "export type { WebhookEvent, WebhookPayloads } from './webhooks.ts';\n",
        ]
      : []),
    `\n/** One property for each tag of ${contract.title}. */\nexport abstract class Resources {\n`,
    ...fields,
    ...(tags.length === 0 ? [] : ['\n  constructor(client: Client) {\n', ...assignments, '  }\n']),
    '}\n',
  ].join('');
}
