import { createHash } from 'node:crypto';
import { MikroORM, UniqueConstraintViolationException } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { fromUUIDBytes } from 'typeid-js';
import type { Json } from '../domain-error.ts';
import { Execution, withoutResult } from '../execution/execution.entity.ts';
import type { Plan } from '../organisation/plan.ts';
import { type PreparedQuery, runPrepared } from '../prepared-query.ts';
import { forOthers } from '../storage/storage.errors.ts';
import { Sealer } from '../sealer.ts';
import { matchPath } from './hook-path.ts';
import { isSigned, sameBytes, type SignedRequest } from './hook-signature.ts';
import { HookUses } from './hook-uses.ts';
import type { HookAuth, WebhookConfig } from './trigger-config.ts';
import { type Startable, type TriggerData, TriggerFiring } from './trigger-firing.ts';
import { secretContext } from './trigger.service.ts';
import { HookUnauthorizedError, TriggerDisabledError } from './trigger.errors.ts';

/** A webhook trigger as a request to its URL meets it. */
export interface Hook extends Startable {
  readonly enabled: boolean;
  readonly config: WebhookConfig;
  readonly plan: Plan;
  /** Sealed, the newest first. */
  readonly secrets: readonly Uint8Array[];
}

/** A request to an inbound URL. */
export interface HookRequest extends SignedRequest {
  readonly method: string;
  /** What follows the token, decoded: empty, or beginning with a slash. */
  readonly path: string;
  readonly query: Readonly<Record<string, Json>>;
}

/** What a request to an inbound URL is about, once it was admitted. */
export interface AdmittedRequest {
  readonly params: Readonly<Record<string, string>>;
}

/** Headers that prove something or belong to a session: no business of a workflow, which would store them. */
const confidential = new Set(['authorization', 'cookie', 'proxy-authorization', 'x-api-key']);

/** Requests to the URLs of webhook triggers. */
@Injectable()
export class HookService {
  constructor(
    private readonly orm: MikroORM,
    private readonly firing: TriggerFiring,
    private readonly sealer: Sealer,
    private readonly uses: HookUses,
  ) {}

  /** The trigger whose URL has the token, which is all that is known of the sender; undefined when there is none. */
  async find(token: string): Promise<Hook | undefined> {
    if (!/^[0-9A-Za-z]{24}$/.test(token)) return undefined;
    const [row] = await runPrepared<HookRow>(this.orm.em, selectHook, [token]);
    if (!row) return undefined;
    const {
      organisation_id: organisationId,
      workflow_id: workflowId,
      secret,
      previous_secret: previous,
      ...rest
    } = row;
    return {
      ...rest,
      organisationId,
      workflowId,
      kind: 'webhook',
      secrets: [secret, previous].filter((one) => one !== null),
    };
  }

  /**
   * Whether the sender may start it with this request, and what its path says; undefined when the path is another one.
   * Throws HookUnauthorizedError, and TriggerDisabledError to those who are authorised.
   */
  admit(hook: Hook, request: HookRequest, now = Date.now()): AdmittedRequest | undefined {
    const { auth, path } = hook.config;
    if (!this.#isAuthorized(hook, auth, request, now)) throw new HookUnauthorizedError(auth.type);
    const params = matchPath(path, request.path);
    if (!params) return undefined;
    if (!hook.enabled) throw new TriggerDisabledError(hook.id);
    return { params };
  }

  /**
   * Accepts the execution; a request that its sender has named is accepted once. Throws ValidationFailedError,
   * NoRoomForOthersError, and what keeps the workflow from being executed.
   */
  async start(hook: Hook, request: HookRequest, { params }: AdmittedRequest, body: Json): Promise<Execution> {
    const { method, path, query } = request;
    const headers = visible(request.headers, hook.config.auth);
    const receivedAt = new Date().toISOString();
    const at = { type: 'webhook', trigger_id: hook.id, received_at: receivedAt };
    const data: TriggerData = { ...at, method, path, params, query, headers, body };
    const input = await this.firing.inputOf(hook, data);
    const id = executionIdOf(hook, request);
    const em = this.orm.em.fork();
    const execution = await forOthers(this.firing.start(em, hook, { data, input, id })).catch(
      async (error: unknown) => {
        // Its twin came first, between the look and the write.
        const twin = id !== undefined && error instanceof UniqueConstraintViolationException;
        const known =
          twin &&
          (await this.orm.em.fork().findOne(Execution, { id, organisationId: hook.organisationId }, withoutResult));
        if (!known) throw error;
        return known as unknown as Execution;
      },
    );
    if (execution.createdAt.toISOString() >= receivedAt) this.uses.add(hook.id);
    return execution;
  }

  #isAuthorized(hook: Hook, auth: HookAuth, request: HookRequest, now: number): boolean {
    if (auth.type === 'none') return true;
    const secrets = hook.secrets.map((sealed) => this.sealer.open(hook.organisationId, sealed, secretContext(hook.id)));
    if (auth.type === 'hmac') return secrets.some((secret) => isSigned(auth, secret, request, now));
    const given = auth.type === 'api_key' ? request.headers[auth.header.toLowerCase()] : bearerOf(request);
    return given !== undefined && secrets.some((secret) => sameBytes(Buffer.from(given), Buffer.from(secret)));
  }
}

interface HookRow {
  id: string;
  organisation_id: string;
  workflow_id: string;
  enabled: boolean;
  config: WebhookConfig;
  input: Record<string, Json> | null;
  plan: Plan;
  secret: Uint8Array | null;
  previous_secret: Uint8Array | null;
}

const selectHook: PreparedQuery = {
  name: 'flowpact_hook',
  text: `
  select t.id, t.organisation_id, t.workflow_id, t.enabled, t.config, t.input, o.plan, t.secret,
    case when t.previous_secret_expires_at > now() then t.previous_secret end as previous_secret
  from trigger t join organisation o on o.id = t.organisation_id
  where t.hook_token = $1`,
};

function bearerOf({ headers }: HookRequest): string | undefined {
  return /^Bearer +(\S+)$/i.exec(headers['authorization'] ?? '')?.[1];
}

function visible(headers: HookRequest['headers'], auth: HookAuth): Record<string, string> {
  const own = auth.type === 'api_key' ? auth.header.toLowerCase() : undefined;
  const shown = Object.entries(headers).filter(([name]) => !confidential.has(name) && name !== own);
  return Object.fromEntries(shown) as Record<string, string>;
}

/** The same for a request that its sender repeats under the same name: `webhook-id` where that is signed, else `Idempotency-Key`. */
function executionIdOf({ id, config }: Hook, { headers }: HookRequest): string | undefined {
  const { auth } = config;
  const signed = auth.type === 'hmac' && auth.format === 'standard_webhooks';
  const name = signed ? headers['webhook-id'] : headers['idempotency-key'];
  if (name === undefined || name === '') return undefined;
  const bytes = createHash('sha256')
    .update(JSON.stringify([id, name]))
    .digest()
    .subarray(0, 16);
  return fromUUIDBytes('exec', bytes).toString();
}
