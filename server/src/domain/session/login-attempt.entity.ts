import { defineEntity, p } from '@mikro-orm/core';

const LoginAttemptSchema = defineEntity({
  name: 'LoginAttempt',
  properties: {
    /** SHA-256 of `account:<email>`, `address:<ip>` or both, or of a device, so that a typed password in the wrong field is not kept. */
    subject: p.text().primary(),
    /** SHA-256 of `account:<email>` where the count is of one account, so that all of them can be forgotten. */
    account: p.text().nullable().index(),
    windowStart: p.datetime(3).index(),
    attempts: p.integer(),
  },
});

/** How often a login, or the reset of a password, was tried in the present window, for one account, from one address, or both, or from one device. */
export class LoginAttempt extends LoginAttemptSchema.class {}

LoginAttemptSchema.setClass(LoginAttempt);
