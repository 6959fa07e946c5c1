import { defineEntity, p } from '@mikro-orm/core';
import { User } from '../user/user.entity.ts';

const KnownDeviceSchema = defineEntity({
  name: 'KnownDevice',
  properties: {
    /** SHA-256 of what the browser's cookie holds, hexadecimal. */
    hash: p.text().primary(),
    user: () => p.manyToOne(User).deleteRule('cascade').index(),
    expiresAt: p.datetime(3).index(),
  },
});

/** A browser in which somebody has signed in to an account. It opens nothing: whoever holds it is counted apart from others. */
export class KnownDevice extends KnownDeviceSchema.class {}

KnownDeviceSchema.setClass(KnownDevice);
