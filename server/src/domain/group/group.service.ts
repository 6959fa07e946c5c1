import { LockMode } from '@mikro-orm/core';
import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { ResourceNotFoundError, ValidationFailedError } from '../domain-error.ts';
import { checkStorable } from '../storable.ts';
import { isId, newId } from '../id.ts';
import { Organisation } from '../organisation/organisation.entity.ts';
import { assertMoreAllowed } from '../organisation/take-turns.ts';
import { type Page, type PageRequest, rangeOf } from '../page.ts';
import { Group } from './group.entity.ts';

/** What a group is made from. */
export interface NewGroup {
  readonly name: string;
  readonly description?: string | null;
  /** Place in the order, from 0; last when absent or beyond the end. */
  readonly position?: number;
}

/** A group and how many workflows are in it. */
export interface CountedGroup {
  readonly group: Group;
  readonly workflowCount: number;
}

/** The groups of an organisation, in an order that people choose. */
@Injectable()
export class GroupService {
  constructor(private readonly em: EntityManager) {}

  /** In their order. */
  async list(organisationId: string, page: PageRequest): Promise<Page<CountedGroup>> {
    const [items, total] = await this.em.findAndCount(
      Group,
      { organisation: organisationId },
      { orderBy: { position: 'asc', id: 'asc' }, ...rangeOf(page) },
    );
    return { items: await this.#count(organisationId, items), total };
  }

  /** Throws ResourceNotFoundError. */
  async get(organisationId: string, id: string): Promise<CountedGroup> {
    const group = await this.#find(this.em, organisationId, id);
    return (await this.#count(organisationId, [group]))[0]!;
  }

  /** Throws ValidationFailedError when the organisation has as many groups as it may. */
  async create(organisationId: string, { name, description = null, position }: NewGroup): Promise<CountedGroup> {
    checkText({ name, description });
    const group = await this.em.transactional(async (em) => {
      const others = await this.#ordered(em, organisationId);
      const { plan } = em.getReference(Organisation, organisationId);
      assertMoreAllowed('groups', plan, others.length);
      const now = new Date();
      const created = em.create(Group, {
        id: newId('grp'),
        organisation: em.getReference(Organisation, organisationId),
        name,
        description,
        position: others.length,
        createdAt: now,
        updatedAt: now,
      });
      arrange(others, created, position ?? others.length);
      return created;
    });
    return { group, workflowCount: 0 };
  }

  /** Changes what is given; the others make room for a new position. Throws ResourceNotFoundError. */
  async update(organisationId: string, id: string, { position, ...change }: Partial<NewGroup>): Promise<CountedGroup> {
    checkText(change);
    const group = await this.em.transactional(async (em) => {
      const all = await this.#ordered(em, organisationId);
      const found = all.find((each) => each.id === id);
      if (!found) throw new ResourceNotFoundError('group', id);
      Object.assign(found, change, { updatedAt: new Date() });
      if (position !== undefined)
        arrange(
          all.filter((each) => each !== found),
          found,
          position,
        );
      return found;
    });
    return (await this.#count(organisationId, [group]))[0]!;
  }

  /** Its workflows stay, in no group. Throws ResourceNotFoundError. */
  async delete(organisationId: string, id: string): Promise<void> {
    await this.em.transactional(async (em) => {
      const all = await this.#ordered(em, organisationId);
      const found = all.find((each) => each.id === id);
      if (!found) throw new ResourceNotFoundError('group', id);
      em.remove(found);
      for (const [position, group] of all.filter((each) => each !== found).entries()) group.position = position;
    });
  }

  /**
   * A reference for who points at a group, which stays until the transaction of `em` has ended: ask for it before anything
   * is locked there. Throws ValidationFailedError about `field` when there is none of that id.
   */
  async reference(em: EntityManager, organisationId: string, id: string, field = 'group_id'): Promise<Group> {
    // Whoever changes groups holds this row before any other, so that nobody waits in a circle.
    await em.execute('select 1 from organisation where id = ? for key share', [organisationId]);
    const group = isId('grp', id) && (await em.findOne(Group, { id, organisation: organisationId }, { refresh: true }));
    if (group) return group;
    const message = `names no group of this organisation: ${id}`;
    throw new ValidationFailedError('There is no such group.', [{ field, message, location: 'body' }]);
  }

  async #find(em: EntityManager, organisationId: string, id: string): Promise<Group> {
    const group = isId('grp', id) && (await em.findOne(Group, { id, organisation: organisationId }));
    if (!group) throw new ResourceNotFoundError('group', id);
    return group;
  }

  /** Every group in its order; whoever else would change the order waits until this transaction ends. */
  async #ordered(em: EntityManager, organisationId: string): Promise<Group[]> {
    await em.findOneOrFail(Organisation, organisationId, { lockMode: LockMode.PESSIMISTIC_WRITE, refresh: true });
    return em.find(Group, { organisation: organisationId }, { orderBy: { position: 'asc', id: 'asc' }, refresh: true });
  }

  async #count(organisationId: string, groups: readonly Group[]): Promise<CountedGroup[]> {
    const rows: { group_id: string; count: number }[] = await this.em.execute(
      `select group_id, count(*)::int as count from workflow where organisation_id = ? and group_id = any(?::text[]) group by group_id`,
      [organisationId, `{${groups.map(({ id }) => id).join(',')}}`],
    );
    const counts = new Map(rows.map(({ group_id: id, count }) => [id, count]));
    return groups.map((group) => ({ group, workflowCount: counts.get(group.id) ?? 0 }));
  }
}

/** Puts `moved` at the position, or last when that is beyond the end, and numbers all anew. */
function arrange(others: readonly Group[], moved: Group, position: number): void {
  const order = [...others];
  order.splice(Math.min(position, order.length), 0, moved);
  for (const [place, group] of order.entries()) group.position = place;
}

function checkText(fields: { name?: string; description?: string | null }): void {
  for (const [field, value] of Object.entries(fields)) checkStorable(field, value ?? null);
}
