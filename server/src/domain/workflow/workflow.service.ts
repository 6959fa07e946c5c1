import { LockMode, type FilterQuery, type QueryOrderMap } from '@mikro-orm/core';
import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { Caller } from '../caller.ts';
import { type Json, ResourceNotFoundError, ValidationFailedError } from '../domain-error.ts';
import { DomainEvents } from '../event/domain-events.ts';
import type { EventType } from '../event/event-type.ts';
import { checkStorable } from '../storable.ts';
import type { Group } from '../group/group.entity.ts';
import { GroupService } from '../group/group.service.ts';
import { isId } from '../id.ts';
import {
  type DefinitionProblem,
  parseDefinition,
  type ReadDocument,
  readDocument,
  readLayers,
  readYaml,
  requestMaxWaitMs,
  Sandbox,
  validateDefinition,
  type WorkflowDefinition,
  type WorkflowDocument,
  writeYaml,
} from '../language/index.ts';
import { NodeRegistry } from '../nodes/index.ts';
import { Organisation } from '../organisation/organisation.entity.ts';
import { assertMoreAllowed, takeTurns } from '../organisation/take-turns.ts';
import { type Page, type PageRequest, rangeOf } from '../page.ts';
import { disableTriggersOf } from '../trigger/disable-triggers.ts';
import { StorageQuota } from '../storage/storage-quota.ts';
import { DefinitionChecks, type DefinitionFindings } from './definition-checks.ts';
import { ExecutableVersions, type ExecutableVersion } from './executable-versions.ts';
import { Vault } from '../vault/vault.ts';
import { removeOldVersions } from './remove-old-versions.ts';
import { WorkflowVersion } from './workflow-version.entity.ts';
import { Workflow, type WorkflowStatus } from './workflow.entity.ts';

/** What a workflow is made from; the definition may be incomplete, but must be well-formed. */
export interface NewWorkflow {
  readonly name: string;
  readonly description?: string | null;
  readonly tags?: readonly string[];
  /** Null for none. */
  readonly groupId?: string | null;
  /** An empty draft when absent. */
  readonly definition?: Json;
}

/** What is absent stays as it is. */
export interface WorkflowChange extends Partial<NewWorkflow> {
  readonly status?: WorkflowStatus;
  /** The revision that the change was made from. */
  readonly revision?: number;
}

/** A column to sort by; `-` puts the newest, or the last by name, first. */
export type WorkflowSort = `${'' | '-'}${'created_at' | 'updated_at' | 'name'}`;

/** A page of workflows that satisfy all that is given. */
export interface WorkflowQuery extends PageRequest {
  readonly status?: readonly WorkflowStatus[];
  readonly tag?: string;
  readonly groupId?: string;
  /** Part of the name or the description, in any case. */
  readonly search?: string;
  readonly sort: WorkflowSort;
}

/** As lists have it: without the definition, which may be large. */
export type Listed<Entity> = Omit<Entity, 'definition'>;

/** The workflows of an organisation. */
@Injectable()
export class WorkflowService {
  readonly #executable: ExecutableVersions;
  readonly #checks: DefinitionChecks;

  constructor(
    private readonly em: EntityManager,
    private readonly nodeTypes: NodeRegistry,
    private readonly sandbox: Sandbox,
    private readonly events: DomainEvents,
    private readonly groups: GroupService,
    vault: Vault,
    private readonly quota: StorageQuota,
  ) {
    this.#checks = new DefinitionChecks(nodeTypes, vault, sandbox);
    this.#executable = new ExecutableVersions(em);
  }

  /** In the order asked for. */
  async list(organisationId: string, query: WorkflowQuery): Promise<Page<Listed<Workflow>>> {
    // PostgreSQL has no NUL in text, and refuses to be asked about it.
    if ([query.tag, query.search, query.groupId].some((text) => text?.includes('\0'))) return { items: [], total: 0 };
    const [items, total] = await this.em.findAndCount(Workflow, filterOf(organisationId, query), {
      orderBy: orderOf(query.sort),
      ...rangeOf(query),
      exclude: ['definition'],
    });
    return { items: items as unknown as Listed<Workflow>[], total };
  }

  /** Throws ResourceNotFoundError. */
  async get(organisationId: string, id: string): Promise<Workflow> {
    return this.#find(this.em, organisationId, id);
  }

