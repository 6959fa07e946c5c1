import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { MikroORM } from '@mikro-orm/postgresql';
import { createTestDatabase, type TestDatabase } from '../../../test/database.ts';
import { TcpGate } from '../../../test/tcp-gate.ts';
import { createOrm } from './orm.ts';

const poolSize = 2;
let database: TestDatabase;
let gate: TcpGate;
let orm: MikroORM;

beforeAll(async () => {
  database = await createTestDatabase();
  const url = new URL(database.url);
  gate = new TcpGate({ host: url.hostname, port: Number(url.port) });
  await gate.open();
  url.hostname = '127.0.0.1';
  url.port = String(gate.port);
  orm = await createOrm({ url: url.href, poolSize });
});
afterAll(async () => {
  // Ends only when the pool has every connection back.
  await orm.close();
  await gate.shut();
  await database.drop();
});

/** Loses the database in the middle of as many transactions as the pool has connections. */
async function loseDatabase(): Promise<void> {
  let begun = 0;
  let lost: (() => void) | undefined;
  const losing = new Promise<void>((resolve) => (lost = resolve));
  const transactions = Array.from({ length: poolSize }, () =>
    orm.em.fork().transactional(async (em) => {
      await em.execute('select 1');
      begun += 1;
      if (begun === poolSize) await gate.shut().then(lost);
      await losing;
      await em.execute('select 1');
    }),
  );
  const outcomes = await Promise.allSettled(transactions);
  expect(outcomes.map(({ status }) => status)).toEqual(Array(poolSize).fill('rejected'));
}

test('transactions that lose their connection give it back, outage after outage', async () => {
  for (let outage = 0; outage < 3; outage++) {
    await loseDatabase();
    await gate.open();
  }
  const answers = Array.from({ length: poolSize }, () =>
    orm.em.fork().transactional((em) => em.execute<{ one: number }[]>('select 1 as one')),
  );
  expect(await Promise.all(answers)).toEqual(answers.map(() => [{ one: 1 }]));
});

test('a transaction that cannot begin gives its connection back', async () => {
  const connection = orm.em.getConnection();
  for (let outage = 0; outage < 2 * poolSize; outage++) {
    // The pool hands out a connection whose end it has not heard of yet.
    await connection.execute('select 1');
    const shut = gate.shut();
    await orm.em
      .fork()
      .transactional((em) => em.execute('select 1'))
      .then(
        () => expect('a transaction').toBe('without a database'),
        () => undefined,
      );
    await shut;
    await gate.open();
  }
  expect(await connection.execute('select 1 as one')).toEqual([{ one: 1 }]);
});
