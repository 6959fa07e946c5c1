import { LockMode } from '@mikro-orm/core';
import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { assertMayExecute } from '../assert-scopes.ts';
import { type Caller, principalOf } from '../caller.ts';
import { type Json, ResourceNotFoundError, ValidationFailedError } from '../domain-error.ts';
import { checkStorable } from '../storable.ts';
import { slugFor, takingSlug } from '../slug.ts';
import { isId } from '../id.ts';
import { Organisation } from '../organisation/organisation.entity.ts';
import { assertMoreAllowed, takeTurns } from '../organisation/take-turns.ts';
import { type Page, type PageRequest, rangeOf } from '../page.ts';
import { Workflow } from '../workflow/workflow.entity.ts';
import { Channel, type ChannelContent, type ChannelKind } from './channel.entity.ts';
import { ChannelSlugTakenError } from './channel.errors.ts';
import { channelProblems } from './check-channel.ts';

/** What a channel is made from. */
export interface NewChannel extends Partial<ChannelContent> {
  readonly name: string;
  readonly kind: ChannelKind;
}

/** A page of channels. */
export interface ChannelQuery extends PageRequest {
  readonly kind?: ChannelKind;
}

/** A channel and its token, which can be read only now. */
export interface ChannelWithToken {
  readonly channel: Channel;
  readonly token: string;
}

/** The channels of an organisation. Another organisation's id is a ResourceNotFoundError. */
@Injectable()
export class ChannelService {
  constructor(private readonly em: EntityManager) {}

  /** Newest first. */
  async list(organisation: string, { kind, ...page }: ChannelQuery): Promise<Page<Channel>> {
    const [items, total] = await this.em.findAndCount(
      Channel,
      { organisation, ...(kind && { kind }) },
      { orderBy: { createdAt: 'desc', id: 'desc' }, ...rangeOf(page) },
    );
    return { items, total };
  }

  async get(organisationId: string, id: string): Promise<Channel> {
    return this.#find(this.em, organisationId, id);
  }

  /** A channel that answers, with its organisation; undefined for what is not there or not enabled. */
  async findEnabled(slug: string): Promise<Channel | undefined> {
    if (!/^[a-z0-9-]{1,80}$/.test(slug)) return undefined;
    const found = await this.em.findOne(
      Channel,
      { slug, enabled: true },
      { populate: ['organisation'], refresh: true },
    );
    return found ?? undefined;
  }

  /**
   * Throws ValidationFailedError that lists every problem, ChannelSlugTakenError, and InsufficientScopeError when the caller
   * may not execute workflows.
   */
  async create(caller: Caller, { kind, ...given }: NewChannel): Promise<ChannelWithToken> {
    assertMayExecute(caller);
    const content: ChannelContent = {
      description: null,
      slug: slugFor(given.name),
      authMode: 'token',
      enabled: true,
      routes: [],
      tools: [],
      ...defined(given),
    };
    await this.#check(caller.organisationId, kind, content);
    const organisation = this.em.getReference(Organisation, caller.organisationId);
    const taken = (): ChannelSlugTakenError => new ChannelSlugTakenError(content.slug ?? '');
    return takingSlug(this.em, taken, async (em) => {
      const plan = await takeTurns(em, caller.organisationId);
      assertMoreAllowed('channels', plan, await em.count(Channel, { organisation: caller.organisationId }));
      const channel = Channel.create(organisation, kind, content, principalOf(caller));
      const token = channel.mintToken();
      em.persist(channel);
      return { channel, token };
    });
  }

  /**
   * Throws ResourceNotFoundError, ChannelSlugTakenError, ValidationFailedError that lists every problem, and
   * InsufficientScopeError when more can be called then and the caller may not execute workflows.
   */
  async update(caller: Caller, id: string, given: Partial<ChannelContent>): Promise<Channel> {
    const content = defined(given);
    const { routes, tools, authMode, enabled, slug } = content;
    const opens = enabled === true || authMode === 'public' || slug !== undefined;
    if (opens || routes?.length || tools?.length) assertMayExecute(caller);
    const taken = (): ChannelSlugTakenError => new ChannelSlugTakenError(content.slug ?? '');
    return takingSlug(this.em, taken, async (em) => {
      const channel = await this.#find(em, caller.organisationId, id, LockMode.PESSIMISTIC_WRITE);
      await this.#check(caller.organisationId, channel.kind, content);
      channel.change(content);
      return channel;
    });
  }

  /** Ends the token and makes another. Throws ResourceNotFoundError, and InsufficientScopeError like `create`. */
  async rotateToken(caller: Caller, id: string): Promise<ChannelWithToken> {
    assertMayExecute(caller);
    const { organisationId } = caller;
    return this.em.transactional(async (em) => {
      const channel = await this.#find(em, organisationId, id, LockMode.PESSIMISTIC_WRITE);
      return { channel, token: channel.mintToken() };
    });
  }

  /** Throws ResourceNotFoundError. */
  async delete(organisationId: string, id: string): Promise<void> {
    await this.em.transactional(async (em) => {
      em.remove(await this.#find(em, organisationId, id, LockMode.PESSIMISTIC_WRITE));
    });
  }

  async #find(
    em: EntityManager,
    organisation: string,
    id: string,
    lockMode?: LockMode.PESSIMISTIC_WRITE,
  ): Promise<Channel> {
    const options = { ...(lockMode && { lockMode }), refresh: true };
    const channel = isId('chan', id) ? await em.findOne(Channel, { id, organisation }, options) : null;
    if (!channel) throw new ResourceNotFoundError('channel', id);
    return channel;
  }

  async #check(organisation: string, kind: ChannelKind, content: Partial<ChannelContent>): Promise<void> {
    for (const [field, value] of Object.entries(content)) checkStorable(field, value as unknown as Json);
    const named = [...(content.routes ?? []), ...(content.tools ?? [])].map(({ workflow_id: id }) => id);
    const ids = named.filter((id) => isId('wf', id));
    const found = await this.em.find(Workflow, { id: { $in: ids }, organisation }, { fields: ['id'] });
    const problems = channelProblems(kind, content, new Set(found.map(({ id }) => id)));
    if (problems.length > 0) throw new ValidationFailedError('The channel is not valid.', problems);
  }
}

function defined<T extends object>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}
