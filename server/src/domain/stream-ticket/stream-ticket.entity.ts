import { defineEntity, p } from '@mikro-orm/core';
import { ApiKey } from '../api-key/api-key.entity.ts';
import { Organisation } from '../organisation/organisation.entity.ts';
import { Session } from '../session/session.entity.ts';

const StreamTicketSchema = defineEntity({
  name: 'StreamTicket',
  properties: {
    /** SHA-256 of the ticket, hexadecimal; the ticket itself is nowhere. */
    hash: p.text().primary(),
    organisation: () => p.manyToOne(Organisation).deleteRule('cascade'),
    /** Who made it: a key or a session, and it ends with them. */
    apiKey: () => p.manyToOne(ApiKey).deleteRule('cascade').nullable(),
    session: () => p.manyToOne(Session).deleteRule('cascade').nullable(),
    /** The only execution that can be followed with it, where it is for one. */
    executionId: p.text().nullable(),
    /** The event after which the connection begins. */
    after: p.bigint('number'),
    expiresAt: p.datetime(3).index(),
  },
});

/** Lets one connection in, once and soon; its row goes with its use. */
export class StreamTicket extends StreamTicketSchema.class {}

StreamTicketSchema.setClass(StreamTicket);
