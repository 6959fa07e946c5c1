import type * as contract from '#generated/platform/index.ts';
import type { IssuedStreamTicket } from '../../../domain/stream-ticket/stream-ticket.service.ts';

export function toStreamTicket({ ticket, executionId, after, expiresAt }: IssuedStreamTicket): contract.StreamTicket {
  return { ticket, execution_id: executionId ?? null, after, expires_at: expiresAt.toISOString() };
}
