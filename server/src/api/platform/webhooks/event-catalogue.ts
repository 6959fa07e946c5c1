import type * as contract from '#generated/platform/index.ts';
import type { Json } from '../../../domain/domain-error.ts';
import { testEventType } from '../../../domain/webhook/webhook-delivery.entity.ts';

type JsonObject = { readonly [key: string]: Json | undefined };

const schemas = '#/components/schemas/';

/** What the `webhooks` of an OpenAPI document say, one entry each, in their order. The schemas stand on their own. */
export function eventCatalogue(document: Readonly<Record<string, unknown>>): contract.EventTypeDescription[] {
  const { webhooks, components } = document as {
    webhooks: Record<string, { post: WebhookOperation }>;
    components: { schemas: Record<string, Json> };
  };
  return Object.entries(webhooks).map(([type, { post }]) => {
    const { schema, example } = post.requestBody.content['application/json'];
    return {
      type: type as contract.DeliveredEventType,
      summary: post.summary,
      description: post.description,
      subscribable: type !== testEventType,
      schema: selfContained(schema, components.schemas),
      example,
    };
  });
}

interface WebhookOperation {
  readonly summary: string;
  readonly description: string;
  readonly requestBody: {
    readonly content: { readonly 'application/json': { schema: JsonObject; example: JsonObject } };
  };
}

/** The schema with all it refers to under `$defs`. */
function selfContained(schema: JsonObject, components: Readonly<Record<string, Json>>): JsonObject {
  const used = new Map<string, Json>();
  const rewritten = (value: Json | undefined): Json => {
    if (Array.isArray(value)) return value.map(rewritten);
    if (typeof value !== 'object' || value === null) return value ?? null;
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [
        key,
        key === '$ref' && typeof item === 'string' ? local(item) : rewritten(item),
      ]),
    );
  };
  const local = (reference: string): string => {
    const name = reference.slice(schemas.length);
    if (!used.has(name)) {
      used.set(name, null);
      used.set(name, rewritten(components[name]));
    }
    return `#/$defs/${name}`;
  };
  // At its top stands what the message is, not a reference to it.
  const name = typeof schema.$ref === 'string' ? schema.$ref.slice(schemas.length) : undefined;
  const top = rewritten(name === undefined ? schema : components[name]) as JsonObject;
  return used.size === 0 ? top : { ...top, $defs: Object.fromEntries(used) };
}
