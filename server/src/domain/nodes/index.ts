import { approval } from './approval/approval.node.ts';
import { code } from './code/code.node.ts';
import { condition } from './condition/condition.node.ts';
import { delay } from './delay/delay.node.ts';
import { fail } from './fail/fail.node.ts';
import { foreach } from './foreach/foreach.node.ts';
import { httpRequest } from './http-request/http-request.node.ts';
import { OAuthTokens } from './http-request/oauth-tokens.ts';
import type { KvSteps } from '../kv/kv-steps.ts';
import { emailSend } from './email-send/email-send.node.ts';
import { kvNodes } from './kv/kv.nodes.ts';
import { webhook } from './webhook/webhook.node.ts';
import type { OutgoingMail } from './outgoing-mail.ts';
import type { Vault } from '../vault/vault.ts';
import { log } from './log/log.node.ts';
import { NodeRegistry } from './node-registry.ts';
import type { OutgoingHttp } from './outgoing-http.ts';
import { parallel } from './parallel/parallel.node.ts';
import { respond } from './respond/respond.node.ts';
import { set } from './set/set.node.ts';
import { switchNode } from './switch/switch.node.ts';
import { transform } from './transform/transform.node.ts';
import { waitEvent } from './wait-event/wait-event.node.ts';
import { whileNode } from './while/while.node.ts';
import { workflowCall } from './workflow-call/workflow-call.node.ts';

export { set } from './set/set.node.ts';
export { NodeRegistry } from './node-registry.ts';
export * from './node-type.ts';
export {
  connectionHeaders,
  OutgoingHttp,
  OutgoingHttpError,
  type OutgoingFailure,
  type OutgoingRequest,
  type OutgoingResponse,
} from './outgoing-http.ts';

/** The node types that steer others. */
export const controlNodes = [approval, delay, foreach, parallel, waitEvent, whileNode, workflowCall];

/** What node types reach outside of the workflow. */
export interface NodeServices {
  readonly http: OutgoingHttp;
  readonly mail: OutgoingMail;
  readonly vault: Vault;
  readonly kv: KvSteps;
}

/** Every node type of the platform. */
export function createNodeRegistry({ http, mail, vault, kv }: NodeServices): NodeRegistry {
  const tokens = new OAuthTokens(http);
  return new NodeRegistry([
    ...controlNodes,
    ...kvNodes(kv),
    code,
    condition,
    fail,
    emailSend({ mail, vault }),
    httpRequest({ http, vault, tokens }),
    log,
    respond,
    set,
    switchNode,
    transform,
    webhook({ http, vault }),
  ]);
}
export {
  OutgoingMail,
  OutgoingMailError,
  type MailAttachment,
  type MailFailure,
  type MailLimits,
  type MailServer,
  type OutgoingMessage,
  type SentMessage,
} from './outgoing-mail.ts';
