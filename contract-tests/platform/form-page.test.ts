import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { importOnce } from '../../server/test/import-once.ts';
import { launchBrowser } from '../harness/browser.ts';
import { useContractHarness } from '../harness/contract-harness.ts';
import { publishedForm } from '../harness/tags/forms.ts';

// The pages that people see, in a real browser with scripts switched off, and what programs try with them.

const harness = useContractHarness({ settings: { FORM_MIN_SECONDS: 0 } });
const { PageTickets } = await importOnce<typeof import('../../server/src/pages/page-tickets.ts')>(
  new URL('../../server/src/pages/page-tickets.ts', import.meta.url),
);

const BOOKING = {
  name: 'Booking',
  title: 'Book a <workshop>',
  description: 'Two hours, hands on.\nWe answer within a day.',
  settings: { submit_label: 'Book now', success_title: 'You are in', success_message: 'See you at the workshop.' },
  fields: [
    { name: 'name', type: 'text', label: 'Your name', required: true, max_length: 40 },
    { name: 'email', type: 'email', label: 'Email address', required: true, help: 'For the confirmation only.' },
    { name: 'phone', type: 'phone', label: 'Phone' },
    { name: 'seats', type: 'number', label: 'Seats', required: true, integer: true, min: 1, max: 8 },
    { name: 'day', type: 'date', label: 'Day', required: true, min_date: '2026-01-01' },
    { name: 'level', type: 'select', label: 'Level', required: true, options: [opt('new'), opt('seasoned')] },
    { name: 'topics', type: 'multiselect', label: 'Topics', options: [opt('forms'), opt('triggers'), opt('nodes')] },
    { name: 'note', type: 'textarea', label: 'Anything else?' },
    { name: 'terms', type: 'checkbox', label: 'I accept the terms', required: true },
  ],
};

let browser: Browser;
let page: Page;
let form: { form_id: string };
const logged: string[] = [];
let slugs = 0;

beforeAll(async () => {
  browser = await launchBrowser();
  const context = await browser.newContext({ javaScriptEnabled: false, viewport: { width: 390, height: 844 } });
  page = await context.newPage();
  page.setDefaultTimeout(10_000);
  page.on('console', (message) => logged.push(message.text()));
  form = await publishedForm(harness(), { ...BOOKING, slug: 'booking' });
});

afterAll(() => browser?.close());

const urlOf = (slug: string): string => `${harness().server.url}/f/${slug}`;

async function stored(path: { form_id: string }): Promise<{ data: unknown; source: string }[]> {
  return (await harness().call('listFormSubmissions', { path })).body.data;
}

async function send(slug: string, fields: Record<string, string>, headers = {}): Promise<Response> {
  return fetch(urlOf(slug), { method: 'POST', body: new URLSearchParams(fields), redirect: 'manual', headers });
}

/** The ticket of a fresh showing of the page. */
async function ticketOf(slug: string): Promise<string> {
  return /name="_ticket" value="([^"]+)"/.exec(await (await fetch(urlOf(slug))).text())![1]!;
}

async function small(): Promise<{ path: { form_id: string }; slug: string }> {
  const slug = `small-${(slugs += 1)}`;
  const fields = [{ name: 'word', type: 'text', label: 'A word', required: true }];
  return { slug, path: await publishedForm(harness(), { fields, slug }) };
}

describe('in a browser without scripts', () => {
  test('what is wrong stands at each field and at the top, and what was typed is kept', async () => {
    await page.goto(urlOf('booking'));
    expect(await page.title()).toBe('Book a <workshop>');
    await page.getByLabel('Your name').fill('Ada "<b>" Lovelace');
    await page.getByLabel('Email address').fill('nowhere');
    await page.getByLabel('Seats').fill('many');
    await page.getByLabel('triggers').check();
    await page.getByLabel('Anything else?').fill('\nfirst\nsecond');
    await page.getByRole('button', { name: 'Book now' }).click();
    const alert = page.getByRole('alert');
    expect(await alert.getByRole('listitem').allTextContents()).toEqual([
      'Email address: Enter an email address, such as name@example.com.',
      'Seats: Enter a number, such as 42.',
      'Day: Enter an answer.',
      'Level: Choose an answer.',
      'I accept the terms: Tick this box to go on.',
    ]);
    expect(await page.title()).toMatch(/^Error: /);
    expect(await page.getByLabel('Your name').inputValue()).toBe('Ada "<b>" Lovelace');
    expect(await page.getByLabel('Anything else?').inputValue()).toBe('\nfirst\nsecond');
    expect(await page.getByLabel('Seats').inputValue()).toBe('many');
    expect(await page.getByLabel('triggers').isChecked()).toBe(true);
    const email = page.getByLabel('Email address');
    expect(await email.getAttribute('aria-invalid')).toBe('true');
    const described = (await email.getAttribute('aria-describedby'))!.split(' ');
    const texts = await Promise.all(described.map((id) => page.locator(`[id="${id}"]`).textContent()));
    expect(texts).toEqual(['For the confirmation only.', 'Enter an email address, such as name@example.com.']);
    await alert.getByRole('link', { name: /^Day/ }).click();
    expect(new URL(page.url()).hash).toBe('#day');
    expect(await stored(form)).toEqual([]);
  });

  test('corrected, it is stored once, and the page that follows can be reloaded', async () => {
    await page.getByLabel('Email address').fill('ada@example.com');
    await page.getByLabel('Seats').fill('2');
    await page.getByLabel('Day').fill('2026-12-01');
    await page.getByLabel('Level').selectOption('seasoned');
    await page.getByLabel('I accept the terms').check();
    await page.getByRole('button', { name: 'Book now' }).click();
    expect(await page.getByRole('heading').textContent()).toBe('You are in');
    expect(new URL(page.url()).pathname).toBe('/f/booking/thanks');
    await page.reload();
    expect(await stored(form)).toEqual([
      expect.objectContaining({
        source: 'page',
        data: {
          name: 'Ada "<b>" Lovelace',
          email: 'ada@example.com',
          seats: 2,
          day: '2026-12-01',
          level: 'seasoned',
          topics: ['triggers'],
          note: 'first\nsecond',
          terms: true,
        },
      }),
    ]);
  });

  test('nothing is wider than a phone, every input has a name, and nothing is blocked by the policy', async () => {
    for (const width of [320, 390, 1280]) {
      await page.setViewportSize({ width, height: 800 });
      await page.goto(urlOf('booking'));
      const overflow = await page.locator('html').evaluate((root) => root.scrollWidth - root.clientWidth);
      expect({ width, overflow }).toEqual({ width, overflow: 0 });
    }
    const snapshot = await page.locator('form').ariaSnapshot();
    for (const { label } of BOOKING.fields) expect(snapshot).toContain(label);
    expect(snapshot).not.toContain('Leave this empty');
    expect(logged.filter((text) => /policy/i.test(text))).toEqual([]);
  });
});

