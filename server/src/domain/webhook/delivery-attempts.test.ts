import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { until } from '../../../test/until.ts';
import type { Caller } from '../caller.ts';
import { DomainEvent } from '../event/domain-event.entity.ts';
import { eventLoops } from '../event/domain-events.ts';
import { OutgoingHttpError } from '../nodes/index.ts';
import type { DeliverySender } from './delivery-sender.ts';
import { FakeHttp, rounds, sendAll, WebhookBench } from '../../../test/webhook-bench.ts';
import { WebhookAttempt } from './webhook-attempt.entity.ts';
import { WebhookDelivery } from './webhook-delivery.entity.ts';

let bench: WebhookBench;
let caller: Caller;
let http: FakeHttp;
let sender: DeliverySender;

beforeAll(async () => {
  bench = await WebhookBench.start();
});
afterAll(() => bench.stop());
beforeEach(async () => {
  await bench.em.nativeDelete(WebhookDelivery, {});
  caller = await bench.organisation();
  http = new FakeHttp();
  sender = bench.sender(http);
});

const only = async (): Promise<WebhookDelivery> => {
  const [delivery, ...others] = await bench.stored(caller);
  expect(others).toEqual([]);
  return delivery!;
};

/** Seconds from the last attempt to the next; undefined when there is none. */
const wait = ({ nextAttemptAt, lastAttemptAt }: WebhookDelivery): number | undefined =>
  nextAttemptAt ? (nextAttemptAt.getTime() - lastAttemptAt!.getTime()) / 1_000 : undefined;

/** As long as planned, or up to a fifth longer, and the seconds that a busy machine takes to write it down. */
function expectWait(waited: number | undefined, planned: number): void {
  expect(waited).toBeGreaterThanOrEqual(planned);
  expect(waited).toBeLessThan(planned * 1.2 + 30);
}

describe('what the receiver answers', () => {
  test.each([200, 204, 299])('%i is a success', async (status) => {
    await bench.webhook(caller);
    await bench.emit(caller);
    http.answer = () => ({ status });
    await sendAll(sender);
    const delivery = await only();
    expect(delivery).toMatchObject({ status: 'succeeded', attemptCount: 1, error: null, responseStatus: status });
    expect([delivery.nextAttemptAt, delivery.completedAt]).toEqual([null, expect.any(Date)]);
  });

  test.each([199, 300, 307, 404, 500])('%i is a failure, and tried again', async (status) => {
    await bench.webhook(caller);
    await bench.emit(caller);
    http.answer = () => ({ status });
    await sendAll(sender);
    const error = `the receiver answered ${status}`;
    expect(await only()).toMatchObject({ status: 'retrying', error, responseStatus: status, completedAt: null });
  });

  test('410 ends all that waits for the webhook at once, disables it and says so', async () => {
    const gone = await bench.webhook(caller);
    const watcher = await bench.webhook(caller, { url: 'https://watch.example/', events: ['alert.triggered'] });
    await bench.emit(caller, 3);
    http.answer = () => ({ status: 410 });
    const stop = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    await rounds(sender);
    await sender.idle();
    stop.mockRestore();
    const { enabled, disabledReason, disabledAt } = await bench.found(gone);
    expect([enabled, disabledReason, disabledAt]).toEqual([false, 'gone', expect.any(Date)]);
    const ofGone = (await bench.stored(caller)).filter(({ webhookId }) => webhookId === gone.id);
    expect(ofGone.map(({ status, nextAttemptAt }) => [status, nextAttemptAt])).toEqual(
      Array.from({ length: 3 }, () => ['failed', null]),
    );
    const alerts = await bench.em.find(DomainEvent, { organisationId: caller.organisationId, type: 'alert.triggered' });
    expect(alerts.map(({ data }) => data)).toMatchObject([
      { alert: 'webhook_disabled', resource: { id: gone.id }, details: { reason: 'gone' } },
    ]);
    expect((await bench.found(watcher)).enabled).toBe(true);
    await bench.emit(caller);
    expect((await bench.stored(caller)).filter(({ webhookId }) => webhookId === gone.id)).toHaveLength(3);
  });

  test.each<[status: number, asked: string, seconds: number]>([
    [429, '60', 60],
    [503, '60', 60],
    [429, '2', 5],
    [429, 'soon', 5],
    [500, '60', 5],
    [404, '60', 5],
    [503, '999999', 86_400],
  ])('%i with Retry-After %s: the next attempt comes after %i seconds', async (status, asked, seconds) => {
    await bench.webhook(caller);
    await bench.emit(caller);
    http.answer = () => ({ status, headers: { 'retry-after': asked } });
    await sendAll(sender);
    expectWait(wait(await only()), seconds);
  });

  test('of a long answer the first 10,000 characters are kept, as text that can be stored', async () => {
    await bench.webhook(caller);
    await bench.emit(caller);
    http.answer = () => ({ body: `\0${'€'.repeat(10_001)}` });
    await sendAll(sender);
    const { deliveries } = bench;
    const { webhookId, id } = await only();
    const { items } = await deliveries.attempts(caller.organisationId, webhookId, id, { page: 1, perPage: 10 });
    expect(items).toMatchObject([{ number: 1, responseStatus: 200, responseBody: `\ufffd${'€'.repeat(9_999)}` }]);
  });

  test('without an answer nothing is kept but the reason', async () => {
    await bench.webhook(caller);
    await bench.emit(caller);
    http.answer = () => Promise.reject(new OutgoingHttpError('connection', 'x'.repeat(2_001)));
    await sendAll(sender);
    expect(await only()).toMatchObject({ responseStatus: null, error: 'x'.repeat(2_000) });
    const [attempt] = await bench.em.find(WebhookAttempt, { organisationId: caller.organisationId });
    expect(attempt).toMatchObject({ responseStatus: null, responseBody: null, error: 'x'.repeat(2_000) });
  });
});

