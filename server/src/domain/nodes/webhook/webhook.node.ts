import { createHash } from 'node:crypto';
import type { Json } from '../../domain-error.ts';
import { parseDuration } from '../../language/duration.ts';
import { signatureHeaders } from '../../webhook/signature.ts';
import { mayHoldMarkers } from '../../vault/secret-markers.ts';
import { callFailure, disclosed, statusFailure } from '../calls.ts';
import { headersSchema } from '../headers.schema.ts';
import type { CallServices } from '../http-request/http-request.node.ts';
import { requestUrl, urlTemplate } from '../http-request/request-url.ts';
import { defineNode, NodeFailure, type NodeType, type StepContext } from '../node-type.ts';

interface Params {
  url: string;
  event: string;
  data?: Json;
  secret?: string;
  headers?: Record<string, string | number | boolean | null>;
  timeout?: string;
  fail_on_status?: boolean;
}

type Output = { status: number; webhook_id: string; body: Json; duration_ms: number };

const largestAnswer = 64 * 1024;

/** Tells another server of something, signed as Standard Webhooks 1.0 says where there is a secret. */
export function webhook(services: Omit<CallServices, 'tokens'>): NodeType {
  return defineNode<Params>({
    type: 'webhook',
    description: 'Tells another server of something, signed as Standard Webhooks says.',
    params: {
      type: 'object',
      additionalProperties: false,
      required: ['url', 'event'],
      properties: {
        url: {
          type: 'string',
          minLength: 1,
          maxLength: 8_000,
          description: 'http or https; values of expressions in it are encoded.',
        },
        event: { type: 'string', minLength: 1, maxLength: 200, description: 'Sent as `type`, such as "order.paid".' },
        data: { description: 'Sent as `data`; an empty object when absent.' },
        secret: {
          type: 'string',
          minLength: 1,
          description: 'Signs the request; {{ secrets.NAME }}, whose value is "whsec_" and base64.',
        },
        headers: headersSchema,
        timeout: {
          type: 'string',
          format: 'duration-text',
          description: 'Until the last byte of the answer; 30s when absent.',
        },
        fail_on_status: {
          type: 'boolean',
          description: 'Whether an answer of 400 or above fails the node; true when absent.',
        },
      },
    },
    output: {
      type: 'object',
      required: ['status', 'webhook_id', 'body', 'duration_ms'],
      properties: {
        status: { type: 'integer' },
        webhook_id: { type: 'string', description: 'The same at every attempt.' },
        body: { type: ['string', 'null'] },
        duration_ms: { type: 'integer' },
      },
    },
    raw: ['url'],
    secrets: ['url', 'data', 'secret', 'headers'],
    ports: () => ['default'],
    *run(params) {
      const { template, isLiteral } = urlTemplate(params.url);
      const values = (yield { kind: 'evaluate', template }) as Json[];
      const url = mayHoldMarkers(JSON.stringify(values)) ? undefined : requestUrl(values, isLiteral, {});
      const output = (yield {
        kind: 'step',
        key: 'send',
        run: (context) => send(services, { params, values, isLiteral, url }, context),
      }) as Output;
      if (output.status >= 400 && params.fail_on_status !== false) throw statusFailure(url, output);
      return { output };
    },
  });
}

interface Call {
  readonly params: Params;
  readonly values: readonly Json[];
  readonly isLiteral: readonly boolean[];
  /** Absent where it holds secrets. */
  readonly url: URL | undefined;
}

async function send(services: Omit<CallServices, 'tokens'>, call: Call, context: StepContext): Promise<Output> {
  const { params, values, isLiteral, url } = call;
  const timeout = parseDuration(params.timeout ?? '30s');
  if (timeout === undefined)
    throw new NodeFailure(
      'invalid_params',
      `params.timeout is ${JSON.stringify(params.timeout)}, which is not a duration.`,
    );
  const disclosure = await services.vault.open(context, { ...params, url: values } as unknown as Json);
  return disclosed(disclosure, async () => {
    const id = webhookId(context.idempotencyKey);
    const now = new Date();
    const data = disclosure.reveal(params.data ?? {});
    const body = JSON.stringify({ type: params.event, timestamp: now.toISOString(), data });
    const headers: Record<string, string> = { 'idempotency-key': context.idempotencyKey };
    for (const [name, value] of Object.entries(params.headers ?? {}))
      if (value !== null) headers[name.toLowerCase()] = disclosure.reveal(String(value));
    const secrets = params.secret === undefined ? [] : [disclosure.reveal(params.secret)];
    const { 'webhook-signature': signature, ...signed } = signatureHeaders({ id, timestamp: now, body }, secrets);
    Object.assign(headers, { 'content-type': 'application/json', ...signed });
    if (signature !== '') headers['webhook-signature'] = signature;
    try {
      const response = await services.http.send({
        method: 'POST',
        url: url ?? revealedUrl(() => requestUrl(disclosure.reveal([...values]), isLiteral, {})),
        headers,
        body,
        timeout,
        redirects: 0,
        maxBytes: largestAnswer,
        signal: context.signal,
      });
      const text = new TextDecoder().decode(response.body);
      return {
        status: response.status,
        webhook_id: id,
        body: text === '' ? null : await disclosure.redactor.textInPieces(text),
        duration_ms: response.duration,
      };
    } catch (error) {
      throw callFailure(url, error);
    }
  });
}

/** What is wrong with such an address is not told in detail: the details would be of the secret. */
function revealedUrl(make: () => URL): URL {
  try {
    return make();
  } catch {
    throw new NodeFailure('invalid_url', 'With its secrets the address is no URL that can be called.');
  }
}

/** Of the node and not of the attempt, so that the receiver knows a repetition. */
function webhookId(idempotencyKey: string): string {
  const node = idempotencyKey.slice(0, idempotencyKey.lastIndexOf(':'));
  return `msg_${createHash('sha256').update(node).digest('base64url').slice(0, 27)}`;
}