  /**
   * Throws ValidationFailedError for a definition that is not well-formed and when there are too many, and
   * StorageQuotaExceededError; whether it can be published is not asked.
   */
  async create(
    caller: Caller,
    { name, description = null, tags = [], groupId = null, definition }: NewWorkflow,
  ): Promise<Workflow> {
    const fields = {
      name,
      description,
      tags: [...tags],
      definition: definitionOf(definition ?? { nodes: [], edges: [] }),
    };
    checkText(fields);
    return this.em.transactional(async (em) => {
      await this.quota.assertRoom(caller.organisationId, em);
      const plan = await takeTurns(em, caller.organisationId);
      assertMoreAllowed('workflows', plan, await em.count(Workflow, { organisation: caller.organisationId }));
      const group = await this.#group(em, caller.organisationId, groupId);
      const workflow = Workflow.create(em.getReference(Organisation, caller.organisationId), { ...fields, group });
      em.persist(workflow);
      await this.#tell(em, 'workflow.created', workflow);
      return workflow;
    });
  }

  /**
   * Throws ResourceNotFoundError, RevisionConflictError, WorkflowArchivedError, WorkflowStatusConflictError,
   * ValidationFailedError for a definition that is not well-formed, and StorageQuotaExceededError for one that is larger
   * than before.
   */
  async update(
    caller: Caller,
    id: string,
    { revision, definition, tags, groupId, ...change }: WorkflowChange,
  ): Promise<Workflow> {
    const fields = {
      ...change,
      ...(tags && { tags: [...tags] }),
      ...(definition !== undefined && { definition: definitionOf(definition) }),
    };
    checkText(fields);
    return this.em.transactional(async (em) => {
      const group = groupId === undefined ? {} : { group: await this.#group(em, caller.organisationId, groupId) };
      const workflow = await this.#find(em, caller.organisationId, id, LockMode.PESSIMISTIC_WRITE);
      if (revision !== undefined) workflow.assertRevision(revision);
      await this.#change(em, workflow, { ...fields, ...group });
      await this.#tell(em, 'workflow.updated', workflow);
      return workflow;
    });
  }

  /**
   * Makes a change of the draft that is worked out from the draft itself. Throws what `change` throws,
   * ResourceNotFoundError, RevisionConflictError, WorkflowArchivedError, ValidationFailedError, and
   * StorageQuotaExceededError for a draft that grows.
   */
  async changeDraft(
    caller: Caller,
    id: string,
    revision: number | undefined,
    change: (draft: WorkflowDefinition) => WorkflowDefinition,
  ): Promise<Workflow> {
    return this.em.transactional(async (em) => {
      const workflow = await this.#find(em, caller.organisationId, id, LockMode.PESSIMISTIC_WRITE);
      if (revision !== undefined) workflow.assertRevision(revision);
      const definition = definitionOf(change(workflow.definition) as unknown as Json);
      checkText({ definition });
      await this.#change(em, workflow, { definition });
      return workflow;
    });
  }

  /** Removes the workflow with its versions and disables its triggers; its executions keep what they run. Throws ResourceNotFoundError. */
  async delete(organisationId: string, id: string): Promise<void> {
    await this.em.transactional(async (em) => {
      const workflow = await this.#find(em, organisationId, id, LockMode.PESSIMISTIC_WRITE);
      await em.nativeDelete(WorkflowVersion, { workflowId: id, organisation: organisationId });
      await disableTriggersOf(em, organisationId, id);
      em.remove(workflow);
      await this.#tell(em, 'workflow.deleted', workflow);
    });
  }

  /** All that is wrong with a definition. Throws SandboxUnavailableError, and ValidationFailedError when it is not well-formed. */
  async validate(organisationId: string, json: Json): Promise<DefinitionFindings> {
    const definition = definitionOf(json);
    const schemas = await this.#checks.schemas(organisationId, definition);
    const { problems, warnings } = await this.#checks.all(this.em, organisationId, definition);
    return { problems: [...problems, ...schemas], warnings };
  }

  /** What keeps a well-formed definition from being published, whatever else the organisation has, apart from its schemas. */
  problems(definition: WorkflowDefinition): DefinitionProblem[] {
    return validateDefinition(definition, this.nodeTypes);
  }

  /**
   * Makes the draft the next version, and removes the oldest beyond the number that the plan keeps. Throws
   * ResourceNotFoundError, WorkflowArchivedError, WorkflowAlreadyPublishedError, StorageQuotaExceededError,
   * SandboxUnavailableError, and ValidationFailedError that lists every problem of the draft.
   */
  async publish(caller: Caller, id: string, changelog: string | null = null): Promise<WorkflowVersion> {
    checkStorable('changelog', changelog);
    for (;;) {
      const { definition, definitionHash } = await this.get(caller.organisationId, id);
      // No transaction is open while the sandbox is waited for: it would keep a connection from others.
      const schemas = await this.#checks.schemas(caller.organisationId, definition);
      const version = await this.#publish(caller, id, { changelog, definitionHash, schemas });
      if (version) return version;
    }
  }

  /** Undefined when the draft is no longer the one whose schemas were checked. */
  async #publish(
    { organisationId }: Caller,
    id: string,
    checked: { changelog: string | null; definitionHash: string; schemas: readonly DefinitionProblem[] },
  ): Promise<WorkflowVersion | undefined> {
    return this.em.transactional(async (em) => {
      const workflow = await this.#find(em, organisationId, id, LockMode.PESSIMISTIC_WRITE);
      if (workflow.definitionHash !== checked.definitionHash) return undefined;
      const version = workflow.publish(checked.changelog);
      await this.quota.assertRoom(organisationId, em);
      const { problems } = await this.#checks.all(em, organisationId, workflow.definition);
      const all = [...problems, ...checked.schemas];
      if (all.length > 0) throw refusal('The draft cannot be published.', all, 'definition');
      em.persist(version);
      await removeOldVersions(em, version);
      await this.#tell(em, 'workflow.published', workflow);
      return version;
    });
  }

