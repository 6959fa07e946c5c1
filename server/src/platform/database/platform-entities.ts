import { MasterKeyRecord } from '../crypto/master-key.entity.ts';
import { IdempotencyRecord } from '../idempotency/idempotency-record.entity.ts';
import { LiveConnectionCount } from '../rate-limit/live-connection-count.entity.ts';
import { RequestCount } from '../rate-limit/request-count.entity.ts';

/** Tables of technical services, which the domain does not know. */
export const platformEntities = [IdempotencyRecord, LiveConnectionCount, MasterKeyRecord, RequestCount];
