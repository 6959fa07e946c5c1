import { defineEntity, p } from '@mikro-orm/core';
import { Organisation } from '../organisation/organisation.entity.ts';
import { sealed } from '../sealer.ts';

const SecretSchema = defineEntity({
  name: 'Secret',
  uniques: [{ properties: ['organisation', 'name'], name: 'secret_organisation_name' }],
  indexes: [{ properties: ['expiresAt'], name: 'secret_expires' }],
  properties: {
    id: p.text().primary(),
    organisation: () => p.manyToOne(Organisation).deleteRule('cascade'),
    /** As expressions name it; it never changes. */
    name: p.text(),
    description: p.text().nullable(),
    tags: p.array().columnType('text[]'),
    /** Loaded by name only: lists and answers have no use for it. */
    value: sealed().lazy(),
    /** How many values it has had. */
    version: p.integer(),
    expiresAt: p.datetime(3).nullable(),
    /** When its end was told; null while there is nothing to tell. */
    expiryToldAt: p.datetime(3).nullable(),
    /** At most a minute behind. */
    lastUsedAt: p.datetime(3).nullable(),
    createdAt: p.datetime(3),
    updatedAt: p.datetime(3),
  },
});

/** Whether something that may expire can be used. */
export type ExpiryStatus = 'active' | 'expired';

/** How something stands that ends at `expiresAt`, if ever. */
export function expiryStatus(expiresAt: Date | null | undefined, now = new Date()): ExpiryStatus {
  return expiresAt && expiresAt <= now ? 'expired' : 'active';
}

/** A value that workflows send to other servers, and that nobody reads back. */
export class Secret extends SecretSchema.class {}

SecretSchema.setClass(Secret);

/** What a secret's value is sealed as. */
export function secretContext(id: string): string {
  return `secret:${id}`;
}
