import { createHmac, randomBytes } from 'node:crypto';
import type { Json } from '../../domain-error.ts';
import { allNodes, type WorkflowDefinition, type WorkflowNode } from '../../language/index.ts';
import { sha256 } from '../../secret.ts';
import type { Chronicle } from './chronicle.ts';
import type { Frame } from './frame.ts';
import { signalOf } from './program.ts';

const eventNode = 'wait.event';

/**
 * The callback URLs of an execution. Their tokens follow from one secret, which the engine remembers, so that a node can be
 * told its URL before it waits; the database knows their hashes alone.
 */
export class Callbacks {
  /** Of an execution without nodes that wait for events. */
  static readonly none = new Callbacks('', '');
  readonly #base: string;
  readonly #secret: string;

  /** URLs are `base` and a token of 43 characters. */
  constructor(base: string, secret: string) {
    this.#base = base;
    this.#secret = secret;
  }

  static areNeededBy(definition: WorkflowDefinition): boolean {
    for (const { node } of allNodes(definition)) if (node.type === eventNode) return true;
    return false;
  }

  /** 256 bits from the system's secure source. */
  static newSecret(): string {
    return randomBytes(32).toString('base64url');
  }

  /** SHA-256 of the token for the signal; undefined for signals that no URL brings. */
  tokenHash(signal: string): string | undefined {
    return signal.startsWith('event:') ? sha256(this.#token(signal)) : undefined;
  }

  /** Puts the URLs of the frame's nodes into its scope, and opens them: an event may come before its node waits. */
  announce(frame: Frame, chronicle: Chronicle): void {
    const nodes = [...frame.graph.nodes.values()].filter(({ type }) => type === eventNode);
    if (nodes.length === 0) return;
    const callbacks: Record<string, string> = { ...frame.scope.execution.callbacks };
    for (const node of nodes) {
      const path = frame.pathOf(node.id);
      const signal = signalOf('event', { path, attempt: 1 });
      const wait = { kind: 'wait', for: 'event', payloadSchema: schemaOf(node) } as const;
      chronicle.waitOpened({ path, node }, { wait, signal, at: Date.now(), endsAt: null }, this.tokenHash(signal));
      callbacks[node.id] = this.#base + this.#token(signal);
    }
    frame.scope.execution = { ...frame.scope.execution, callbacks };
  }

  #token(signal: string): string {
    return createHmac('sha256', this.#secret).update(signal).digest('base64url');
  }
}

/** Undefined while it has expressions, which are evaluated when the node begins. */
function schemaOf({ params }: WorkflowNode): Record<string, Json> | undefined {
  const schema = params.payload_schema;
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) return undefined;
  return JSON.stringify(schema).includes('{{') ? undefined : (schema as Record<string, Json>);
}
