import { defineEntity, p } from '@mikro-orm/core';
import { Session } from './session.entity.ts';

const RefreshTokenSchema = defineEntity({
  name: 'RefreshToken',
  properties: {
    /** SHA-256 of the token, hexadecimal. */
    hash: p.text().primary(),
    session: () => p.manyToOne(Session).deleteRule('cascade').index(),
    /** Set at its one use; a second use means that the token was stolen. */
    usedAt: p.datetime(3).nullable(),
    createdAt: p.datetime(3).onCreate(() => new Date()),
  },
});

/** A token that can be exchanged once for the next one. Used ones are kept to recognise a thief. */
export class RefreshToken extends RefreshTokenSchema.class {}

RefreshTokenSchema.setClass(RefreshToken);
