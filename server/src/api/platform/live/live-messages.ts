import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import type * as contract from '#generated/platform/index.ts';
import { document } from '#generated/platform-live/index.ts';

/** What a client can ask for on a live connection. */
export type ClientMessage =
  | { readonly type: 'subscribe'; readonly execution_id: string; readonly after?: number }
  | { readonly type: 'unsubscribe'; readonly execution_id: string }
  | { readonly type: 'ping' };

/** What the server says besides the events of executions. */
export type ServerMessage =
  | contract.ExecutionEvent
  | { readonly type: 'unsubscribed'; readonly execution_id: string; readonly reason: 'requested' | 'ended' }
  | { readonly type: 'pong'; readonly timestamp: string }
  | {
      readonly type: 'error';
      readonly execution_id: string | null;
      readonly error: { readonly code: string; readonly message: string; readonly details: object };
      readonly timestamp: string;
    };

const ajv = new Ajv2020({ strict: false, allErrors: true });
ajv.addSchema({ $id: 'live', ...document });

const validators: Readonly<Record<string, ValidateFunction<ClientMessage>>> = {
  subscribe: compile('SubscribeMessage'),
  unsubscribe: compile('UnsubscribeMessage'),
  ping: compile('PingMessage'),
};

/** The message that a client sent, or what is wrong with it, by the schemas of the AsyncAPI document. */
export function readMessage(text: string): ClientMessage | { problem: string; executionId: string | null } {
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    return { problem: 'The message is not JSON.', executionId: null };
  }
  const { type, execution_id: id } = (message ?? {}) as { type?: unknown; execution_id?: unknown };
  const executionId = typeof id === 'string' && id.length <= 64 ? id : null;
  const validate = typeof type === 'string' && Object.hasOwn(validators, type) ? validators[type] : undefined;
  if (!validate) return { problem: 'The type of the message must be subscribe, unsubscribe or ping.', executionId };
  if (validate(message)) return message;
  const problems = (validate.errors ?? []).map(({ instancePath, message: what, params }) =>
    'additionalProperty' in params
      ? `${String(params['additionalProperty'])} is not known`
      : `${instancePath.slice(1) || 'the message'} ${what}`,
  );
  return { problem: `The message does not fit its description: ${problems.join('; ')}.`, executionId };
}

function compile(name: string): ValidateFunction<ClientMessage> {
  return ajv.compile<ClientMessage>({ $ref: `live#/components/schemas/${name}` });
}
