import { expect, test } from '@jest/globals';
import { Config } from '../config/config.ts';
import { browserOf, DeviceCookie } from './device-cookie.ts';

const device = { cookie: 'value', expiresAt: new Date(Date.now() + 60_500) };

test.each([
  [
    'https://flowpact.example.com',
    '__Secure-flowpact_device=value; Path=/v1/auth; HttpOnly; SameSite=Lax; Secure; Max-Age=60',
  ],
  [
    'http://flowpact.example.com',
    '__Secure-flowpact_device=value; Path=/v1/auth; HttpOnly; SameSite=Lax; Secure; Max-Age=60',
  ],
  ['http://localhost:3000', 'flowpact_device=value; Path=/v1/auth; HttpOnly; SameSite=Lax; Max-Age=60'],
])('at %s only the operations of sessions see the cookie, and scripts do not', (PUBLIC_URL, want) => {
  expect(new DeviceCookie(Config.from({ PUBLIC_URL })).set(device)).toBe(want);
});

test('a browser is told by what browsers send with writes, and its cookie by either name', () => {
  expect(browserOf({ cookie: 'flowpact_device=a' })).toBeUndefined();
  expect(browserOf({ 'sec-fetch-site': 'same-origin' })).toEqual({ device: undefined });
  expect(browserOf({ origin: 'http://localhost', cookie: 'x=1; flowpact_device=a' })).toEqual({ device: 'a' });
  expect(browserOf({ origin: 'https://a.example', cookie: 'flowpact_device=a; __Secure-flowpact_device=b' })).toEqual({
    device: 'b',
  });
  expect(browserOf({ origin: 'https://a.example', cookie: `flowpact_device=${'a'.repeat(129)}` })).toEqual({
    device: undefined,
  });
});
