import { LockMode } from '@mikro-orm/core';
import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { assertMayHear } from '../assert-scopes.ts';
import type { Caller } from '../caller.ts';
import { type Problem, ResourceNotFoundError, ValidationFailedError } from '../domain-error.ts';
import { DomainEvents } from '../event/domain-events.ts';
import type { EventType } from '../event/event-type.ts';
import { checkStorable } from '../storable.ts';
import { isId } from '../id.ts';
import { connectionHeaders } from '../nodes/outgoing-http.ts';
import { OutgoingAddresses, portOf, refusedHost } from '../outgoing-addresses.ts';
import { Organisation } from '../organisation/organisation.entity.ts';
import { assertMoreAllowed, takeTurns } from '../organisation/take-turns.ts';
import { type Page, type PageRequest, rangeOf } from '../page.ts';
import { Sealer } from '../sealer.ts';
import { User } from '../user/user.entity.ts';
import { newWebhookSecret } from './signature.ts';
import { WebhookAttempt } from './webhook-attempt.entity.ts';
import { WebhookDelivery } from './webhook-delivery.entity.ts';
import { Webhook } from './webhook.entity.ts';

/** What a webhook is made from. */
export interface NewWebhook {
  readonly name: string;
  readonly description?: string | null;
  readonly url: string;
  readonly events: readonly EventType[];
  /** Sent along with every message. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly enabled?: boolean;
}

/** A webhook together with its new secret, which nobody can read again. */
export interface WebhookWithSecret {
  readonly webhook: Webhook;
  readonly secret: string;
}

export interface WebhookQuery extends PageRequest {
  readonly enabled?: boolean;
}

/** The webhooks of an organisation. Another organisation's id is a ResourceNotFoundError. */
@Injectable()
export class WebhookService {
  constructor(
    private readonly em: EntityManager,
    private readonly events: DomainEvents,
    private readonly sealer: Sealer,
    private readonly addresses: OutgoingAddresses,
  ) {}

  /** Newest first. */
  async list(organisationId: string, { enabled, ...page }: WebhookQuery): Promise<Page<Webhook>> {
    const [items, total] = await this.em.findAndCount(
      Webhook,
      { organisation: organisationId, ...(enabled !== undefined && { enabled }) },
      { orderBy: { createdAt: 'desc', id: 'desc' }, ...rangeOf(page) },
    );
    return { items, total };
  }

  /** Throws ResourceNotFoundError. */
  get(organisationId: string, id: string): Promise<Webhook> {
    return findWebhook(this.em, organisationId, id);
  }

  /**
   * Throws ValidationFailedError for a URL or a header that cannot be used, and when there are too many already, and
   * InsufficientScopeError for events that tell what the caller may not read.
   */
  async create(caller: Caller, { headers = {}, enabled = true, ...given }: NewWebhook): Promise<WebhookWithSecret> {
    const { organisationId, userId } = caller;
    check({ ...given, headers }, this.addresses);
    assertMayHear(caller, given.events);
    return this.em.transactional(async (em) => {
      const plan = await takeTurns(em, organisationId);
      assertMoreAllowed('webhooks', plan, await em.count(Webhook, { organisation: organisationId }));
      const of = {
        organisation: em.getReference(Organisation, organisationId),
        createdBy: userId ? em.getReference(User, userId) : null,
      };
      const { name, description = null, url, events } = given;
      const webhook = Webhook.create(of, { name, description, url, events: [...events] });
      if (!enabled) webhook.disable('manual', webhook.createdAt);
      const secret = newWebhookSecret();
      webhook.secret = this.#seal(webhook, 'secret', secret);
      this.#setHeaders(webhook, headers);
      em.persist(webhook);
      await this.#listen(em, webhook);
      return { webhook, secret };
    });
  }

  /**
   * Throws ResourceNotFoundError, ValidationFailedError for a URL or a header that cannot be used, and InsufficientScopeError
   * when events go elsewhere, or more of them go, that tell what the caller may not read.
   */
  async update(
    caller: Caller,
    id: string,
    { headers, enabled, events, ...change }: Partial<NewWebhook>,
  ): Promise<Webhook> {
    check({ ...change, headers }, this.addresses);
    return this.em.transactional(async (em) => {
      const webhook = await findWebhook(em, caller.organisationId, id, LockMode.PESSIMISTIC_WRITE);
      if (events || change.url !== undefined || enabled === true) assertMayHear(caller, events ?? webhook.events);
      Object.assign(webhook, change, events && { events: [...events] }, { updatedAt: new Date() });
      if (headers) this.#setHeaders(webhook, headers);
      if (enabled === true && !webhook.enabled) webhook.enable();
      if (enabled === false && webhook.enabled) {
        webhook.disable('manual');
        await endDeliveries(em, id);
      }
      await this.#listen(em, webhook);
      return webhook;
    });
  }

