import { defineEntity, p } from '@mikro-orm/core';
import { Group } from '../group/group.entity.ts';
import { Organisation } from '../organisation/organisation.entity.ts';
import { sealed } from '../sealer.ts';
import { Workflow } from '../workflow/workflow.entity.ts';

/** Whose values they are. */
export const kvScopes = ['organisation', 'group', 'workflow'] as const;
export type KvScope = (typeof kvScopes)[number];

const KvEntrySchema = defineEntity({
  name: 'KvEntry',
  indexes: [
    { properties: ['organisation'], name: 'kv_entry_organisation' },
    { properties: ['expiresAt'], name: 'kv_entry_expires' },
  ],
  properties: {
    /** Id of the organisation, group or workflow. */
    scopeId: p.text().primary(),
    key: p.text().primary(),
    organisation: () => p.manyToOne(Organisation).deleteRule('cascade'),
    scope: p.enum([...kvScopes]),
    /** Set for what goes with a group or workflow. */
    group: () => p.manyToOne(Group).nullable().deleteRule('cascade'),
    workflow: () => p.manyToOne(Workflow).nullable().deleteRule('cascade'),
    /** JSON text. */
    value: sealed().lazy(),
    /** Bytes of the JSON text. */
    size: p.integer(),
    /** How often it was written. */
    version: p.integer(),
    expiresAt: p.datetime(3).nullable(),
    createdAt: p.datetime(3),
    updatedAt: p.datetime(3),
  },
});

/** A value that workflows keep between executions. */
export class KvEntry extends KvEntrySchema.class {}

KvEntrySchema.setClass(KvEntry);

const KvStepSchema = defineEntity({
  name: 'KvStep',
  indexes: [{ properties: ['createdAt'], name: 'kv_step_created' }],
  properties: {
    /** `execution:node:attempt`. */
    id: p.text().primary(),
    organisationId: p.text(),
    result: p.json(),
    createdAt: p.datetime(3),
  },
});

/** A write that a step has made, so that the step's repetition after a crash does not make it again. */
export class KvStep extends KvStepSchema.class {}

KvStepSchema.setClass(KvStep);
