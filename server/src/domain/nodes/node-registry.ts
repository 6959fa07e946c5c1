import type { Json } from '../domain-error.ts';
import { type SchemaFault, schemaFaults } from '../language/json-schema.ts';
import { fieldPath } from '../language/problem.ts';
import { NodeFailure, type NodeType } from './node-type.ts';

/** The node types that workflows may use. */
export class NodeRegistry {
  readonly #types: ReadonlyMap<string, NodeType>;

  constructor(types: readonly NodeType[]) {
    this.#types = new Map(types.map((type) => [type.type, type]));
  }

  get(type: string): NodeType | undefined {
    return this.#types.get(type);
  }

  /** All types, sorted by name. */
  list(): NodeType[] {
    return [...this.#types.values()].sort((a, b) => (a.type < b.type ? -1 : 1));
  }

  /** The evaluated params, once they are what the node type asks for; throws a NodeFailure `invalid_params` otherwise. */
  checked(type: NodeType, params: Json): Record<string, Json> {
    const faults = schemaFaults(type.params, params);
    if (faults.length === 0) return params as Record<string, Json>;
    throw new NodeFailure(
      'invalid_params',
      `The params of this ${type.type} are not valid: ${faults.map(sentence).join('; ')}.`,
      {
        errors: faults.map((fault) => ({ field: fieldPath(['params', ...fault.keys]), message: fault.message })),
      },
    );
  }
}

function sentence(fault: SchemaFault): string {
  return `${fieldPath(['params', ...fault.keys])} ${fault.message}`;
}
