import { defineEntity, p } from '@mikro-orm/core';
import { Organisation } from '../organisation/organisation.entity.ts';
import { User } from '../user/user.entity.ts';

/** Why a session ended before its time. */
const endReasons = ['logout', 'token_reuse', 'password_set'] as const;

type EndReason = (typeof endReasons)[number];

const SessionSchema = defineEntity({
  name: 'Session',
  properties: {
    id: p.text().primary(),
    organisation: () => p.manyToOne(Organisation).deleteRule('cascade'),
    user: () => p.manyToOne(User).deleteRule('cascade').index(),
    /** SHA-256 of what the browser's cookie holds, hexadecimal. */
    cookieHash: p.text().unique().hidden(),
    expiresAt: p.datetime(3).index(),
    endedAt: p.datetime(3).nullable(),
    endReason: p.enum(endReasons).nullable(),
    createdAt: p.datetime(3).onCreate(() => new Date()),
  },
});

/** One login: its cookie, its access tokens and its family of refresh tokens live and end with it. */
export class Session extends SessionSchema.class {
  isLive(now = new Date()): boolean {
    return !this.endedAt && this.expiresAt > now;
  }

  /** For good; a second end keeps the first reason. */
  end(reason: EndReason, now = new Date()): void {
    if (this.endedAt) return;
    this.endedAt = now;
    this.endReason = reason;
  }
}

SessionSchema.setClass(Session);
