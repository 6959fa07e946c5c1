import { code } from './code/code.node.ts';
import { condition } from './condition/condition.node.ts';
import { delay } from './delay/delay.node.ts';
import { fail } from './fail/fail.node.ts';
import { httpRequest } from './http-request/http-request.node.ts';
import { log } from './log/log.node.ts';
import { NodeRegistry } from './node-registry.ts';
import type { OutgoingHttp } from './outgoing-http.ts';
import { respond } from './respond/respond.node.ts';
import { set } from './set/set.node.ts';
import { switchNode } from './switch/switch.node.ts';
import { transform } from './transform/transform.node.ts';

export { NodeRegistry } from './node-registry.ts';
export * from './node-type.ts';
export {
  OutgoingHttp,
  OutgoingHttpError,
  type OutgoingFailure,
  type OutgoingRequest,
  type OutgoingResponse,
} from './outgoing-http.ts';

/** Every node type of the platform. */
export function createNodeRegistry(http: OutgoingHttp): NodeRegistry {
  return new NodeRegistry([code, condition, delay, fail, httpRequest(http), log, respond, set, switchNode, transform]);
}