describe('what programs send', () => {
  test('400: without a ticket, with one of another form, or one that is made up', async () => {
    const { slug, path } = await small();
    const other = await ticketOf('booking');
    for (const fields of [{ word: 'x' }, { word: 'x', _ticket: other }, { word: 'x', _ticket: 'a.b.c' }]) {
      const answer = await send(slug, fields as Record<string, string>);
      expect(answer.status).toBe(400);
      expect(await answer.text()).toContain('value="x"');
    }
    expect(await stored(path)).toEqual([]);
  });

  test('400: sooner than a person types', async () => {
    const { slug, path } = await small();
    const early = harness()
      .server.app.get(PageTickets)
      .issue(path.form_id, Date.now() + 60_000);
    const answer = await send(slug, { word: 'x', _ticket: early });
    expect([answer.status, await answer.text()]).toEqual([400, expect.stringContaining('very quick')]);
    expect(await stored(path)).toEqual([]);
  });

  test('303: what fills in the hidden input believes that it was heard', async () => {
    const { slug, path } = await small();
    const answer = await send(slug, { word: 'x', _ticket: await ticketOf(slug), _website: 'http://spam.example' });
    expect([answer.status, answer.headers.get('location')]).toEqual([303, `/f/${slug}/thanks`]);
    expect(await stored(path)).toEqual([]);
  });

  test('303: the same page sent twice at once is one submission', async () => {
    const { slug, path } = await small();
    const fields = { word: 'x', _ticket: await ticketOf(slug) };
    const answers = await Promise.all([send(slug, fields), send(slug, fields), send(slug, fields)]);
    expect(answers.map(({ status }) => status)).toEqual([303, 303, 303]);
    expect(await stored(path)).toHaveLength(1);
  });

  test('413 and 415: too much, and not a form', async () => {
    const { slug } = await small();
    expect((await send(slug, { word: 'x'.repeat(300_000) })).status).toBe(413);
    const json = await fetch(urlOf(slug), {
      method: 'POST',
      body: '{}',
      headers: { 'content-type': 'application/json' },
    });
    expect([json.status, json.headers.get('content-type')]).toEqual([415, 'text/html; charset=utf-8']);
  });
});

test('404: a draft and an address that never was have no page', async () => {
  const { slug, path } = await small();
  await harness().call('unpublishForm', { path });
  for (const url of [urlOf(slug), `${urlOf(slug)}/thanks`, urlOf('nowhere'), urlOf('%00')]) {
    const answer = await fetch(url);
    expect([answer.status, await answer.text()]).toEqual([404, expect.stringContaining('There is no open form here')]);
  }
  expect((await send(slug, { word: 'x' })).status).toBe(404);
});

test('every page has a policy that allows no script and nothing from elsewhere', async () => {
  for (const url of [urlOf('booking'), urlOf('booking/thanks'), urlOf('nowhere')]) {
    const { headers } = await fetch(url);
    expect(headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; style-src 'sha256-[\w+/=]+'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'$/,
    );
    expect(headers.get('cache-control')).toBe('no-store');
  }
});

test('503: without its database the page says that nothing was stored', async () => {
  await harness().server.cutDatabase();
  try {
    const answer = await fetch(urlOf('booking'));
    expect([answer.status, await answer.text()]).toEqual([503, expect.stringContaining('try again in a moment')]);
  } finally {
    await harness().server.restoreDatabase();
  }
});

test('429: an address that sends too much is told to wait', async () => {
  const { slug } = await small();
  await harness().server.sql(`update request_count set day_count = 1000000000 where subject like 'ip:%'`);
  const answer = await send(slug, { word: 'x' });
  expect([answer.status, await answer.text()]).toEqual([429, expect.stringContaining('Too many requests')]);
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
});

function opt(value: string): { value: string; label: string } {
  return { value, label: value };
}
