import type { NodeType } from '../nodes/node-type.ts';

/** Where the node types are looked up. */
export interface NodeTypes {
  get(type: string): NodeType | undefined;
  /** All types, sorted by name. */
  list(): NodeType[];
}
