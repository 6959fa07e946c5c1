import { defineEntity, type Opt, p } from '@mikro-orm/core';
import type { WorkflowDefinition } from '../language/definition.ts';

const DefinitionSnapshotSchema = defineEntity({
  name: 'DefinitionSnapshot',
  tableName: 'definition_snapshot',
  properties: {
    organisationId: p.text().primary(),
    /** SHA-256 of the definition, in hex. */
    hash: p.text().primary(),
    definition: p.json<WorkflowDefinition>(),
    /** Bytes that it stores. */
    size: p.integer().generated('(200 + octet_length((definition)::text)) stored').$type<Opt<number>>().lazy(),
    createdAt: p.datetime(3),
    /** When an execution last began with it, at most an hour behind. */
    usedAt: p.datetime(3).defaultRaw('now()'),
  },
});

/** A definition as executions run it; never changed, because a run that is resumed must find what it started with. */
export class DefinitionSnapshot extends DefinitionSnapshotSchema.class {}
DefinitionSnapshotSchema.setClass(DefinitionSnapshot);
