import { describe, expect, test } from '@jest/globals';
import { currentOrganisation, inOrganisation, outsideOrganisations } from './current-organisation.ts';
import { Ring } from './due-organisations.ts';
import { SharedCache } from './shared-cache.ts';
import { sharedResources } from './shared-resources.ts';
import { NoSlotError, SharedSlots } from './shared-slots.ts';
import { Turns } from './turns.ts';

describe('turns', () => {
  test('are by organisation, and the items of one keep their order', () => {
    const turns = new Turns<string>();
    for (const item of ['a1', 'a2', 'a3', 'b1', 'c1', 'c2']) turns.push(item[0]!, item);
    expect(turns.takeMany(4)).toEqual(['a1', 'b1', 'c1', 'a2']);
    turns.push('d', 'd1');
    expect(turns.takeMany(9)).toEqual(['c2', 'a3', 'd1']);
    expect(turns.size).toBe(0);
  });

  test('pass over who may not have one now, and what nobody waits for any more', () => {
    const turns = new Turns<string>();
    for (const item of ['a1', 'a2', 'b1']) turns.push(item[0]!, item);
    turns.remove('a', 'a1');
    turns.remove('a', 'none');
    expect(turns.take((organisationId) => organisationId !== 'a')).toBe('b1');
    expect(turns.take((organisationId) => organisationId !== 'a')).toBeUndefined();
    expect([...turns.heads()]).toEqual(['a2']);
    expect({ size: turns.size, own: turns.sizeOf('a'), organisations: turns.organisations }).toEqual({
      size: 1,
      own: 1,
      organisations: 1,
    });
  });

  test('in a ring end for those who have nothing more', () => {
    const ring = new Ring(['a', 'b']);
    expect([ring.next(), ring.next(), ring.next()]).toEqual(['a', 'b', 'a']);
    ring.done('b');
    expect([ring.next(), ring.next()]).toEqual(['a', 'a']);
    ring.done('a');
    expect(ring.next()).toBeUndefined();
  });
});

describe('slots', () => {
  const served: string[] = [];
  /** Takes slots for many, one after the other; what is served is written down. */
  const ask = (slots: SharedSlots, ...organisations: string[]): void => {
    served.length = 0;
    const serve = async (id: string): Promise<void> => {
      const release = await slots.take(id);
      served.push(id);
      setImmediate(release);
    };
    for (const id of organisations) void serve(id);
  };
  const allServed = async (count: number): Promise<string> => {
    while (served.length < count) await new Promise(setImmediate);
    await new Promise(setImmediate);
    return served.join(' ');
  };

  test('an organisation that asks once comes before the rest of one that asks a hundred times', async () => {
    const slots = new SharedSlots({ name: 'test', width: 1 });
    ask(slots, ...Array<string>(100).fill('noisy'), 'quiet');
    await allServed(101);
    expect(served.indexOf('quiet')).toBeLessThan(3);
    expect(slots.load()).toEqual({ taken: 0, waiting: 0, oldestMs: 0 });
  });

  test("the platform's own work has every second turn", async () => {
    const slots = new SharedSlots({ name: 'test', width: 1 });
    ask(slots, 'a', '', '', 'a', 'b', 'c');
    expect(await allServed(6)).toBe('a a  b  c');
  });

  test('nobody has more than it may, though slots are free; who has one already comes first and beyond that', async () => {
    const slots = new SharedSlots({ name: 'test', width: 3 });
    const first = await slots.take('a', { maxSlots: 1 });
    expect(slots.tryTake('a', { maxSlots: 1 })).toBeUndefined();
    const second = slots.take('a', { maxSlots: 1 });
    const third = await slots.take('a', { maxSlots: 1, first: true });
    const ofAnother = await slots.take('b');
    expect(slots.load()).toMatchObject({ taken: 3, waiting: 1 });
    const nested = slots.take('b', { first: true });
    third();
    (await nested)();
    first();
    first();
    (await second)();
    ofAnother();
    expect(slots.load()).toMatchObject({ taken: 0, waiting: 0 });
  });

  test('who waits too long, or no longer, leaves nothing behind', async () => {
    const slots = new SharedSlots({ name: 'test', width: 1 });
    const release = await slots.take('a');
    await expect(slots.take('b', { waitMs: 1 })).rejects.toBeInstanceOf(NoSlotError);
    const gone = new AbortController();
    const waiting = slots.take('b', { signal: gone.signal });
    gone.abort(new Error('gone'));
    await expect(waiting).rejects.toThrow('gone');
    expect(slots.load()).toMatchObject({ taken: 1, waiting: 0 });
    release();
    await expect(slots.run('b', () => Promise.reject(new Error('work failed')))).rejects.toThrow('work failed');
    expect(slots.load()).toMatchObject({ taken: 0 });
  });
});

describe('a cache', () => {
  test('that is full makes room where most of it is', () => {
    const cache = new SharedCache<number>({ name: 'test', maxEntries: 4 });
    cache.set('quiet', 'one', 1);
    for (let n = 0; n < 100; n++) cache.set('noisy', `key ${n}`, n);
    expect(cache.get('quiet', 'one')).toBe(1);
    expect(cache.get('noisy', 'key 0')).toBeUndefined();
    expect(cache.get('noisy', 'key 99')).toBe(99);
    expect(sharedResources.caches.get('test')!()).toEqual({ entries: 4, evicted: 97 });
  });

  test('gives up what was used longest ago', () => {
    const cache = new SharedCache<number>({ name: 'test', maxEntries: 2 });
    cache.set('a', 'old', 1);
    cache.set('a', 'new', 2);
    expect(cache.get('a', 'old')).toBe(1);
    cache.set('a', 'newest', 3);
    expect(cache.get('a', 'new')).toBeUndefined();
    cache.delete('a', 'old');
    cache.delete('a', 'old');
    expect(sharedResources.caches.get('test')!()).toMatchObject({ entries: 1 });
  });
});

test('work belongs to an organisation, and what it begins too, unless it is for all', async () => {
  const seen = await inOrganisation('a', async () => {
    await new Promise(setImmediate);
    return [currentOrganisation(), outsideOrganisations(currentOrganisation), inOrganisation('b', currentOrganisation)];
  });
  expect(seen).toEqual(['a', '', 'b']);
  expect(currentOrganisation()).toBe('');
});
