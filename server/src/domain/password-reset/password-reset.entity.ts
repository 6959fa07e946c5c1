import { defineEntity, p } from '@mikro-orm/core';
import { User } from '../user/user.entity.ts';

const PasswordResetSchema = defineEntity({
  name: 'PasswordReset',
  properties: {
    /** One for each user: a new one takes the place of the one before. */
    user: () => p.manyToOne(User).primary().deleteRule('cascade'),
    /** SHA-256 of the token, hexadecimal; the token itself is nowhere. */
    hash: p.text().unique(),
    expiresAt: p.datetime(3).index(),
  },
});

/** Lets whoever has the token set the user's password, once; its row goes with its use. */
export class PasswordReset extends PasswordResetSchema.class {}

PasswordResetSchema.setClass(PasswordReset);
