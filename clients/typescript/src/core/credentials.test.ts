import { expect, test } from '@jest/globals';
import { operations } from '../../test/pets-contract.ts';
import { type CredentialOptions, Credentials } from './credentials.ts';
import type { SecurityScheme } from './operation.ts';

const schemes: Record<string, SecurityScheme> = {
  Key: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
  Cookie: { type: 'apiKey', in: 'cookie', name: 'session' },
  Query: { type: 'apiKey', in: 'query', name: 'key' },
  Bearer: { type: 'http', scheme: 'Bearer' },
  Basic: { type: 'http', scheme: 'basic' },
  OAuth: { type: 'oauth2' },
  OpenId: { type: 'openIdConnect' },
  Mutual: { type: 'mutualTLS' },
};
const all: CredentialOptions = { apiKey: 'key', accessToken: 'token', cookie: 'session=1' };

async function sent(security: readonly (readonly string[])[], options = all): Promise<unknown> {
  const headers = await new Credentials(options).headersFor({ ...operations.getPet, security }, schemes);
  return Object.fromEntries(headers);
}

test.each<[string, string[][], CredentialOptions, object]>([
  ['an access token wins', [['Key'], ['Cookie'], ['Bearer']], all, { authorization: 'Bearer token' }],
  ['OAuth takes one', [['OAuth']], all, { authorization: 'Bearer token' }],
  ['OpenID Connect takes one', [['OpenId']], all, { authorization: 'Bearer token' }],
  ['a key wins over a cookie', [['Cookie'], ['Key']], all, { 'x-api-key': 'key' }],
  ['a cookie is the last', [['Cookie']], all, { cookie: 'session=1' }],
  ['what is not given is passed over', [['Bearer'], ['Key']], { apiKey: 'key' }, { 'x-api-key': 'key' }],
  [
    'a function that has none now is passed over',
    [['Bearer'], ['Key']],
    { ...all, accessToken: () => undefined },
    { 'x-api-key': 'key' },
  ],
  ['two at once cannot be met', [['Bearer', 'Key'], ['Cookie']], all, { cookie: 'session=1' }],
  ['a key in the query is never sent', [['Query']], all, {}],
  ['other kinds cannot be met', [['Basic'], ['Mutual']], all, {}],
  ['a scheme that the contract does not have', [['Lost']], all, {}],
  ['a public operation', [], all, {}],
])('%s', async (_name, security, options, expected) => {
  expect(await sent(security, options)).toEqual(expected);
});

test('every secret that was sent is taken out of texts, everywhere, and nothing else', async () => {
  let count = 0;
  const credentials = new Credentials({ apiKey: () => `key-${(count += 1)}` });
  expect(credentials.redact('key-1')).toBe('key-1');
  const operation = { ...operations.getPet, security: [['Key']] };
  await credentials.headersFor(operation, schemes);
  await credentials.headersFor(operation, schemes);
  expect(credentials.redact('key-1 key-2 key-1 key-3')).toBe('[redacted] [redacted] [redacted] key-3');
});

test.each(['', 'a\nb', 'ü', '\x7f'])('%j cannot stand in a header', async (apiKey) => {
  await expect(sent([['Key']], { apiKey })).rejects.toThrow('apiKey holds characters that no HTTP header can carry');
});

test.each([' ~', '!'])('%j can', async (apiKey) => {
  expect(await sent([['Key']], { apiKey })).toEqual({ 'x-api-key': apiKey.trim() });
});
