import type { Json } from '../../domain-error.ts';
import { type Command, NodeFailure, type NodeResult, type NodeServices, OutgoingHttp } from '../index.ts';
import { testNodeTypes } from './node-services.ts';

export { RecordingHttp, RecordingMail, TestVault } from './node-services.ts';

/** How a node ended, and what it asked the scheduler for on the way. */
export interface NodeRun {
  result: NodeResult;
  commands: Command[];
}

/** Runs a node as the scheduler does; `answers` are what its commands that are not steps come to. */
export async function runNode(
  type: string,
  params: Record<string, Json>,
  answers: readonly Json[] = [],
  given: OutgoingHttp | Partial<NodeServices> = {},
): Promise<NodeRun> {
  const registry = testNodeTypes(given instanceof OutgoingHttp ? { http: given } : given);
  const node = registry.get(type)!;
  const commands: Command[] = [];
  const left = [...answers];
  const generator = node.run(registry.checked(node, params), { nodeId: 'n', executionId: 'exec_1' });
  let next = generator.next(null as never);
  while (!next.done) {
    const command = next.value;
    commands.push(command);
    const owner = { organisationId: 'org_1', workflowId: 'wf_1', executionId: 'exec_1' };
    const context = { ...owner, idempotencyKey: 'exec_1:n:1', signal: new AbortController().signal };
    next = generator.next(command.kind === 'step' ? await command.run(context) : (left.shift() ?? null));
  }
  return { result: next.value, commands };
}

/** The failure that running the node ends with. */
export async function nodeFailure(...run: Parameters<typeof runNode>): Promise<NodeFailure> {
  const thrown = await runNode(...run).catch((error: unknown) => error);
  if (thrown instanceof NodeFailure) return thrown;
  throw new Error('The node did not fail.', { cause: thrown });
}
