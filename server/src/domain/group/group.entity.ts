import { defineEntity, p } from '@mikro-orm/core';
import { Organisation } from '../organisation/organisation.entity.ts';

const GroupSchema = defineEntity({
  name: 'Group',
  tableName: 'workflow_group',
  indexes: [{ properties: ['organisation', 'position', 'id'], name: 'workflow_group_order' }],
  properties: {
    id: p.text().primary(),
    organisation: () => p.manyToOne(Organisation).deleteRule('cascade'),
    name: p.text(),
    description: p.text().nullable(),
    /** Place in the order of the organisation's groups, from 0 and without gaps. */
    position: p.integer(),
    createdAt: p.datetime(3),
    updatedAt: p.datetime(3),
  },
});

/** A named set of workflows; a workflow is in one group or in none. */
export class Group extends GroupSchema.class {}

GroupSchema.setClass(Group);
