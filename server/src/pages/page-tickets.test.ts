import { expect, test } from '@jest/globals';
import { PageTickets } from './page-tickets.ts';

const tickets = new PageTickets('a secret of at least thirty-two letters', 2);
const noon = Date.parse('2026-11-22T12:00:00Z');
const ticket = tickets.issue('form_1', noon);

test.each([
  ['early', 1_999],
  ['early', -60_000],
  ['good', 2_000],
  ['good', 86_400_000],
  ['late', 86_400_001],
])('a ticket is %s after %d ms', (state, age) => {
  expect(tickets.read('form_1', ticket, noon + age)).toMatchObject({ state });
});

test.each([
  ['nothing', ''],
  ['another time', ticket.replace(/^\w+/, 'zzzz')],
  ['another nonce', ticket.replace(/\..{16}/, `.${'A'.repeat(16)}`)],
  ['another signature', ticket.replace(/.{43}$/, 'A'.repeat(43))],
  ['more than a ticket', `${ticket}A`],
])('%s is no ticket', (_what, text) => {
  expect(tickets.read('form_1', text, noon + 5_000)).toEqual({ state: 'invalid' });
});

test('a ticket is for one form and one installation', () => {
  expect(tickets.read('form_2', ticket, noon + 5_000)).toEqual({ state: 'invalid' });
  const others = new PageTickets('another secret of thirty-two letters', 2);
  expect(others.read('form_1', ticket, noon + 5_000)).toEqual({ state: 'invalid' });
});

test('each showing has a nonce of its own', () => {
  const [one, other] = [ticket, tickets.issue('form_1', noon)].map((text) =>
    tickets.read('form_1', text, noon + 5_000),
  );
  expect(one).not.toEqual(other);
});
