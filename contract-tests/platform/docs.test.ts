import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { launchBrowser } from '../harness/browser.ts';
import { useContractHarness } from '../harness/contract-harness.ts';
import { finishedExecution } from '../harness/tags/live.ts';

const harness = useContractHarness();
let browser: Browser;
let page: Page;
const consoleErrors: string[] = [];

beforeAll(async () => {
  browser = await launchBrowser();
  page = await browser.newPage();
  page.setDefaultTimeout(30_000);
  page.on('console', (message) => {
    if (message.type() === 'error') consoleErrors.push(message.text());
  });
  page.on('pageerror', (error) => consoleErrors.push(String(error)));
  await page.goto(`${harness().server.url}/docs`, { waitUntil: 'networkidle' });
});

afterAll(async () => {
  await browser?.close();
});

test('/docs shows every operation and every webhook of the contract', async () => {
  const { operations, document } = harness().verifier.contract;
  const webhooks = Object.keys((document['webhooks'] ?? {}) as object);
  const expected = new Set([...operations.map(({ path }) => path), ...webhooks]);
  const paths = page.locator('.opblock-summary-path');
  await paths.first().waitFor();
  // Swagger UI draws what can be seen of a long document, so a reader scrolls.
  const shown = new Set<string>();
  for (let step = 0; step < 200 && shown.size < expected.size; step++) {
    for (const text of await paths.allTextContents()) shown.add(text.replaceAll('\u200b', ''));
    await page.mouse.wheel(0, 300);
    await page.waitForTimeout(50);
  }
  expect([...shown].sort()).toEqual([...expected].sort());
});

test('/docs authorises with the key and gets a real answer', async () => {
  await page.locator('.auth-wrapper .authorize').first().click();
  const scheme = page.locator('.auth-container', { hasText: 'ApiKeyHeader' });
  await scheme.locator('input').first().fill(harness().server.admin.apiKey);
  await scheme.locator('button.authorize').click();
  await page.locator('.modal-ux .close-modal').click();

  await page.locator('.operation-filter-input').fill('auth');
  const operation = page.locator('.opblock', { has: page.locator('[data-path="/v1/auth/me"]') });
  await operation.locator('.opblock-summary-control').click();
  await operation.locator('.execute').click();
  const live = operation.locator('.live-responses-table');
  await live.waitFor();
  expect(await live.locator('.response-col_status').last().textContent()).toContain('200');
  expect(await live.textContent()).toContain(harness().server.admin.organisationId);
});

test('/docs loads nothing from elsewhere and logs no error', async () => {
  const resources = await page.evaluate(() => performance.getEntriesByType('resource').map((entry) => entry.name));
  const { origin } = new URL(harness().server.url);
  expect(resources.filter((resource) => resource.startsWith(origin))).not.toEqual([]);
  expect(resources.filter((resource) => !resource.startsWith(origin) && !resource.startsWith('data:'))).toEqual([]);
  expect(consoleErrors).toEqual([]);
});

test('the served document is the contract', async () => {
  const served = (await (await fetch(`${harness().server.url}/openapi.json`)).json()) as {
    openapi: string;
    paths: object;
  };
  expect(served.openapi).toMatch(/^3\.1/);
  expect(Object.keys(served.paths)).toHaveLength(
    new Set(harness().verifier.contract.operations.map((o) => o.path)).size,
  );
});

test.each(['WebSocket', 'EventSource'])('a page follows an execution with a ticket, over %s', async (transport) => {
  const id = await finishedExecution(harness());
  const { body } = await harness().call('createStreamTicket', { json: { execution_id: id } });
  const seen = await page.evaluate(
    ([kind, execution, ticket, origin]) =>
      new Promise<string[]>((resolve) => {
        const types: string[] = [];
        const take = ({ data }: { data: string }): void => {
          const { type } = JSON.parse(data) as { type: string };
          types.push(type);
          if (type === 'execution:completed') resolve(types);
        };
        if (kind === 'WebSocket') {
          const url = `${origin!.replace('http', 'ws')}/ws/executions/${execution}?ticket=${ticket}`;
          new WebSocket(url).addEventListener('message', take);
          return;
        }
        const source = new EventSource(`/v1/executions/${execution}/events?ticket=${ticket}`);
        for (const name of ['connected', 'execution:started', 'execution:completed']) {
          source.addEventListener(name, (event) => {
            take(event as Event & { data: string });
            // It would connect again, and its ticket is used up.
            if (name === 'execution:completed') source.close();
          });
        }
      }),
    [transport, id, body.data.ticket as string, harness().server.url],
  );
  expect(seen.slice(0, 2)).toEqual(['connected', 'execution:started']);
});
