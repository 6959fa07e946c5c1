import { defineEntity, p } from '@mikro-orm/core';
import { ApiKey } from './api-key.entity.ts';

const ApiKeySecretSchema = defineEntity({
  name: 'ApiKeySecret',
  properties: {
    /** SHA-256 of the secret, hexadecimal; the secret itself is nowhere. */
    hash: p.text().primary(),
    apiKey: () => p.manyToOne(ApiKey).deleteRule('cascade').index(),
    /** Set when a rotation has replaced the secret: it works until then. */
    validUntil: p.datetime(3).nullable(),
    createdAt: p.datetime(3).onCreate(() => new Date()),
  },
});

/** One secret of a key. During the overlap of a rotation a key has more than one. */
export class ApiKeySecret extends ApiKeySecretSchema.class {
  /** The secret works until `at`, or shorter if a rotation before had already ended it sooner. */
  replaceAt(at: Date): void {
    if (!this.validUntil || this.validUntil > at) this.validUntil = at;
  }
}

ApiKeySecretSchema.setClass(ApiKeySecret);
