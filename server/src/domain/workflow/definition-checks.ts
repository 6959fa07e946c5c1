import type { EntityManager } from '@mikro-orm/postgresql';
import { isId } from '../id.ts';
import {
  absent,
  absentWorkflow,
  calledWorkflows,
  type DefinitionProblem,
  idleWorkflow,
  requestMaxWaitMs,
  type Sandbox,
  userSchemaProblems,
  validateDefinition,
  type VaultReference,
  vaultUse,
  type WorkflowDefinition,
  type WorkflowReference,
} from '../language/index.ts';
import type { NodeRegistry } from '../nodes/index.ts';
import type { Vault } from '../vault/vault.ts';
import type { WorkflowStatus } from './workflow.entity.ts';

/** What was found in a definition. */
export interface DefinitionFindings {
  /** What keeps it from being published. */
  readonly problems: readonly DefinitionProblem[];
  /** What fails when it runs, unless something else changes before. */
  readonly warnings: readonly DefinitionProblem[];
}

/** Looks at definitions together with what the organisation has: secrets, credentials, other workflows. */
export class DefinitionChecks {
  readonly #nodeTypes: NodeRegistry;
  readonly #vault: Vault;
  readonly #sandbox: Sandbox;

  constructor(nodeTypes: NodeRegistry, vault: Vault, sandbox: Sandbox) {
    this.#nodeTypes = nodeTypes;
    this.#vault = vault;
    this.#sandbox = sandbox;
  }

  /**
   * What is wrong with the schemas of a definition. Waits for the sandbox, so it should hold no transaction. Throws
   * SandboxUnavailableError.
   */
  schemas(organisationId: string, definition: WorkflowDefinition): Promise<DefinitionProblem[]> {
    const turn = { organisationId, maxWaitMs: requestMaxWaitMs };
    return userSchemaProblems(definition, this.#nodeTypes, this.#sandbox, turn);
  }

  /** Everything that can be known before it runs, apart from `schemas`. */
  async all(em: EntityManager, organisationId: string, definition: WorkflowDefinition): Promise<DefinitionFindings> {
    const calls = calledWorkflows(definition);
    const statuses = await statusesOf(em, organisationId, calls);
    const absentCalls = calls.filter(({ id }) => !statuses.has(id));
    const idle = calls.flatMap((call) => {
      const status = statuses.get(call.id);
      return status === undefined || status === 'published' ? [] : [idleWorkflow(call, status)];
    });
    return {
      problems: [
        ...validateDefinition(definition, this.#nodeTypes),
        ...(await this.#absentNames(em, organisationId, definition)),
        ...absentCalls.filter(({ id }) => isId('wf', id)).map(absentWorkflow),
      ],
      warnings: idle,
    };
  }

  /** Names of secrets and credentials that are not there. */
  async #absentNames(
    em: EntityManager,
    organisationId: string,
    definition: WorkflowDefinition,
  ): Promise<DefinitionProblem[]> {
    const { references } = vaultUse(definition, this.#nodeTypes);
    const named = (wanted: VaultReference['kind']): string[] =>
      references.filter(({ kind }) => kind === wanted).map(({ name }) => name);
    const names = { secrets: named('secret'), credentials: named('credential') };
    const missing = await this.#vault.missing(em, organisationId, names);
    const isMissing = ({ kind, name }: VaultReference): boolean => missing[`${kind}s`].includes(name);
    return references.filter(isMissing).map(absent);
  }
}

/** How the called workflows stand, by id; what is no id is left to the schema of the params. */
async function statusesOf(
  em: EntityManager,
  organisationId: string,
  calls: readonly WorkflowReference[],
): Promise<ReadonlyMap<string, WorkflowStatus>> {
  const ids = [...new Set(calls.map(({ id }) => id))].filter((id) => isId('wf', id));
  if (ids.length === 0) return new Map();
  const rows = await em.execute<{ id: string; status: WorkflowStatus }[]>(
    'select id, status from workflow where organisation_id = ? and id = any(?::text[])',
    [organisationId, `{${ids.join(',')}}`],
  );
  return new Map(rows.map(({ id, status }) => [id, status]));
}
