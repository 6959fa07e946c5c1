import { defineEntity, type Opt, p } from '@mikro-orm/core';
import { newId } from '../id.ts';
import type { WorkflowDefinition } from '../language/index.ts';
import { Organisation } from '../organisation/organisation.entity.ts';

const WorkflowVersionSchema = defineEntity({
  name: 'WorkflowVersion',
  tableName: 'workflow_version',
  uniques: [{ properties: ['workflowId', 'version'], name: 'workflow_version_number' }],
  properties: {
    id: p.text().primary(),
    organisation: () => p.manyToOne(Organisation).deleteRule('cascade'),
    workflowId: p.text(),
    /** Counts the versions of the workflow, from 1. */
    version: p.integer(),
    changelog: p.text().nullable(),
    definition: p.json<WorkflowDefinition>(),
    /** Bytes that it stores. */
    size: p.integer().generated('(500 + octet_length((definition)::text)) stored').$type<Opt<number>>().lazy(),
    /** SHA-256 of the definition, in hex. */
    definitionHash: p.text(),
    nodeCount: p.integer(),
    publishedAt: p.datetime(3),
  },
});

/** What a version is made from. */
interface Draft {
  id: string;
  organisation: Organisation;
  definition: WorkflowDefinition;
  definitionHash: string;
  nodeCount: number;
}

/** A published definition; it never changes. */
export class WorkflowVersion extends WorkflowVersionSchema.class {
  static of(draft: Draft, version: number, changelog: string | null, publishedAt: Date): WorkflowVersion {
    const { id: workflowId, organisation, definition, definitionHash, nodeCount } = draft;
    return Object.assign(new WorkflowVersion(), {
      id: newId('wfv'),
      organisation,
      workflowId,
      version,
      changelog,
      definition,
      definitionHash,
      nodeCount,
      publishedAt,
    });
  }
}

WorkflowVersionSchema.setClass(WorkflowVersion);