  /** Newest first. Throws ResourceNotFoundError. */
  async versions(organisationId: string, id: string, page: PageRequest): Promise<Page<Listed<WorkflowVersion>>> {
    await this.#assertExists(organisationId, id);
    const [items, total] = await this.em.findAndCount(
      WorkflowVersion,
      { workflowId: id, organisation: organisationId },
      { orderBy: { version: 'desc' }, ...rangeOf(page), exclude: ['definition'] },
    );
    return { items: items as unknown as Listed<WorkflowVersion>[], total };
  }

  /** Throws ResourceNotFoundError for the workflow or its version. */
  async version(organisationId: string, id: string, number: number): Promise<WorkflowVersion> {
    return this.#version(this.em, organisationId, id, number);
  }

  /**
   * What an execution that starts now runs: the published version unless told. Throws ResourceNotFoundError,
   * WorkflowNotPublishedError, WorkflowPausedError, WorkflowArchivedError.
   */
  async getPublished(
    organisationId: string,
    id: string,
    { version: wanted, em = this.em }: { version?: number; em?: EntityManager } = {},
  ): Promise<ExecutableVersion> {
    assertId(id);
    const executable = await this.#executable.get(em, { organisationId, id }, wanted);
    if (!executable) throw new ResourceNotFoundError('workflow_version', String(wanted));
    return executable;
  }

  /** Makes a draft from an exported document, given as YAML text or as JSON. Throws ValidationFailedError and SandboxUnavailableError. */
  async import(caller: Caller, source: string | Json): Promise<Workflow> {
    const { organisationId } = caller;
    const turn = { organisationId, maxWaitMs: requestMaxWaitMs };
    const read: ReadDocument =
      typeof source === 'string' ? await readYaml(source, this.nodeTypes, this.sandbox, turn) : readDocument(source);
    return this.#fromDocument(caller, read);
  }

  /** Makes a draft from ordered layers. Throws ValidationFailedError. */
  async importLayers(caller: Caller, source: Json): Promise<Workflow> {
    return this.#fromDocument(caller, readLayers(source));
  }

