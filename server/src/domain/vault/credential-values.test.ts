import { expect, test } from '@jest/globals';
import { type CredentialValues, mailPort, secretsOf } from './credential-values.ts';

test.each<[given: CredentialValues, secrets: string[]]>([
  [{ type: 'api_key', key: 'a key', in: 'query', name: 'token' }, ['a key']],
  [{ type: 'bearer', token: 'a token' }, ['a token']],
  [{ type: 'basic', username: 'ada', password: 'secret' }, ['secret', 'ada:secret']],
  // Some services take a key for the name and no password.
  [{ type: 'basic', username: 'a key', password: '' }, ['a key']],
  [{ type: 'oauth2', token_url: 'https://a.example', client_id: 'id', client_secret: 'secret' }, ['secret']],
  [{ type: 'smtp', host: 'mail.example', username: 'ada', password: 'secret' }, ['secret', '\0ada\0secret']],
  [{ type: 'smtp', host: 'mail.example', password: 'secret' }, ['secret', '\0\0secret']],
  [{ type: 'smtp', host: 'mail.example' }, []],
  [
    { type: 'custom', headers: { 'X-A': 'short', Authorization: 'Token 123456789012 12345678901' } },
    ['short', 'Token 123456789012 12345678901', '123456789012'],
  ],
])('%j: what must not be seen', (values, secrets) => {
  expect(secretsOf(values)).toEqual(secrets);
});

test.each<[given: Parameters<typeof mailPort>[0], port: number]>([
  [{}, 587],
  [{ security: 'starttls' }, 587],
  [{ security: 'none' }, 587],
  [{ security: 'tls' }, 465],
  [{ security: 'tls', port: 2525 }, 2525],
])('%j: the port', (given, port) => {
  expect(mailPort(given)).toBe(port);
});
