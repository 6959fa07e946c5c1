import { createHmac } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { isSigned, sameBytes, type SignedRequest } from './hook-signature.ts';
import type { HmacAuth } from './trigger-config.ts';

const now = 1_700_000_000_000;
const seconds = now / 1_000;
const body = Buffer.from('{"paid":true}');
const base: HmacAuth = {
  type: 'hmac',
  format: 'body',
  header: 'X-Signature',
  prefix: 'sha256=',
  algorithm: 'sha256',
  encoding: 'hex',
  toleranceSeconds: 300,
};
const secret = 'a secret of the sender';
const standardSecret = `whsec_${Buffer.from('sixteen bytes and more').toString('base64')}`;
const standard: HmacAuth = { ...base, format: 'standard_webhooks' };
const timestamped: HmacAuth = { ...base, format: 'timestamped' };

/** As a sender of Standard Webhooks signs. */
function standardHeaders(timestamp: number | string = seconds, id = 'msg_1', signed = body): SignedRequest['headers'] {
  const key = Buffer.from(standardSecret.slice('whsec_'.length), 'base64');
  const digest = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(signed).digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': String(timestamp), 'webhook-signature': `v1,${digest}` };
}

const timestampedDigest = (timestamp: number | string = seconds, key = secret): string =>
  createHmac('sha256', key).update(`${timestamp}.`).update(body).digest('hex');

describe('standard_webhooks', () => {
  const holds = (headers: SignedRequest['headers'], sent = body): boolean =>
    isSigned(standard, standardSecret, { headers, body: sent }, now);

  test('a signature of the id, the time and the body holds', () => {
    expect(holds(standardHeaders())).toBe(true);
  });

  test.each([
    [-300, true],
    [-301, false],
    [300, true],
    [301, false],
  ])('%i s from now: %s', (off, held) => {
    expect(holds(standardHeaders(seconds + off))).toBe(held);
  });

  test('one of several signatures is enough', () => {
    const headers = standardHeaders();
    const several = `v1,${Buffer.alloc(32).toString('base64')} v2,other ${headers['webhook-signature']}`;
    expect(holds({ ...headers, 'webhook-signature': several })).toBe(true);
  });

  test.each<[string, SignedRequest['headers']]>([
    ['no headers', {}],
    ['another id', { ...standardHeaders(), 'webhook-id': 'msg_2' }],
    ['an empty id, even when it is signed', standardHeaders(seconds, '')],
    ['another time', { ...standardHeaders(), 'webhook-timestamp': String(seconds + 1) }],
    ['a time that is no number, even when it is signed', standardHeaders('1e9')],
    ['no signature', { ...standardHeaders(), 'webhook-signature': '' }],
    [
      'another version',
      { ...standardHeaders(), 'webhook-signature': standardHeaders()['webhook-signature']!.replace('v1', 'v0') },
    ],
    ['a signature of something else', standardHeaders(seconds, 'msg_1', Buffer.from('{}'))],
  ])('%s does not hold', (_, headers) => {
    expect(holds(headers)).toBe(false);
  });

  test('a thousandth of a second beyond the tolerance is too late', () => {
    const request = { headers: standardHeaders(), body };
    expect(isSigned(standard, standardSecret, request, now + 300_000)).toBe(true);
    expect(isSigned(standard, standardSecret, request, now + 300_001)).toBe(false);
  });

  test('a changed body does not hold', () => {
    expect(holds(standardHeaders(), Buffer.from('{"paid":false}'))).toBe(false);
  });
});

describe('timestamped', () => {
  const holds = (value: string | undefined): boolean =>
    isSigned(timestamped, secret, { headers: { 'x-signature': value }, body }, now);

  test.each([
    [-300, true],
    [-301, false],
    [300, true],
    [301, false],
  ])('%i s from now: %s', (off, held) => {
    expect(holds(`t=${seconds + off},v1=${timestampedDigest(seconds + off)}`)).toBe(held);
  });

  test('one of several signatures is enough, whatever space is around them', () => {
    expect(holds(`t=${seconds}, v1=${timestampedDigest(seconds, 'the former one')}, v1=${timestampedDigest()}`)).toBe(
      true,
    );
  });

  test.each<[string, string | undefined]>([
    ['no header', undefined],
    ['no time', `v1=${timestampedDigest()}`],
    ['no signature', `t=${seconds}`],
    ['a signature of another name', `t=${seconds},v0=${timestampedDigest()}`],
    ['a signature with another secret', `t=${seconds},v1=${timestampedDigest(seconds, 'another')}`],
    ['half of a signature', `t=${seconds},v1=${timestampedDigest().slice(0, 32)}`],
  ])('%s does not hold', (_, value) => {
    expect(holds(value)).toBe(false);
  });
});

describe('body', () => {
  test.each([
    ['sha1', 'hex', ''],
    ['sha256', 'hex', 'sha256='],
    ['sha512', 'base64', 'v0:'],
  ] as const)('%s in %s after %j', (algorithm, encoding, prefix) => {
    const auth: HmacAuth = { ...base, algorithm, encoding, prefix };
    const digest = createHmac(algorithm, secret).update(body).digest(encoding);
    const holds = (value: string | undefined): boolean =>
      isSigned(auth, secret, { headers: { 'x-signature': value }, body }, now);
    expect(holds(prefix + digest)).toBe(true);
    expect(holds(`other${prefix}${digest}`)).toBe(false);
    expect(holds(prefix)).toBe(false);
    if (prefix !== '') expect(holds('?'.repeat(prefix.length) + digest)).toBe(false);
    expect(holds(undefined)).toBe(false);
    expect(holds(prefix + createHmac(algorithm, 'another').update(body).digest(encoding))).toBe(false);
  });
});

test('bytes are the same only when all of them are', () => {
  expect(sameBytes(Buffer.from('abc'), Buffer.from('abc'))).toBe(true);
  expect(sameBytes(Buffer.from('abc'), Buffer.from('abd'))).toBe(false);
  expect(sameBytes(Buffer.from('abc'), Buffer.from('abcd'))).toBe(false);
});
