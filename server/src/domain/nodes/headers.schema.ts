import type { Json } from '../domain-error.ts';

/** Headers of an outgoing call: names as RFC 9110 section 5.1 has them, values without line breaks. */
export const headersSchema: Record<string, Json> = {
  type: 'object',
  maxProperties: 100,
  propertyNames: { pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$" },
  additionalProperties: {
    type: ['string', 'number', 'boolean', 'null'],
    pattern: '^[\\t\\x20-\\x7e\\x80-\\xff]*$',
    maxLength: 8_000,
    description: 'The value of a header has no line breaks.',
  },
  description: 'Names of HTTP headers are letters, digits and a few signs, without spaces.',
};
