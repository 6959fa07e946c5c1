import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import type { EntityManager } from '@mikro-orm/postgresql';
import { currentOrganisation, inOrganisation } from '../tenancy/current-organisation.ts';
import { StoredJson } from '../stored-json.ts';
import { sharedResources } from '../tenancy/shared-resources.ts';
import { EventReader, type LogPlace } from './event-reader.ts';

interface Statement extends PromiseWithResolvers<{ rows: object[] }> {
  readonly ids: string[];
  readonly organisations: string[];
  readonly afters: number[];
  readonly asked: string;
}

/** Statements in the order in which they were sent; each is answered by the test. */
let statements: Statement[];
let reader: EventReader;

beforeEach(() => {
  statements = [];
  const query = ({ values }: { values: [string[], string[], number[], number] }): Promise<{ rows: object[] }> => {
    const [ids, organisations, afters] = values;
    const statement = {
      ids,
      organisations,
      afters,
      asked: currentOrganisation(),
      ...Promise.withResolvers<{ rows: object[] }>(),
    };
    statements.push(statement);
    return statement.promise;
  };
  const em = { getConnection: () => ({ getNativeClient: async () => ({ query }) }) } as unknown as EntityManager;
  reader = new EventReader(em);
});

afterEach(() => {
  jest.restoreAllMocks();
});

const place = (executionId: string, after = 0, organisationId = 'org_1'): LogPlace => ({
  executionId,
  organisationId,
  after,
});
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const row = (at: number, sequence: number | null, more: object = {}): object => ({
  // As PostgreSQL gives a bigint.
  place: String(at),
  status: 'running',
  there: sequence === null ? 0 : 1,
  id: `evt_${sequence}`,
  sequence,
  type: 'node:started',
  data: '{"n":1}',
  output: null,
  details: null,
  created_at: 1_767_225_600_123,
  ...more,
});

async function answer(index: number, ...rows: object[]): Promise<void> {
  await settle();
  statements[index]!.resolve({ rows });
  await settle();
}

test('an excerpt has the status and the events behind the place', async () => {
  const reading = reader.read(place('exec_1', 4));
  await answer(0, row(1, 5), row(1, 6, { there: 2, type: 'execution:completed' }));
  expect(statements[0]).toMatchObject({ ids: ['exec_1'], organisations: ['org_1'], afters: [4] });
  expect(await reading).toEqual({
    status: 'running',
    more: false,
    events: [
      {
        id: 'evt_5',
        executionId: 'exec_1',
        sequence: 5,
        type: 'node:started',
        data: { n: 1 },
        createdAt: new Date(1_767_225_600_123),
        terminal: false,
      },
      {
        id: 'evt_6',
        executionId: 'exec_1',
        sequence: 6,
        type: 'execution:completed',
        data: { n: 1 },
        createdAt: new Date(1_767_225_600_123),
        terminal: true,
      },
    ],
  });
});

test('of an execution that is not there nothing is known; of one without news there are none', async () => {
  const [gone, quiet] = [reader.read(place('exec_1')), reader.read(place('exec_2'))];
  await answer(0, row(1, null, { status: null }));
  await answer(1, row(1, null));
  expect(await gone).toEqual({ status: undefined, events: [], more: false });
  expect(await quiet).toEqual({ status: 'running', events: [], more: false });
});

test('more is behind an excerpt that is full, or that has fewer events than were found', async () => {
  const full = Array.from({ length: 50 }, (_, index) => row(1, index + 1, { there: 50 }));
  const first = reader.read(place('exec_1'));
  await answer(0, ...full);
  const second = reader.read(place('exec_1'));
  await answer(1, ...full.slice(0, 49).map((one) => ({ ...one, there: 49 })));
  const third = reader.read(place('exec_1'));
  await answer(2, row(1, 1, { there: 2 }));
  expect([(await first).more, (await second).more, (await third).more]).toEqual([true, false, true]);
});

test('large values are handed on as text, in their places', async () => {
  const reading = reader.read(place('exec_1'));
  await answer(0, row(1, 1, { data: '{"error":{"code":"oops"}}', output: '"big"', details: '{"big":1}' }));
  const [event] = (await reading).events;
  expect(event!.data.output).toEqual(new StoredJson('"big"'));
  expect(event!.data.error).toEqual({ code: 'oops', details: new StoredJson('{"big":1}') });
});

test('one statement is under way at a time; those who come meanwhile share the next, and each place is asked for once', async () => {
  const first = reader.read(place('exec_1'));
  await settle();
  const others = [place('exec_2'), place('exec_2'), place('exec_2', 1), place('exec_2', 0, 'org_2')].map((one) =>
    reader.read(one),
  );
  await settle();
  expect(others[0]).toBe(others[1]);
  expect(statements).toHaveLength(1);
  await answer(0, row(1, 1));
  await first;
  expect(statements[1]).toMatchObject({
    ids: ['exec_2', 'exec_2', 'exec_2'],
    organisations: ['org_1', 'org_2', 'org_1'],
    afters: [0, 0, 1],
  });
  await answer(1, row(1, 1), row(3, 2), row(2, null, { status: null }));
  const excerpts = await Promise.all(others);
  expect(excerpts.map(({ events }) => events.map(({ sequence }) => sequence))).toEqual([[1], [1], [2], []]);
});

