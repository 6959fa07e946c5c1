import { defineEntity, p } from '@mikro-orm/core';

const KnownLoginSchema = defineEntity({
  name: 'KnownLogin',
  properties: {
    /** SHA-256 of account and address together: neither is told by the row. */
    subject: p.text().primary(),
    lastUsedAt: p.datetime(3).index(),
  },
});

/** An address from which somebody has signed in to an account. */
export class KnownLogin extends KnownLoginSchema.class {}

KnownLoginSchema.setClass(KnownLogin);
