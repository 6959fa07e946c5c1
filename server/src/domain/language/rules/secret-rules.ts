import type { Json } from '../../domain-error.ts';
import type { NodeType } from '../../nodes/node-type.ts';
import type { WorkflowDefinition, WorkflowNode } from '../definition.ts';
import { bodiesOf } from '../bodies.ts';
import { asTemplate, namedAs } from '../evaluator.ts';
import type { NodeTypes } from '../node-types.ts';
import { type DefinitionProblem, fieldPath } from '../problem.ts';
import { isTemplate, parseTemplate } from '../template.ts';
import { withoutText } from './value-rules.ts';

/** A secret or a credential that a definition names, and where it does so first. */
export interface VaultReference {
  readonly kind: 'secret' | 'credential';
  readonly name: string;
  readonly at: Pick<DefinitionProblem, 'node' | 'field'>;
}

/** What a definition has to do with the vault. */
export interface VaultUse {
  readonly references: readonly VaultReference[];
  readonly problems: readonly DefinitionProblem[];
}

type Keys = readonly (string | number)[];

/**
 * Every secret and credential that a definition names, also in the bodies of its nodes. Secrets are read as `secrets.NAME` in
 * what is sent to other servers, and nowhere else: what they are must be known before a run, and stay out of its records.
 */
export function vaultUse(definition: WorkflowDefinition, types: NodeTypes): VaultUse {
  const walk = new Walk(types);
  walk.graph(definition as unknown as Json, []);
  walk.text(definition.output ?? null, ['output'], undefined, false);
  return { references: [...walk.references.values()], problems: walk.problems };
}

class Walk {
  readonly references = new Map<string, VaultReference>();
  readonly problems: DefinitionProblem[] = [];
  readonly #types: NodeTypes;

  constructor(types: NodeTypes) {
    this.#types = types;
  }

  graph(graph: Json, keys: Keys): void {
    const { nodes, edges } = graph as { nodes?: Json; edges?: Json };
    if (Array.isArray(nodes))
      nodes.forEach((node, index) => this.#node(node as unknown as WorkflowNode, [...keys, 'nodes', index]));
    if (!Array.isArray(edges)) return;
    edges.forEach((edge, index) => {
      const { when } = edge as { when?: Json };
      if (typeof when === 'string') this.text(asTemplate(when), [...keys, 'edges', index, 'when'], undefined, false);
    });
  }

  #node(node: WorkflowNode, keys: Keys): void {
    if (typeof node?.id !== 'string') return;
    if (typeof node.when === 'string') this.text(asTemplate(node.when), [...keys, 'when'], node.id, false);
    const { needs_approval: approval } = node as { needs_approval?: Json };
    this.text(approval ?? null, [...keys, 'needs_approval'], node.id, false);
    const type = this.#types.get(node.type);
    if (typeof node.params !== 'object' || node.params === null) return;
    for (const [key, value] of Object.entries(node.params))
      this.#param(node, type, key, value, [...keys, 'params', key]);
    for (const { keys: inside, body } of bodiesOf(node)) {
      this.graph(body as unknown as Json, [...keys, ...inside]);
      this.text(body.output ?? null, [...keys, ...inside, 'output'], node.id, false);
    }
    for (const name of type?.credentials?.(node.params as never) ?? [])
      this.#refer('credential', name, { node: node.id, field: fieldPath([...keys, 'params']) });
  }

  #param(node: WorkflowNode, type: NodeType | undefined, key: string, value: Json, keys: Keys): void {
    if (type?.programs?.includes(key)) return;
    if (type?.bodies?.includes(key)) return;
    const isExpression = type?.expressions?.includes(key) && typeof value === 'string';
    this.text(isExpression ? asTemplate(value) : value, keys, node.id, type?.secrets?.includes(key) ?? false);
  }

  text(value: Json, keys: Keys, node: string | undefined, allowed: boolean): void {
    if (typeof value === 'string') return this.#template(value, keys, node, allowed);
    if (typeof value !== 'object' || value === null) return;
    const entries = Array.isArray(value) ? value.map((item, index) => [index, item] as const) : Object.entries(value);
    for (const [key, item] of entries) if (item !== undefined) this.text(item as Json, [...keys, key], node, allowed);
  }

  #template(text: string, keys: Keys, node: string | undefined, allowed: boolean): void {
    if (!isTemplate(text) || !text.includes('secrets')) return;
    const at = { ...(node !== undefined && { node }), field: fieldPath(keys) };
    for (const part of parseTemplate(text).parts) {
      if (typeof part === 'string') continue;
      const names = namedAs('secrets', withoutText(part.source));
      if (names === 'all') this.problems.push(unnamed(at));
      else if (names.length > 0 && !allowed) this.problems.push(misplaced(at, names[0]!));
      else for (const name of names) this.#refer('secret', name, at);
    }
  }

  #refer(kind: VaultReference['kind'], name: string, at: VaultReference['at']): void {
    const key = `${kind} ${name}`;
    if (!this.references.has(key)) this.references.set(key, { kind, name, at });
  }
}

function misplaced(at: VaultReference['at'], name: string): DefinitionProblem {
  return {
    ...at,
    code: 'secret_not_allowed',
    message: `${at.field} reads the secret ${name}, and does not only send it to another server.`,
    hint: 'Read secrets in the params of http.request (url, headers, query, body, form, auth), webhook or email.send.',
  };
}

function unnamed(at: VaultReference['at']): DefinitionProblem {
  return {
    ...at,
    code: 'secret_not_named',
    message: `${at.field} does not say which secret it reads.`,
    hint: 'Write secrets.NAME with the name itself.',
  };
}

/** A secret or credential that the organisation does not have. */
export function absent({ kind, name, at }: VaultReference): DefinitionProblem {
  return {
    ...at,
    code: `unknown_${kind}`,
    message: `${at.field} names the ${kind} ${name}, and there is none of that name.`,
    hint: `Create the ${kind}, or name another.`,
  };
}
