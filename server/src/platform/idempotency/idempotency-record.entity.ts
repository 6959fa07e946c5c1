import { defineEntity, p } from '@mikro-orm/core';

const IdempotencyRecordSchema = defineEntity({
  name: 'IdempotencyRecord',
  indexes: [{ properties: ['organisationId'], name: 'idempotency_record_organisation' }],
  properties: {
    /** SHA-256 of organisation, principal, operation and the client's key, which itself is not kept. */
    id: p.text().primary(),
    organisationId: p.text(),
    /** Of the request that was executed; a repetition has the same. */
    fingerprint: p.text(),
    /** AES-256-GCM under a key made from the client's key: responses can hold secrets that are shown once. */
    response: p.blob(),
    expiresAt: p.datetime(3).index(),
    createdAt: p.datetime(3),
  },
});

/** The answer to a request with an idempotency key, kept for its repetitions. */
export class IdempotencyRecord extends IdempotencyRecordSchema.class {}

IdempotencyRecordSchema.setClass(IdempotencyRecord);
