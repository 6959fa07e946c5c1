import { timingSafeEqual } from 'node:crypto';
import { defineEntity, p } from '@mikro-orm/core';
import { newId } from '../id.ts';
import { Organisation } from '../organisation/organisation.entity.ts';
import { randomBase62, sha256 } from '../secret.ts';
import type { ChannelRoute, ChannelTool } from './channel-route.ts';

/** `http` has routes of its own, `mcp` is a server of the Model Context Protocol. */
export const channelKinds = ['http', 'mcp'] as const;
/** One of `channelKinds`. */
export type ChannelKind = (typeof channelKinds)[number];

/** `token` wants the token of the channel, `public` nothing. */
export const channelAuthModes = ['token', 'public'] as const;
/** One of `channelAuthModes`. */
export type ChannelAuthMode = (typeof channelAuthModes)[number];

const ChannelSchema = defineEntity({
  name: 'Channel',
  tableName: 'channel',
  indexes: [{ properties: ['organisation', 'createdAt', 'id'], name: 'channel_organisation_created' }],
  properties: {
    id: p.text().primary(),
    organisation: () => p.manyToOne(Organisation).deleteRule('cascade'),
    name: p.text(),
    description: p.text().nullable(),
    kind: p.enum(channelKinds),
    /** Unique over all organisations: channels have one address space. */
    slug: p.text().unique('channel_slug'),
    authMode: p.enum(channelAuthModes),
    tokenHash: p.text(),
    /** Beginning of the token, enough to recognise it by. */
    tokenPrefix: p.text(),
    enabled: p.boolean(),
    routes: p.json<readonly ChannelRoute[]>(),
    tools: p.json<readonly ChannelTool[]>(),
    /** A user or an API key. */
    createdBy: p.text().nullable(),
    createdAt: p.datetime(3),
    updatedAt: p.datetime(3),
  },
});

/** What people set about a channel. */
export interface ChannelContent {
  name: string;
  description: string | null;
  slug: string;
  authMode: ChannelAuthMode;
  enabled: boolean;
  routes: readonly ChannelRoute[];
  tools: readonly ChannelTool[];
}

/** A way into workflows from outside. */
export class Channel extends ChannelSchema.class {
  static create(
    organisation: Organisation,
    kind: ChannelKind,
    content: ChannelContent,
    createdBy: string | null,
    now = new Date(),
  ): Channel {
    return Object.assign(new Channel(), {
      id: newId('chan'),
      organisation,
      kind,
      createdBy,
      createdAt: now,
      updatedAt: now,
      ...content,
    });
  }

  change(content: Partial<ChannelContent>, now = new Date()): void {
    Object.assign(this, content);
    this.updatedAt = now;
  }

  /** Makes a token, which only its hash remains of; the one before ends. */
  mintToken(now = new Date()): string {
    const token = `fpc_${randomBase62(32)}`;
    this.tokenHash = sha256(token);
    this.tokenPrefix = token.slice(0, 8);
    this.updatedAt = now;
    return token;
  }

  /** Whether somebody with this token, or with none, may call. */
  admits(token: string | undefined): boolean {
    if (this.authMode === 'public') return true;
    return token !== undefined && timingSafeEqual(Buffer.from(sha256(token)), Buffer.from(this.tokenHash));
  }
}

ChannelSchema.setClass(Channel);
