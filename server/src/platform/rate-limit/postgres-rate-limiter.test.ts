import type { OperationDescriptor, RateLimitDecision, RequestContext } from '#runtime/nest/index.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../../../test/database.ts';
import type { RequestLimits } from '../../domain/api-key/request-limits.ts';
import type { Plan } from '../../domain/organisation/plan.ts';
import type { Principal } from '../auth/principal.ts';
import { Config } from '../config/config.ts';
import { createOrm } from '../database/orm.ts';
import { PostgresRateLimiter } from './postgres-rate-limiter.ts';
import { PublicResources } from './public-resources.ts';
import { RequestCount } from './request-count.entity.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
// Counting within one minute of the clock, so that no test straddles two.
beforeEach(async () => {
  const left = 60_000 - (Date.now() % 60_000);
  if (left < 8_000) await new Promise((done) => setTimeout(done, left + 50));
});
afterAll(() => database.drop());

const config = Config.from({});
let next = 0;
/** A key of an organisation of its own, unless one is named. */
function keyOf(plan: Plan, organisationId = `org_${next++}`, requestLimits?: RequestLimits): Principal {
  return { organisationId, apiKeyId: `key_${next++}`, scopes: [], plan, method: 'api_key', requestLimits };
}

function limiter(settings = config, orm = database.orm): PostgresRateLimiter {
  return new PostgresRateLimiter(orm.em, new PublicResources(orm.em), settings);
}

function consume(
  principal: Principal | undefined,
  rateLimitClass = 'general',
  by = limiter(),
  ip = '192.0.2.1',
  refusal?: Error,
): Promise<RateLimitDecision> {
  const context = { request: { ip, params: {} } } as RequestContext;
  return by.consume({ operation: {} as OperationDescriptor, rateLimitClass, principal, refusal, context });
}

async function use(principal: Principal, times: number, rateLimitClass?: string): Promise<number> {
  let allowed = 0;
  for (let i = 0; i < times; i++) if ((await consume(principal, rateLimitClass)).allowed) allowed++;
  return allowed;
}

async function change(principal: Principal, fields: Partial<RequestCount>): Promise<void> {
  await database.orm.em.fork().nativeUpdate(RequestCount, { subject: principal.organisationId }, fields);
}

describe('the limit of a minute', () => {
  test('is the one of the plan, and the headers count down', async () => {
    const key = keyOf('free');
    const first = await consume(key);
    expect(first).toMatchObject({
      allowed: true,
      headers: {
        'X-RateLimit-Limit': 60,
        'X-RateLimit-Remaining': 59,
        'X-RateLimit-Limit-Day': 1000,
        'X-RateLimit-Remaining-Day': 999,
        'RateLimit-Policy': '"minute";q=60;w=60, "day";q=1000;w=86400',
        RateLimit: expect.stringMatching(/^"minute";r=59;t=\d+, "day";r=999;t=\d+$/),
      },
    });
    expect(first.headers!['X-RateLimit-Reset']).toBe(Math.ceil((Date.now() + 1) / 60_000) * 60);
    expect(await use(key, 65)).toBe(59);
  });

  test('holds over processes: of many requests at once exactly as many pass as there are', async () => {
    const key = keyOf('free');
    const others = await Promise.all([1, 2, 3].map(() => createOrm({ url: database.url })));
    const limiters = [database.orm, ...others].map((orm) => limiter(config, orm));
    const decisions = await Promise.all(
      Array.from({ length: 200 }, (_, i) => consume(key, 'general', limiters[i % 4])),
    );
    await Promise.all(others.map((orm) => orm.close()));
    expect(decisions.filter(({ allowed }) => allowed)).toHaveLength(60);
    const remaining = decisions
      .filter(({ allowed }) => allowed)
      .map(({ headers }) => headers!['X-RateLimit-Remaining']);
    expect(new Set(remaining).size).toBe(60);
  });

  test('a refusal says which window is used up and when to come back, and costs nothing of the day', async () => {
    const key = keyOf('free');
    await use(key, 70);
    const refused = await consume(key);
    expect(refused).toMatchObject({
      allowed: false,
      headers: { 'X-RateLimit-Remaining': 0, 'X-RateLimit-Remaining-Day': 940 },
      message: `The organisation may make 60 requests in a minute. Try again in ${refused.retryAfter} seconds.`,
      details: { limit: 60, window: 'minute', retry_after: refused.retryAfter, applies_to: 'organisation' },
    });
    expect(refused.retryAfter).toBeGreaterThanOrEqual(1);
    expect(refused.retryAfter).toBeLessThanOrEqual(60);
  });

  test('is new in the next minute', async () => {
    const key = keyOf('free');
    await use(key, 61);
    await change(key, { minuteStart: new Date(Date.now() - 60_000) });
    expect(await consume(key)).toMatchObject({ allowed: true, headers: { 'X-RateLimit-Remaining': 59 } });
  });

  test('a statement that comes late does not begin an old minute again', async () => {
    const key = keyOf('free');
    await use(key, 60);
    await change(key, { minuteStart: new Date(Math.ceil(Date.now() / 60_000) * 60_000) });
    expect(await consume(key)).toMatchObject({ allowed: false });
  });
});

