import type { Json } from '../../domain-error.ts';
import { defineNode, type LogLevel } from '../node-type.ts';

interface Params {
  level?: LogLevel;
  message: Json;
  data?: Json;
}

/** Writes a line to the execution's log. */
export const log = defineNode<Params>({
  type: 'log',
  description: "Writes a line to the execution's log.",
  params: {
    type: 'object',
    additionalProperties: false,
    required: ['message'],
    properties: {
      level: { enum: ['debug', 'info', 'warn', 'error'] },
      message: { description: 'Text; other values are written as JSON.' },
      data: { description: 'Kept beside the message.' },
    },
  },
  output: { type: 'object', required: ['level', 'message'], properties: { level: {}, message: { type: 'string' } } },
  ports: () => ['default'],
  *run({ level = 'info', message, data }) {
    const text = (typeof message === 'string' ? message : JSON.stringify(message)).slice(0, 10_000);
    yield { kind: 'log', level, message: text, ...(data !== undefined && { data }) };
    return { output: { level, message: text } };
  },
});
