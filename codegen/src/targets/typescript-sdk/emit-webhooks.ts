import type { Webhook } from '../../ir/index.ts';
import { modelType, type SdkContext } from './context.ts';
import { comment, header, key, literal, quote } from './print.ts';

/** `webhooks.ts`: the type of what each webhook sends, by its name, and the names (OpenAPI 3.1 section 4.8.1, `webhooks`). */
export function emitWebhooks(context: SdkContext): string {
  const webhooks = withJson(context);
  const types = webhooks.map((webhook) => ({ webhook, type: payloadType(context, webhook) }));
  const imports = [
    types.some(({ type }) => type.startsWith('models.')) ? "import type * as models from './models.ts';\n" : '',
    types.some(({ type }) => type.startsWith('NonNullable<')) ? "import type { webhooks } from './types.ts';\n" : '',
  ];
  const fields = types.map(({ webhook, type }) => {
    const doc = [webhook.summary, webhook.description].filter((line) => line !== undefined);
    return `${comment(doc, '  ')}  ${key(webhook.name)}: ${type};\n`;
  });
  return [
    `${header(context.contract)}\n`,
    ...imports,
    `\n/** What each webhook of ${context.contract.title} sends, by its name. */\nexport interface WebhookPayloads {\n`,
    ...fields,
    '}\n\n/** Anything that a webhook sends. */\nexport type WebhookEvent = WebhookPayloads[keyof WebhookPayloads];\n',
    '\n/** The names of the webhooks. */\n',
    `export const webhookNames = ${literal(webhooks.map(({ name }) => name))} as const satisfies readonly (keyof WebhookPayloads)[];\n`,
  ].join('');
}

/** Whether any webhook sends JSON. */
export function hasWebhooks(context: SdkContext): boolean {
  return withJson(context).length > 0;
}

function withJson({ contract }: SdkContext): readonly Webhook[] {
  return contract.webhooks.filter(({ requestBody }) => requestBody?.content.some(({ kind }) => kind === 'json'));
}

function payloadType(context: SdkContext, { name, requestBody }: Webhook): string {
  const media = requestBody!.content.find(({ kind }) => kind === 'json')!;
  const model = media.schema === undefined ? undefined : modelType(context, media.schema);
  const body = `webhooks[${quote(name)}]['post']['requestBody']`;
  return model ?? `NonNullable<${body}>['content'][${quote(media.name)}]`;
}