describe('the limit of a day', () => {
  test('refuses with the seconds until midnight UTC', async () => {
    const key = keyOf('free');
    await consume(key);
    await change(key, { dayCount: 1000 });
    const refused = await consume(key);
    expect(refused).toMatchObject({ allowed: false, details: { limit: 1000, window: 'day' } });
    const untilMidnight = 86_400 - ((Date.now() / 1000) % 86_400);
    expect(Math.abs(refused.retryAfter! - untilMidnight)).toBeLessThan(3);
  });

  test('is new on the next day', async () => {
    const key = keyOf('free');
    await consume(key);
    await change(key, { dayCount: 1000, dayStart: new Date(Date.now() - 86_400_000 * 1.5) });
    expect(await consume(key)).toMatchObject({ allowed: true, headers: { 'X-RateLimit-Remaining-Day': 999 } });
  });
});

describe('classes', () => {
  test('exports have a ceiling of ten a minute on every plan, beside the limit of the plan', async () => {
    const key = keyOf('business');
    expect(await use(key, 12, 'export')).toBe(10);
    expect(await consume(key, 'export')).toMatchObject({
      allowed: false,
      headers: { 'X-RateLimit-Limit': 10 },
      details: { limit: 10, window: 'minute' },
    });
    expect(await consume(key, 'general')).toMatchObject({
      allowed: true,
      headers: { 'X-RateLimit-Limit': 600, 'X-RateLimit-Remaining': 589 },
    });
  });

  test('an operation without a class is not counted', async () => {
    const context = { request: { ip: '192.0.2.1' } } as RequestContext;
    const operation = {} as OperationDescriptor;
    const request = { operation, rateLimitClass: undefined, principal: undefined, refusal: undefined, context };
    expect(await limiter().consume(request)).toEqual({ allowed: true });
  });

  test('a class that nobody knows is a fault of the server', async () => {
    await expect(consume(keyOf('free'), 'unheard-of')).rejects.toThrow('unknown rate-limit class "unheard-of"');
  });
});

describe('who is counted', () => {
  test('an organisation, whichever of its keys and users ask: six keys have what one has', async () => {
    const organisationId = 'org_of_six';
    const keys = Array.from({ length: 6 }, () => keyOf('free', organisationId));
    const user: Principal = { organisationId, userId: 'user_1', scopes: [], plan: 'free', method: 'session_cookie' };
    let allowed = 0;
    for (const caller of [...keys, user]) allowed += await use(caller, 15);
    expect(allowed).toBe(60);
    expect(await consume(keyOf('free'))).toMatchObject({ headers: { 'X-RateLimit-Remaining': 59 } });
  });

  test('requests without a caller by address, IPv6 by its /64', async () => {
    const remaining = async (ip: string): Promise<unknown> =>
      (await consume(undefined, 'general', limiter(), ip)).headers!['X-RateLimit-Remaining'];
    expect(await remaining('203.0.113.1')).toBe(999);
    expect(await remaining('::ffff:203.0.113.1')).toBe(998);
    expect(await remaining('203.0.113.2')).toBe(999);
    expect(await remaining('2001:db8:1:2::1')).toBe(999);
    expect(await remaining('2001:db8:1:2:ffff::9')).toBe(998);
    expect(await remaining('2001:db8:1:3::1')).toBe(999);
  });

  test('an address, for each organisation by itself: forms of one do not use up those of another', async () => {
    const [one, other] = [
      { organisationId: 'org_a', plan: 'free' },
      { organisationId: 'org_b', plan: 'free' },
    ] as const;
    const by = limiter();
    for (let i = 0; i < 60; i++)
      expect(await by.consumeFrom('203.0.113.9', 'submit', one)).toMatchObject({ allowed: true });
    expect(await by.consumeFrom('203.0.113.9', 'submit', one)).toMatchObject({
      allowed: false,
      details: { limit: 60, applies_to: 'address' },
    });
    expect(await by.consumeFrom('203.0.113.9', 'submit', other)).toMatchObject({ allowed: true });
  });

  test('what anybody may ask of an organisation has a quota like the plan, from all addresses, and costs its keys nothing', async () => {
    const owner = keyOf('free');
    const by = limiter();
    for (let i = 0; i < 60; i++) expect((await by.consumePublic(`203.0.113.${i}`, 'submit', owner)).allowed).toBe(true);
    expect(await by.consumePublic('203.0.113.99', 'submit', owner)).toMatchObject({
      allowed: false,
      headers: { 'X-RateLimit-Limit': 60, 'X-RateLimit-Remaining': 0 },
      details: { limit: 60, window: 'minute', applies_to: 'organisation' },
    });
    expect(await consume(owner)).toMatchObject({ headers: { 'X-RateLimit-Remaining': 59 } });
  });

  test('refused credentials by address, apart from what else comes from there, and sixty a minute', async () => {
    const ip = '198.51.100.3';
    const [wrong, ended] = ['invalid_api_key', 'expired_token'].map((code) => Object.assign(new Error(), { code }));
    for (let i = 0; i < 60; i++) expect((await consume(undefined, 'general', limiter(), ip, wrong)).allowed).toBe(true);
    expect(await consume(undefined, 'general', limiter(), ip, wrong)).toMatchObject({
      allowed: false,
      details: { limit: 60, window: 'minute', applies_to: 'address' },
    });
    expect(await consume(undefined, 'general', limiter(), '198.51.100.4', wrong)).toMatchObject({ allowed: true });
    expect(await consume(undefined, 'general', limiter(), ip)).toMatchObject({ allowed: true });
    // Whoever is signed in renews a token that has ended; it is no guess.
    expect(await consume(undefined, 'general', limiter(), ip, ended)).toMatchObject({ allowed: true });
    expect(await consume(keyOf('free'), 'general', limiter(), ip)).toMatchObject({ allowed: true });
  });
});

