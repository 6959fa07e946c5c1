import { expect, test } from '@jest/globals';
import { parseSmtpUrl } from './smtp-url.ts';

test.each([
  ['smtp://mail.example.com', { host: 'mail.example.com', port: 587, security: 'starttls' }],
  ['smtps://mail.example.com', { host: 'mail.example.com', port: 465, security: 'tls' }],
  ['smtp://127.0.0.1?security=none', { host: '127.0.0.1', port: 25, security: 'none' }],
  ['smtp://[::1]:2525/', { host: '::1', port: 2525, security: 'starttls' }],
  [
    'smtps://us%40example.com:p%2Fw%3A@mail.example.com:1465',
    { host: 'mail.example.com', port: 1465, security: 'tls', username: 'us@example.com', password: 'p/w:' },
  ],
])('%s', (text, server) => {
  expect(parseSmtpUrl(text)).toEqual(server);
});

test.each([
  'mail.example.com',
  'http://mail.example.com',
  'smtp://',
  'smtp://mail.example.com/path',
  'smtp://mail.example.com?security=maybe',
  'smtps://mail.example.com?security=none',
  'smtp://us:%zz@mail.example.com',
])('%s names no mail server', (text) => {
  expect(parseSmtpUrl(text)).toBeUndefined();
});
