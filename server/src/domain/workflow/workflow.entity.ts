import { defineEntity, type Opt, p } from '@mikro-orm/core';
import { newId } from '../id.ts';
import { hashOf, type WorkflowDefinition } from '../language/index.ts';
import { Group } from '../group/group.entity.ts';
import { Organisation } from '../organisation/organisation.entity.ts';
import { WorkflowVersion } from './workflow-version.entity.ts';
import {
  RevisionConflictError,
  WorkflowAlreadyPublishedError,
  WorkflowArchivedError,
  WorkflowNotPublishedError,
  WorkflowPausedError,
  WorkflowStatusConflictError,
} from './workflow.errors.ts';

/** `draft` has no published version, `paused` takes no new executions, `archived` is kept for reading. */
export const workflowStatuses = ['draft', 'published', 'paused', 'archived'] as const;
/** One of `workflowStatuses`. */
export type WorkflowStatus = (typeof workflowStatuses)[number];

const WorkflowSchema = defineEntity({
  name: 'Workflow',
  tableName: 'workflow',
  indexes: [
    { properties: ['organisation', 'createdAt', 'id'], name: 'workflow_organisation_created' },
    { properties: ['organisation', 'updatedAt', 'id'], name: 'workflow_organisation_updated' },
    { properties: ['organisation', 'name', 'id'], name: 'workflow_organisation_name' },
    { properties: ['group'], name: 'workflow_group_members' },
  ],
  properties: {
    id: p.text().primary(),
    organisation: () => p.manyToOne(Organisation).deleteRule('cascade'),
    name: p.text(),
    description: p.text().nullable(),
    status: p.enum(workflowStatuses),
    tags: p.array().columnType('text[]'),
    group: () => p.manyToOne(Group).nullable().deleteRule('set null'),
    /** The draft. */
    definition: p.json<WorkflowDefinition>(),
    /** Bytes that it stores. */
    size: p.integer().generated('(500 + octet_length((definition)::text)) stored').$type<Opt<number>>().lazy(),
    definitionHash: p.text(),
    nodeCount: p.integer(),
    /** Counts the changes, from 1. */
    revision: p.integer(),
    publishedVersion: p.integer().nullable(),
    publishedHash: p.text().nullable(),
    publishedAt: p.datetime(3).nullable(),
    createdAt: p.datetime(3),
    updatedAt: p.datetime(3),
  },
});

/** What people set about a workflow. */
export interface WorkflowFields {
  name: string;
  description: string | null;
  tags: string[];
  group: Group | null;
  definition: WorkflowDefinition;
}

/** What each status may become by hand; a draft becomes published by publishing. */
const transitions: Record<WorkflowStatus, readonly WorkflowStatus[]> = {
  draft: ['archived'],
  published: ['paused', 'archived'],
  paused: ['published', 'archived'],
  archived: ['draft', 'published'],
};

/** A workflow: a draft that changes, and the version of it that executions run. */
export class Workflow extends WorkflowSchema.class {
  static create(organisation: Organisation, fields: WorkflowFields, now = new Date()): Workflow {
    const workflow = Object.assign(new Workflow(), {
      id: newId('wf'),
      organisation,
      status: 'draft' as const,
      revision: 1,
      publishedVersion: null,
      publishedHash: null,
      publishedAt: null,
      createdAt: now,
      updatedAt: now,
    });
    workflow.write(fields);
    return workflow;
  }

  /** Whether the draft differs from the published version, or there is none. */
  get hasUnpublishedChanges(): boolean {
    return this.definitionHash !== this.publishedHash;
  }

  /** Changes what is given. Throws WorkflowArchivedError for more than taking it out of the archive, and WorkflowStatusConflictError. */
  change({ status, ...fields }: Partial<WorkflowFields> & { status?: WorkflowStatus }, now = new Date()): void {
    const restores = status !== undefined && status !== 'archived' && Object.keys(fields).length === 0;
    if (this.status === 'archived' && !restores) throw new WorkflowArchivedError(this.id);
    if (status !== undefined && status !== this.status) this.moveTo(status);
    this.write(fields);
    this.revision += 1;
    this.updatedAt = now;
  }

  /** Throws RevisionConflictError when the change was made from another revision. */
  assertRevision(expected: number): void {
    if (expected !== this.revision) throw new RevisionConflictError(this.revision, expected);
  }

  /** Makes the draft the next version. Throws WorkflowArchivedError, WorkflowAlreadyPublishedError. */
  publish(changelog: string | null, now = new Date()): WorkflowVersion {
    if (this.status === 'archived') throw new WorkflowArchivedError(this.id);
    if (this.publishedVersion !== null && this.publishedVersion !== undefined && !this.hasUnpublishedChanges) {
      throw new WorkflowAlreadyPublishedError(this.publishedVersion);
    }
    this.publishedVersion = (this.publishedVersion ?? 0) + 1;
    this.publishedHash = this.definitionHash;
    this.publishedAt = now;
    if (this.status === 'draft') this.status = 'published';
    this.revision += 1;
    this.updatedAt = now;
    return WorkflowVersion.of(this, this.publishedVersion, changelog, now);
  }

  private moveTo(status: WorkflowStatus): void {
    const isPublished = Boolean(this.publishedVersion);
    const fits = status === 'archived' || (status === 'draft') !== isPublished;
    if (!fits || !transitions[this.status].includes(status))
      throw new WorkflowStatusConflictError(this.id, this.status, status);
    this.status = status;
  }

  private write({ definition, ...rest }: Partial<WorkflowFields>): void {
    Object.assign(this, rest);
    if (!definition) return;
    this.definition = definition;
    this.definitionHash = hashOf(definition);
    this.nodeCount = definition.nodes.length;
  }
}

WorkflowSchema.setClass(Workflow);

/** The version to execute. Throws WorkflowNotPublishedError, WorkflowPausedError, WorkflowArchivedError. */
export function executableVersionOf({
  id,
  status,
  publishedVersion,
}: {
  readonly id: string;
  readonly status: WorkflowStatus;
  readonly publishedVersion?: number | null;
}): number {
  if (status === 'paused') throw new WorkflowPausedError(id);
  if (status === 'archived') throw new WorkflowArchivedError(id);
  if (!publishedVersion) throw new WorkflowNotPublishedError(id);
  return publishedVersion;
}
