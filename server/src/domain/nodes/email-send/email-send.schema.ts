import type { Json } from '../../domain-error.ts';

/** The params after their expressions are evaluated. */
export interface EmailParams {
  credential: string;
  from: string;
  to: string | string[];
  cc?: string | string[];
  bcc?: string | string[];
  reply_to?: string;
  subject: string;
  text?: string;
  html?: string;
  headers?: Record<string, string>;
  attachments?: { filename: string; content: string; encoding?: 'text' | 'base64'; content_type?: string }[];
  timeout?: string;
}

const address: Json = {
  type: 'string',
  minLength: 3,
  maxLength: 500,
  pattern: '^[^\\r\\n]+$',
  description: 'An address such as "orders@shop.example" or "The shop <orders@shop.example>".',
};
const addresses: Json = {
  anyOf: [address, { type: 'array', minItems: 1, maxItems: 100, items: address }],
  description: 'An address, or a list of at most 100.',
};

/** JSON Schema of the params as they are written. */
export const emailParams: Record<string, Json> = {
  type: 'object',
  additionalProperties: false,
  required: ['credential', 'from', 'to', 'subject'],
  properties: {
    credential: { type: 'string', minLength: 1, maxLength: 100, description: 'Name of a credential of type smtp.' },
    from: address,
    to: addresses,
    cc: addresses,
    bcc: addresses,
    reply_to: address,
    subject: { type: 'string', maxLength: 998, pattern: '^[^\\r\\n]*$', description: 'One line.' },
    text: { type: 'string', maxLength: 1_000_000, description: 'The message as plain text.' },
    html: { type: 'string', maxLength: 1_000_000, description: 'The message as HTML.' },
    headers: {
      type: 'object',
      maxProperties: 30,
      propertyNames: {
        pattern: '^(X-|List-|Auto-Submitted$|References$|In-Reply-To$|Priority$|Importance$)[A-Za-z0-9-]{0,80}$',
      },
      additionalProperties: { type: 'string', maxLength: 998, pattern: '^[^\\r\\n]*$' },
      description:
        'Names that begin with X- or List-, or Auto-Submitted, References, In-Reply-To, Priority, Importance.',
    },
    attachments: {
      type: 'array',
      maxItems: 20,
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['filename', 'content'],
        properties: {
          filename: { type: 'string', minLength: 1, maxLength: 200, pattern: '^[^\\r\\n/\\\\]+$' },
          content: { type: 'string', maxLength: 10_000_000 },
          encoding: { enum: ['text', 'base64'] },
          content_type: { type: 'string', maxLength: 100, pattern: '^[A-Za-z0-9.+-]+/[A-Za-z0-9.+-]+$' },
        },
      },
      description: 'At most 20, each { filename, content, encoding?: text | base64, content_type? }.',
    },
    timeout: {
      type: 'string',
      format: 'duration-text',
      description: 'Until the server has taken the message; 60s when absent.',
    },
  },
  anyOf: [{ required: ['text'] }, { required: ['html'] }],
};

/** JSON Schema of what `steps.<id>.output` holds. */
export const emailOutput: Record<string, Json> = {
  type: 'object',
  required: ['message_id', 'accepted', 'rejected'],
  properties: {
    message_id: { type: 'string', description: 'The Message-ID header; the same at every attempt.' },
    accepted: { type: 'array', items: { type: 'string' }, description: 'Addresses that the server took it for.' },
    rejected: { type: 'array', items: { type: 'string' } },
  },
};