describe('waits', () => {
  test('grow with every failure, as the schedule says, and end with it; sent again by hand, they begin anew', async () => {
    const webhook = await bench.webhook(caller);
    await bench.emit(caller);
    http.answer = () => ({ status: 500 });
    const { retrySeconds } = bench.settings;
    for (const again of [false, true]) {
      for (const planned of retrySeconds) {
        await sendAll(sender);
        expectWait(wait(await only()), planned);
        // What is not due is not sent.
        const { length } = http.sent;
        await sendAll(sender);
        expect(http.sent).toHaveLength(length);
        await bench.makeDue(caller);
      }
      await sendAll(sender);
      const attempts = (retrySeconds.length + 1) * (again ? 2 : 1);
      const delivery = await only();
      expect(delivery).toMatchObject({ status: 'failed', attemptCount: attempts, nextAttemptAt: null });
      expect(delivery.completedAt).toBeInstanceOf(Date);
      if (again) continue;
      const resent = await bench.deliveries.resend(caller.organisationId, webhook.id, delivery.id);
      expect(resent).toMatchObject({ status: 'retrying', attemptsBefore: 4, completedAt: null });
    }
    const numbers = await bench.em.find(
      WebhookAttempt,
      { organisationId: caller.organisationId },
      { orderBy: { number: 'asc' } },
    );
    expect(numbers.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  test('a test is sent once, also to a webhook that is disabled, and tells nothing about it', async () => {
    const webhook = await bench.webhook(caller, { enabled: false });
    http.answer = () => ({ status: 500 });
    await bench.deliveries.test(caller.organisationId, webhook.id, 'webhook.test', { example: true });
    await sendAll(sender);
    expect(http.sent).toHaveLength(1);
    expect(JSON.parse(http.sent[0]!.body as string)).toMatchObject({ type: 'webhook.test', data: { example: true } });
    expect(await only()).toMatchObject({ status: 'failed', origin: 'test', nextAttemptAt: null });
    expect(await bench.found(webhook)).toMatchObject({ failingSince: null, lastDeliveryAt: null });
  });
});

describe('a webhook that fails', () => {
  const days = (count: number): Date => new Date(Date.now() - count * 86_400_000);

  test('is known to fail since the first failure, until it succeeds', async () => {
    const webhook = await bench.webhook(caller);
    await bench.emit(caller);
    http.answer = () => ({ status: 500 });
    await sendAll(sender);
    const first = (await bench.found(webhook)).failingSince!;
    expect(first.getTime()).toBeGreaterThan(Date.now() - 60_000);
    await bench.set(webhook, { failingSince: days(1), lastDeliveryAt: days(1) });
    const since = (await bench.found(webhook)).failingSince;
    await bench.makeDue(caller);
    await sendAll(sender);
    const failing = await bench.found(webhook);
    expect([failing.failingSince, failing.lastDeliveryAt! > days(0.5)]).toEqual([since, true]);
    http.answer = () => ({ status: 200 });
    await bench.makeDue(caller);
    await sendAll(sender);
    expect((await bench.found(webhook)).failingSince).toBeNull();
  });

  test.each<[since: number, isLast: boolean, enabled: boolean]>([
    [4.99, true, true],
    [5.01, true, false],
    [5.01, false, true],
  ])('for %d days, by what was given up: %s, is still enabled: %s', async (since, isLast, enabled) => {
    const log = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    const webhook = await bench.webhook(caller);
    await bench.emit(caller, 2);
    await bench.set(webhook, { failingSince: days(since) });
    const [first, second] = await bench.stored(caller);
    if (isLast) await bench.em.nativeUpdate(WebhookDelivery, { id: first!.id }, { attemptCount: 3 });
    await bench.em.nativeUpdate(WebhookDelivery, { id: second!.id }, { nextAttemptAt: days(-1) });
    http.answer = () => ({ status: 500 });
    await sendAll(sender);
    log.mockRestore();
    const after = await bench.found(webhook);
    expect([after.enabled, after.disabledReason]).toEqual([enabled, enabled ? null : 'failures']);
    const waiting = (await bench.stored(caller))[1]!;
    expect([waiting.status, waiting.error]).toEqual(
      enabled ? ['pending', null] : ['failed', 'the webhook was disabled'],
    );
    expect(bench.loops.woken).toContain(eventLoops.deliver);
  });
});

describe('what is sent', () => {
  test('has the headers of the webhook beside those of the message, which it cannot replace', async () => {
    await bench.webhook(caller, { headers: { 'X-Token': 'very secret', 'USER-AGENT': 'mine' } });
    await bench.emit(caller);
    await sendAll(sender);
    const [{ headers, body }] = http.sent as [(typeof http.sent)[0]];
    const event = JSON.parse(body as string) as { id: string; timestamp: string };
    expect(headers).toMatchObject({
      'x-token': 'very secret',
      'content-type': 'application/json',
      'user-agent': 'Flowpact-Webhook/1.0',
      'webhook-id': event.id,
      'webhook-timestamp': expect.stringMatching(/^\d{10}$/),
    });
    const stored = await bench.em.findOneOrFail(DomainEvent, { id: event.id });
    expect(event.timestamp).toBe(stored.createdAt.toISOString());
  });

  test.each<[what: string, harm: (webhookId: string) => Promise<unknown>, error: string]>([
    [
      'an event that is stored no longer',
      () => bench.em.nativeDelete(DomainEvent, { organisationId: caller.organisationId }),
      'the event is no longer stored',
    ],
    [
      'a webhook that was disabled meanwhile',
      (id) => bench.em.execute('update webhook set enabled = false where id = ?', [id]),
      'the webhook was disabled',
    ],
  ])('nothing, for %s', async (_, harm, error) => {
    const { id } = await bench.webhook(caller);
    await bench.emit(caller);
    await harm(id);
    await sendAll(sender);
    expect(await only()).toMatchObject({ status: 'failed', attemptCount: 0, error, nextAttemptAt: null });
    expect(http.sent).toEqual([]);
  });
});

describe('how much at once', () => {
  /** Answers nothing until it is told to. */
  function hold(): () => void {
    const gate = Promise.withResolvers<void>();
    http.answer = () => gate.promise.then(() => ({ status: 204 }));
    return gate.resolve;
  }

  /** Begins what there is room for, and no more than that. */
  async function begun(count: number): Promise<void> {
    await rounds(sender);
    await until(() => http.sent.length >= count);
    expect(await sender.round(new AbortController().signal)).toBe(false);
    await new Promise((turn) => setImmediate(turn));
    expect(http.sent.length).toBe(count);
  }

  const full = async (webhooks: number, each: number, of = caller): Promise<void> => {
    for (let count = 0; count < webhooks; count++) await bench.webhook(of, { url: `https://w${count}.example/` });
    await bench.emit(of, each);
  };

  test.each([
    [1, 8],
    [2, 16],
    [3, 16],
  ])('to %i webhooks of one organisation that do not answer: %i messages', async (webhooks, underWay) => {
    await full(webhooks, 20);
    const release = hold();
    await begun(underWay);
    release();
    await sender.idle();
  });

  test('64 of all organisations, the last of which is left to one that has none under way', async () => {
    const others = await Promise.all(Array.from({ length: 9 }, () => bench.organisation()));
    for (const other of others) await full(2, 10, other);
    const release = hold();
    await begun(63);
    await full(1, 2);
    await begun(64);
    await full(1, 1, await bench.organisation());
    await begun(64);
    bench.loops.woken.length = 0;
    release();
    await sender.idle();
    expect(bench.loops.woken.filter((name) => name === eventLoops.deliver)).toHaveLength(64);
    await until(async () => (await sendAll(sender), http.sent.length >= 183));
    await sendAll(sender);
    expect(http.sent.length).toBe(183);
  });

  test('what was begun is left to this process for a minute', async () => {
    await full(1, 1);
    const release = hold();
    await rounds(sender);
    const { nextAttemptAt, status } = await only();
    const seconds = (nextAttemptAt!.getTime() - Date.now()) / 1_000;
    expect([status, seconds > 30, seconds <= 60]).toEqual(['pending', true, true]);
    release();
    await sender.idle();
  });

  test('a process that stops begins nothing', async () => {
    await full(1, 1);
    const stopped = AbortSignal.abort();
    expect(await sender.round(stopped)).toBe(false);
    expect(http.sent).toEqual([]);
  });

  test('a process shuts down when nothing is under way any more', async () => {
    await full(1, 1);
    const release = hold();
    await rounds(sender);
    let ended = false;
    const ending = sender.onApplicationShutdown().then(() => (ended = true));
    await new Promise((turn) => setImmediate(turn));
    expect(ended).toBe(false);
    release();
    await ending;
    expect((await only()).status).toBe('succeeded');
  });
});
