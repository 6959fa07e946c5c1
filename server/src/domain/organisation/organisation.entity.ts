import { defineEntity, p } from '@mikro-orm/core';
import { plans } from './plan.ts';

const OrganisationSchema = defineEntity({
  name: 'Organisation',
  properties: {
    id: p.text().primary(),
    name: p.text(),
    plan: p.enum(plans),
    createdAt: p.datetime(3).onCreate(() => new Date()),
    updatedAt: p
      .datetime(3)
      .onCreate(() => new Date())
      .onUpdate(() => new Date()),
  },
});

/** The tenant: every other row belongs to one, and none sees another's. */
export class Organisation extends OrganisationSchema.class {}

OrganisationSchema.setClass(Organisation);
