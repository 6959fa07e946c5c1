import { expect, test } from '@jest/globals';
import { assertSameOrigin, type RequestOrigin } from './same-origin.ts';

const trusted = ['https://app.example.com'];
const host = 'api.example.com';
const refused = { code: 'cross_site_request' };

test.each<[string, RequestOrigin]>([
  ['a read from another site', { method: 'GET', fetchSite: 'cross-site', origin: 'https://evil.example', host }],
  ['a write from the same origin', { method: 'POST', fetchSite: 'same-origin', host }],
  ['a write that the user typed', { method: 'POST', fetchSite: 'none', host }],
  ['a write of an old browser from here', { method: 'POST', origin: 'https://api.example.com', host }],
  ['a write of a program', { method: 'DELETE', host }],
  ['a write from a trusted origin', { method: 'POST', fetchSite: 'cross-site', origin: trusted[0]!, host }],
])('%s is accepted', (_, request) => {
  expect(() => assertSameOrigin(request, trusted)).not.toThrow();
});

test.each<[string, RequestOrigin]>([
  ['a write from another site', { method: 'POST', fetchSite: 'cross-site', origin: 'https://evil.example', host }],
  ['a write from a sister site', { method: 'PATCH', fetchSite: 'same-site', origin: 'https://x.example.com', host }],
  ['a write of an old browser from elsewhere', { method: 'DELETE', origin: 'https://evil.example', host }],
  ['a write from a sandboxed page', { method: 'POST', origin: 'null', host }],
  ['a write from another port', { method: 'POST', origin: 'https://api.example.com:8443', host }],
])('%s is refused', (_, request) => {
  expect(() => assertSameOrigin(request, trusted)).toThrow(expect.objectContaining(refused));
});
