import { randomBytes } from 'node:crypto';
import type { Problem } from '../domain-error.ts';
import { randomBase62 } from '../secret.ts';
import type { HookAuth } from './trigger-config.ts';

const marker = 'whsec_';

/** A new secret of the form that the senders' side expects. */
export function mintHookSecret(auth: HookAuth): string {
  return isStandard(auth) ? marker + randomBytes(24).toString('base64') : randomBase62(40);
}

/** What is wrong with a secret that was brought along. */
export function secretFaults(secret: string, auth: HookAuth): Problem[] {
  if (!isStandard(auth) || /^[A-Za-z0-9+/]{22,}={0,2}$/.test(secret.replace(marker, ''))) return [];
  const message = 'is not base64 of at least 16 bytes, with whsec_ before it or without';
  return [{ field: 'secret', message, location: 'body' }];
}

/** The key that signatures are made with. */
export function signingKey(secret: string, auth: HookAuth): Buffer {
  return isStandard(auth) ? Buffer.from(secret.replace(marker, ''), 'base64') : Buffer.from(secret);
}

function isStandard(auth: HookAuth): boolean {
  return auth.type === 'hmac' && auth.format === 'standard_webhooks';
}