describe('a key with limits of its own', () => {
  test('is refused beyond them, which costs its organisation nothing, and the headers tell of the tightest', async () => {
    const organisationId = 'org_of_the_limited';
    const limited = keyOf('free', organisationId, { perMinute: 5, perDay: 7 });
    expect(await consume(limited)).toMatchObject({
      headers: {
        'X-RateLimit-Limit': 5,
        'X-RateLimit-Remaining': 4,
        'X-RateLimit-Limit-Day': 7,
        'X-RateLimit-Remaining-Day': 6,
      },
    });
    expect(await use(limited, 30)).toBe(4);
    expect(await consume(limited)).toMatchObject({
      allowed: false,
      details: { limit: 5, window: 'minute', applies_to: 'api_key' },
    });
    expect(await consume(keyOf('free', organisationId))).toMatchObject({
      allowed: true,
      headers: { 'X-RateLimit-Limit': 60, 'X-RateLimit-Remaining': 54, 'X-RateLimit-Remaining-Day': 994 },
    });
    const windows = { minuteStart: new Date(Date.now() - 60_000) };
    await change(limited, windows);
    expect(await use(limited, 5)).toBe(2);
    expect(await consume(limited)).toMatchObject({ details: { limit: 7, window: 'day', applies_to: 'api_key' } });
  });

  test('is told of its organisation where that has less left', async () => {
    const organisationId = 'org_that_is_busy';
    await use(keyOf('free', organisationId), 58);
    const limited = keyOf('free', organisationId, { perMinute: 30, perDay: null });
    expect(await consume(limited)).toMatchObject({
      headers: { 'X-RateLimit-Limit': 60, 'X-RateLimit-Remaining': 1, 'X-RateLimit-Limit-Day': 1000 },
    });
  });

  test('holds over processes', async () => {
    const limited = keyOf('business', undefined, { perMinute: 20, perDay: null });
    const other = await createOrm({ url: database.url });
    const limiters = [limiter(), limiter(config, other)];
    const all = await Promise.all(Array.from({ length: 90 }, (_, i) => consume(limited, 'general', limiters[i % 2])));
    await other.close();
    expect(all.filter(({ allowed }) => allowed)).toHaveLength(20);
  });
});

test('RATE_LIMITS=false lets everything through and keeps the headers', async () => {
  const lifted = limiter(Config.from({ RATE_LIMITS: 'false' }));
  const key = keyOf('free');
  for (let i = 0; i < 61; i++) expect((await consume(key, 'general', lifted)).allowed).toBe(true);
  expect(await consume(key, 'general', lifted)).toMatchObject({ headers: { 'X-RateLimit-Remaining': 0 } });
});

test('purging removes the counts of past days only', async () => {
  const [past, present] = [keyOf('free'), keyOf('free')];
  await consume(past);
  await consume(present);
  await change(past, { dayStart: new Date(Date.now() - 86_400_000 * 1.999) });
  expect(await limiter().purge()).toBe(0);
  await change(past, { dayStart: new Date(Date.now() - 86_400_000 * 2.001) });
  expect(await limiter().purge()).toBe(1);
  expect(await consume(present)).toMatchObject({ headers: { 'X-RateLimit-Remaining': 58 } });
});
