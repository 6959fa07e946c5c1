import { MikroORM, RequestContext } from '@mikro-orm/postgresql';
import { Logger, Module } from '@nestjs/common';
import { contract } from '#generated/platform/index.ts';
import { ContractModule, type ContractModuleOptions } from '#runtime/nest/index.ts';
import { maxNames } from '../../domain/json-bounds.ts';
import { inTurn } from '../../domain/tenancy/event-loop-turns.ts';
import { AuthModule } from '../../platform/auth/auth.module.ts';
import {
  ApiKeyAuthenticator,
  BearerAuthenticator,
  SessionCookieAuthenticator,
  StreamTicketAuthenticator,
} from '../../platform/auth/authenticators.ts';
import type { Principal } from '../../platform/auth/principal.ts';
import { Config } from '../../platform/config/config.ts';
import { IdempotencyModule } from '../../platform/idempotency/idempotency.module.ts';
import { PostgresIdempotencyStore } from '../../platform/idempotency/postgres-idempotency-store.ts';
import { PostgresRateLimiter } from '../../platform/rate-limit/postgres-rate-limiter.ts';
import { RateLimitModule } from '../../platform/rate-limit/rate-limit.module.ts';
import { insideSpan } from '../../platform/telemetry/tracing.ts';
import { ApiKeysApiModule } from './api-keys/api-keys-api.module.ts';
import { ApprovalsApiModule } from './approvals/approvals-api.module.ts';
import { CallbacksApiModule } from './callbacks/callbacks-api.module.ts';
import { AuthApiModule } from './auth/auth-api.module.ts';
import { CredentialsApiModule } from './credentials/credentials-api.module.ts';
import { BulkJobsApiModule } from './bulk-jobs/bulk-jobs-api.module.ts';
import { errorFormat, metaOf } from './error-format.ts';
import { ExecutionsApiModule } from './executions/executions-api.module.ts';
import { GroupsApiModule } from './groups/groups-api.module.ts';
import { ChannelsApiModule } from './channels/channels-api.module.ts';
import { FormsApiModule } from './forms/forms-api.module.ts';
import { HealthApiModule } from './health/health-api.module.ts';
import { NodesApiModule } from './nodes/nodes-api.module.ts';
import { HooksApiModule } from './hooks/hooks-api.module.ts';
import { LiveApiModule } from './live/live-api.module.ts';
import { SchedulesApiModule } from './schedules/schedules-api.module.ts';
import { KvApiModule } from './kv/kv-api.module.ts';
import { SecretsApiModule } from './secrets/secrets-api.module.ts';
import { throwableCodes } from './throwable-codes.ts';
import { TriggersApiModule } from './triggers/triggers-api.module.ts';
import { UsageApiModule } from './usage/usage-api.module.ts';
import { WebhooksApiModule } from './webhooks/webhooks-api.module.ts';
import { WorkflowsApiModule } from './workflows/workflows-api.module.ts';
import { translateError } from './translate-error.ts';

const logger = new Logger('Contract');

/** What the server does for the `platform` contract besides the operations themselves. */
const runtime = ContractModule.forRootAsync({
  imports: [AuthModule, RateLimitModule, IdempotencyModule],
  inject: [
    Config,
    MikroORM,
    ApiKeyAuthenticator,
    BearerAuthenticator,
    SessionCookieAuthenticator,
    StreamTicketAuthenticator,
    PostgresRateLimiter,
    PostgresIdempotencyStore,
  ],
  useFactory: (
    { settings }: Config,
    orm: MikroORM,
    ApiKeyHeader: ApiKeyAuthenticator,
    BearerAuth: BearerAuthenticator,
    SessionCookie: SessionCookieAuthenticator,
    StreamTicket: StreamTicketAuthenticator,
    rateLimiter: PostgresRateLimiter,
    store: PostgresIdempotencyStore,
  ): ContractModuleOptions => ({
    contracts: [{ descriptor: contract, errors: errorFormat, supply: { meta: metaOf } }],
    authenticators: { ApiKeyHeader, BearerAuth, SessionCookie, StreamTicket },
    rateLimiter,
    idempotency: { store },
    codes: {
      validation: 'validation_error',
      unauthenticated: 'invalid_api_key',
      not_found: 'resource_not_found',
      idempotency_in_flight: 'request_in_progress',
      rate_limited: 'rate_limit_exceeded',
      internal: 'internal_error',
      unavailable: 'service_unavailable',
    },
    throwableCodes,
    responseValidation: settings.RESPONSE_VALIDATION,
    allowRoutes: [
      'GET /metrics',
      'GET /docs',
      'GET /docs/*',
      'GET /openapi.json',
      'GET /openapi.yaml',
      'GET /f/*',
      'POST /f/*',
      'GET /reset-password',
      'GET /reset-password/*',
      'POST /reset-password',
      '/channels/*',
      // Inbound URLs of webhook triggers.
      '/hooks/*',
      'OPTIONS *',
      // What AsyncAPI describes.
      'GET /asyncapi.json',
      'GET /asyncapi.yaml',
      'GET /ws',
      'GET /ws/*',
    ],
    requestId: { accept: /^[\w.-]{1,128}$/ },
    realm: 'flowpact',
    cacheControl: 'no-store',
    maxNames,
    around: ({ request, principal }, next) =>
      RequestContext.create(orm.em, () =>
        insideSpan(request, principal ? () => void inTurn((principal as Principal).organisationId, next) : next),
      ),
    translateError,
    observer: {
      unexpectedError: (err, { requestId, operation }) =>
        logger.error(
          { err, request_id: requestId, operation: operation?.id },
          'A request failed for a reason the contract does not know',
        ),
      invalidResponse: (problems, { requestId, operation }) =>
        logger.error(
          { problems, request_id: requestId, operation: operation?.id },
          'An answer does not match the contract',
        ),
    },
  }),
});

/** The `platform` contract: its controllers, and how requests are authenticated, limited, repeated and refused. */
@Module({
  imports: [
    runtime,
    AuthApiModule,
    ApiKeysApiModule,
    HooksApiModule,
    SchedulesApiModule,
    TriggersApiModule,
    WorkflowsApiModule,
    NodesApiModule,
    ExecutionsApiModule,
    ApprovalsApiModule,
    CallbacksApiModule,
    BulkJobsApiModule,
    GroupsApiModule,
    ChannelsApiModule,
    FormsApiModule,
    SecretsApiModule,
    CredentialsApiModule,
    KvApiModule,
    WebhooksApiModule,
    UsageApiModule,
    HealthApiModule,
    LiveApiModule,
  ],
})
export class PlatformApiModule {}
