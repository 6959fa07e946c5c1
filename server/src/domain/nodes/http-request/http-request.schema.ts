import type { Json } from '../../domain-error.ts';
import { headersSchema } from '../headers.schema.ts';

/** The params after their expressions are evaluated. */
export interface HttpRequestParams {
  url: string;
  method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS';
  headers?: Record<string, string | number | boolean | null>;
  query?: Record<string, Json>;
  body?: Json;
  form?: Record<string, Json>;
  auth?:
    { type: 'bearer'; token: string } | { type: 'basic'; username: string; password: string } | { credential: string };
  timeout?: string;
  follow_redirects?: boolean;
  fail_on_status?: boolean;
}

/** JSON Schema of the params as they are written. */
export const httpRequestParams: Record<string, Json> = {
  type: 'object',
  additionalProperties: false,
  required: ['url'],
  properties: {
    url: {
      type: 'string',
      minLength: 1,
      maxLength: 8_000,
      description: 'http or https; values of expressions in it are encoded.',
    },
    method: { enum: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] },
    headers: headersSchema,
    query: { type: 'object', description: 'Added to the URL; a list gives one pair for each item, null gives none.' },
    body: { description: 'Sent as JSON, or as text when it is a string.' },
    form: { type: 'object', description: 'Sent as application/x-www-form-urlencoded.' },
    auth: {
      type: 'object',
      description: '{ credential: name }, { type: bearer, token } or { type: basic, username, password }.',
      oneOf: [
        {
          additionalProperties: false,
          required: ['type', 'token'],
          properties: { type: { const: 'bearer' }, token: { type: 'string', minLength: 1 } },
        },
        {
          additionalProperties: false,
          required: ['type', 'username', 'password'],
          properties: { type: { const: 'basic' }, username: { type: 'string' }, password: { type: 'string' } },
        },
        {
          additionalProperties: false,
          required: ['credential'],
          properties: { credential: { type: 'string', minLength: 1, maxLength: 100 } },
        },
      ],
    },
    timeout: {
      type: 'string',
      format: 'duration-text',
      description: 'Until the last byte of the answer; 30s when absent.',
    },
    follow_redirects: { type: 'boolean', description: 'Up to five; off when absent.' },
    fail_on_status: {
      type: 'boolean',
      description: 'Whether an answer of 400 or above fails the node; true when absent.',
    },
  },
  not: { required: ['body', 'form'] },
};

/** JSON Schema of what `steps.<id>.output` holds. */
export const httpRequestOutput: Record<string, Json> = {
  type: 'object',
  required: ['status', 'headers', 'body', 'duration_ms'],
  properties: {
    status: { type: 'integer' },
    headers: { type: 'object', additionalProperties: { type: 'string' } },
    body: {},
    duration_ms: { type: 'integer' },
  },
};