  #fromDocument(caller: Caller, read: ReadDocument): Promise<Workflow> {
    if (!read.document) throw refusal('The document is not a workflow.', read.problems);
    return this.create(caller, { ...read.document, definition: read.document.definition as unknown as Json });
  }

  /** The draft, or a published version of it. Throws ResourceNotFoundError. */
  async export(organisationId: string, id: string, version?: number): Promise<WorkflowDocument> {
    const { name, description, tags, definition } = await this.get(organisationId, id);
    const exported = version === undefined ? definition : (await this.version(organisationId, id, version)).definition;
    return { name, description: description ?? null, tags, definition: exported };
  }

  /** A document as YAML that `import` reads back to the same. */
  toYaml(document: WorkflowDocument): string {
    return writeYaml(document, this.nodeTypes);
  }

  /** A draft that does not grow may change at the quota too. */
  async #change(em: EntityManager, workflow: Workflow, change: Parameters<Workflow['change']>[0]): Promise<void> {
    const before = bytesOf(workflow.definition);
    workflow.change(change);
    if (bytesOf(workflow.definition) > before) await this.quota.assertRoom(workflow.organisation.id, em);
  }

  #tell(em: EntityManager, type: `workflow.${string}` & EventType, workflow: Workflow): Promise<void> {
    const { id, name, status, revision, publishedVersion } = workflow;
    const data = { workflow_id: id, name, status, revision, published_version: publishedVersion ?? null };
    return this.events.emit(em, { organisationId: workflow.organisation.id, type, data });
  }

  async #find(
    em: EntityManager,
    organisationId: string,
    id: string,
    lockMode?: LockMode.PESSIMISTIC_WRITE,
  ): Promise<Workflow> {
    assertId(id);
    const workflow = await em.findOne(
      Workflow,
      { id, organisation: organisationId },
      { ...(lockMode && { lockMode }), refresh: true },
    );
    if (!workflow) throw new ResourceNotFoundError('workflow', id);
    return workflow;
  }

  /** Throws ValidationFailedError when there is no such group. */
  async #group(em: EntityManager, organisationId: string, id: string | null): Promise<Group | null> {
    return id === null ? null : this.groups.reference(em, organisationId, id);
  }

  async #version(em: EntityManager, organisation: string, id: string, number: number): Promise<WorkflowVersion> {
    assertId(id);
    const version = await em.findOne(WorkflowVersion, { workflowId: id, version: number, organisation });
    if (version) return version;
    await this.#assertExists(organisation, id);
    throw new ResourceNotFoundError('workflow_version', String(number));
  }

  async #assertExists(organisationId: string, id: string): Promise<void> {
    assertId(id);
    const count = await this.em.count(Workflow, { id, organisation: organisationId });
    if (count === 0) throw new ResourceNotFoundError('workflow', id);
  }
}

/** What is no id is not there; some of it the database would not even take. */
function assertId(id: string): void {
  if (!isId('wf', id)) throw new ResourceNotFoundError('workflow', id);
}

function bytesOf(definition: WorkflowDefinition): number {
  return Buffer.byteLength(JSON.stringify(definition));
}

function definitionOf(value: Json): WorkflowDefinition {
  const { definition, problems } = parseDefinition(value);
  if (!definition) throw refusal('The definition is not well-formed.', problems, 'definition');
  return definition;
}

/** The problems as those of the request's body, where the definition stands under `at`. */
function refusal(message: string, problems: readonly DefinitionProblem[], at = ''): ValidationFailedError {
  const errors = problems.map((problem) => ({
    field: [at, problem.field].filter((part) => part !== '').join('.'),
    message: problem.message,
    location: 'body' as const,
    ...(problem.node !== undefined && { node_id: problem.node }),
    ...(problem.edge !== undefined && { edge_id: problem.edge }),
    hint: problem.hint,
  }));
  return new ValidationFailedError(message, errors);
}

function checkText(fields: {
  name?: string;
  description?: string | null;
  tags?: string[];
  definition?: WorkflowDefinition;
}): void {
  for (const [field, value] of Object.entries(fields))
    if (value !== undefined) checkStorable(field, value as unknown as Json);
}

function filterOf(organisationId: string, { status, tag, groupId, search }: WorkflowQuery): FilterQuery<Workflow> {
  const pattern = search === undefined ? undefined : `%${search.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
  return {
    organisation: organisationId,
    ...(status && { status: { $in: [...status] } }),
    ...(groupId !== undefined && { group: groupId }),
    ...(tag !== undefined && { tags: { $contains: [tag] } }),
    ...(pattern !== undefined && { $or: [{ name: { $ilike: pattern } }, { description: { $ilike: pattern } }] }),
  };
}

const columns = { created_at: 'createdAt', updated_at: 'updatedAt', name: 'name' } as const;

/** The id breaks ties, so that pages neither lose nor repeat a row. */
function orderOf(sort: WorkflowSort): QueryOrderMap<Workflow> {
  const direction = sort.startsWith('-') ? 'desc' : 'asc';
  const column = columns[sort.replace('-', '') as keyof typeof columns];
  return { [column]: direction, id: direction };
}