test('a place that is being read is asked for again by whoever comes now: what he wants may be newer', async () => {
  const first = reader.read(place('exec_1'));
  await settle();
  const second = reader.read(place('exec_1'));
  await answer(0, row(1, null));
  await answer(1, row(1, 1));
  expect([(await first).events.length, (await second).events.length]).toEqual([0, 1]);
});

test('twenty places go into one statement', async () => {
  void reader.read(place('first'));
  await settle();
  const reads = Array.from({ length: 25 }, (_, index) => reader.read(place(`exec_${index}`)));
  await answer(0, row(1, null));
  expect(statements[1]!.ids).toHaveLength(20);
  await answer(1, ...Array.from({ length: 20 }, (_, index) => row(index + 1, null)));
  await answer(2, ...Array.from({ length: 5 }, (_, index) => row(index + 1, null)));
  expect(await Promise.all(reads)).toHaveLength(25);
  expect(statements).toHaveLength(3);
});

test('statements are nobody’s: they are not sent in the name of the organisation that came first', async () => {
  inOrganisation('org_1', () => void reader.read(place('exec_1')));
  await settle();
  expect(statements[0]!.asked).not.toBe('org_1');
});

test('where the next event did not fit, the place is asked for again behind those who wait', async () => {
  void reader.read(place('first'));
  await settle();
  const [large, small] = [reader.read(place('large')), reader.read(place('small'))];
  await answer(0, row(1, null));
  const late = reader.read(place('late'));
  await answer(1, row(1, null, { there: 1 }), row(2, 1));
  expect((await small).events).toHaveLength(1);
  expect(statements[2]!.ids).toEqual(['late', 'large']);
  await answer(2, row(1, 1), row(2, 7));
  expect((await large).events.map(({ sequence }) => sequence)).toEqual([7]);
  await late;
});

test('a place that is asked for again shares what somebody else asks for meanwhile', async () => {
  void reader.read(place('first'));
  await settle();
  const large = reader.read(place('large'));
  await answer(0, row(1, null));
  const twin = reader.read(place('large'));
  await answer(1, row(1, null, { there: 1 }));
  expect(statements[2]!.ids).toEqual(['large']);
  await answer(2, row(1, 7));
  expect(await large).toBe(await twin);
  expect(statements).toHaveLength(3);
});

test('a place whose statement fails by itself keeps no other waiting', async () => {
  void reader.read(place('first'));
  await settle();
  const [bad, good] = [reader.read(place('bad')), reader.read(place('good'))];
  bad.catch(() => undefined);
  await answer(0, row(1, null));
  statements[1]!.reject(new Error('invalid json'));
  await settle();
  expect(statements[2]!.ids).toEqual(['bad']);
  statements[2]!.reject(new Error('invalid json'));
  await answer(3, row(1, 1));
  await expect(bad).rejects.toThrow('invalid json');
  expect((await good).events).toHaveLength(1);
  expect(statements).toHaveLength(4);
});

test('a database that is away is told to all at once, and asked again by who comes next', async () => {
  void reader.read(place('first'));
  await settle();
  const reads = [reader.read(place('exec_1')), reader.read(place('exec_2'))];
  for (const one of reads) one.catch(() => undefined);
  await answer(0, row(1, null));
  statements[1]!.reject(Object.assign(new Error('gone'), { code: '57P01' }));
  for (const one of reads) await expect(one).rejects.toThrow('gone');
  expect(statements).toHaveLength(2);
  const next = reader.read(place('exec_1'));
  await answer(2, row(1, 1));
  expect((await next).events).toHaveLength(1);
});

test('how many places wait, and for how long the oldest has, is known', async () => {
  const backlog = (): unknown => sharedResources.batchers.get('event_reader')!();
  expect(backlog()).toEqual({ items: 0, bytes: 0, oldestMs: 0 });
  void reader.read(place('first'));
  await settle();
  const now = Date.now();
  const clock = jest.spyOn(Date, 'now');
  for (const [at, organisation] of [
    [now + 1_000, 'org_1'],
    [now + 3_000, 'org_1'],
    [now + 2_000, 'org_2'],
  ] as const) {
    clock.mockReturnValue(at);
    void reader.read(place(`exec_${at}`, 0, organisation));
  }
  clock.mockReturnValue(now + 5_000);
  expect(backlog()).toEqual({ items: 3, bytes: 0, oldestMs: 4_000 });
  clock.mockReturnValue(now);
  expect(backlog()).toMatchObject({ oldestMs: 0 });
});
