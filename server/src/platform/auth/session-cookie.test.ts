import { expect, test } from '@jest/globals';
import { Config } from '../config/config.ts';
import { SessionCookie } from './session-cookie.ts';

const expiresAt = new Date(Date.now() + 60_500);

function cookieOf(PUBLIC_URL: string): SessionCookie {
  return new SessionCookie(Config.from({ PUBLIC_URL }));
}

test('behind TLS the cookie is tied to this host, and to TLS', () => {
  const cookie = cookieOf('https://flowpact.example.com');
  expect(cookie.name).toBe('__Host-flowpact_session');
  expect(cookie.set('secret', expiresAt)).toBe(
    '__Host-flowpact_session=secret; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=60',
  );
  expect(cookie.clear()).toBe('__Host-flowpact_session=; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=0');
});

test.each(['http://localhost:3000', 'http://127.0.0.1:3000', 'http://[::1]:3000'])(
  'on %s, where browsers take no __Host- cookie, it has its plain name',
  (url) => {
    expect(cookieOf(url).set('secret', expiresAt)).toBe(
      'flowpact_session=secret; Path=/; HttpOnly; SameSite=Lax; Max-Age=60',
    );
  },
);

test('elsewhere without TLS the cookie is not weakened', () => {
  expect(cookieOf('http://flowpact.example.com').set('secret', expiresAt)).toContain('; Secure');
});