  /** Removes it with its deliveries. Throws ResourceNotFoundError. */
  async delete(organisationId: string, id: string): Promise<void> {
    await this.em.transactional(async (em) => {
      const webhook = await findWebhook(em, organisationId, id, LockMode.PESSIMISTIC_WRITE);
      await this.events.listen(em, { organisationId, kind: 'webhook', id, types: [] });
      await em.nativeDelete(WebhookAttempt, { webhookId: id });
      await em.nativeDelete(WebhookDelivery, { webhookId: id });
      em.remove(webhook);
    });
  }

  /** Gives it a new secret; the one before signs beside it for `overlapSeconds`. Throws ResourceNotFoundError. */
  async rotate(organisationId: string, id: string, overlapSeconds: number): Promise<WebhookWithSecret> {
    return this.em.transactional(async (em) => {
      const webhook = await findWebhook(em, organisationId, id, LockMode.PESSIMISTIC_WRITE);
      const secret = newWebhookSecret();
      const now = new Date();
      webhook.rotate(this.#seal(webhook, 'secret', secret), new Date(now.getTime() + overlapSeconds * 1_000), now);
      return { webhook, secret };
    });
  }

  #listen(em: EntityManager, { id, organisation, listensTo }: Webhook): Promise<void> {
    return this.events.listen(em, { organisationId: organisation.id, kind: 'webhook', id, types: listensTo });
  }

  #setHeaders(webhook: Webhook, headers: Readonly<Record<string, string>>): void {
    webhook.headerNames = Object.keys(headers).sort();
    webhook.headers = webhook.headerNames.length > 0 ? this.#seal(webhook, 'headers', JSON.stringify(headers)) : null;
  }

  #seal({ id, organisation }: Webhook, what: 'secret' | 'headers', text: string): Buffer {
    return this.sealer.seal(organisation.id, text, Webhook.context(id, what));
  }
}

/** Throws ResourceNotFoundError. */
export async function findWebhook(
  em: EntityManager,
  organisation: string,
  id: string,
  lockMode?: LockMode.PESSIMISTIC_WRITE,
): Promise<Webhook> {
  const options = { ...(lockMode && { lockMode }), refresh: true };
  const webhook = isId('wh', id) ? await em.findOne(Webhook, { id, organisation }, options) : null;
  if (!webhook) throw new ResourceNotFoundError('webhook', id);
  return webhook;
}

/** Ends the deliveries that wait to be sent to a webhook which is disabled. */
export async function endDeliveries(em: EntityManager, webhookId: string, now = new Date()): Promise<void> {
  const open = { webhookId, origin: 'event' as const, nextAttemptAt: { $ne: null } };
  const ended = { status: 'failed' as const, nextAttemptAt: null, completedAt: now };
  await em.nativeUpdate(WebhookDelivery, open, { ...ended, error: 'the webhook was disabled' });
}

/** Names that the signature, the body or the connection need for themselves. */
const reservedHeaders = new Set([...connectionHeaders, 'content-encoding', 'content-type']);

function check({ name, description, url, headers = {} }: Partial<NewWebhook>, addresses: OutgoingAddresses): void {
  checkStorable('name', name ?? null);
  checkStorable('description', description ?? null);
  const problems = [...(url === undefined ? [] : urlProblems(url, addresses)), ...headerProblems(headers)];
  if (problems.length === 0) return;
  const all = problems.map(({ field, message }) => `${field} ${message}`).join('; ');
  throw new ValidationFailedError(`The webhook cannot be used so: ${all}.`, problems);
}

function urlProblems(text: string, addresses: OutgoingAddresses): Problem[] {
  const wrong = (message: string): Problem[] => [{ field: 'url', message, location: 'body' }];
  if (!URL.canParse(text)) return wrong('is not a URL');
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return wrong('is neither http nor https');
  if (url.username || url.password) return wrong('has a user name or a password; send them as a header');
  return addresses.refuses(url.hostname, portOf(url)) ? wrong(refusedHost) : [];
}

function headerProblems(headers: Readonly<Record<string, string>>): Problem[] {
  const seen = new Set<string>();
  return Object.keys(headers).flatMap((name): Problem[] => {
    const lower = name.toLowerCase();
    const problem = (message: string): Problem[] => [{ field: `headers.${name}`, message, location: 'body' }];
    if (reservedHeaders.has(lower) || lower.startsWith('webhook-')) return problem('cannot be set');
    if (seen.has(lower)) return problem('is there twice, in different letters');
    seen.add(lower);
    return [];
  });
}
