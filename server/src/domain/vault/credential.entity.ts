import { defineEntity, p } from '@mikro-orm/core';
import { Organisation } from '../organisation/organisation.entity.ts';
import { sealed } from '../sealer.ts';
import { credentialTypes } from './credential-values.ts';

const CredentialSchema = defineEntity({
  name: 'Credential',
  uniques: [{ properties: ['organisation', 'name'], name: 'credential_organisation_name' }],
  indexes: [{ properties: ['expiresAt'], name: 'credential_expires' }],
  properties: {
    id: p.text().primary(),
    organisation: () => p.manyToOne(Organisation).deleteRule('cascade'),
    /** As workflows name it. */
    name: p.text(),
    type: p.enum([...credentialTypes]),
    description: p.text().nullable(),
    /** CredentialValues as JSON. */
    values: sealed().lazy(),
    expiresAt: p.datetime(3).nullable(),
    /** When its end was told; null while there is nothing to tell. */
    expiryToldAt: p.datetime(3).nullable(),
    /** At most a minute behind. */
    lastUsedAt: p.datetime(3).nullable(),
    createdAt: p.datetime(3),
    updatedAt: p.datetime(3),
  },
});

/** How to sign in at another service; its values are never read back. */
export class Credential extends CredentialSchema.class {}

CredentialSchema.setClass(Credential);

/** What a credential's values are sealed as. */
export function credentialContext(id: string): string {
  return `credential:${id}`;
}
