import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Controller, Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';

import { errors, start, type RunningApplication } from '../testing/application.ts';
import { contract, operation } from '../testing/descriptors.ts';
import {
  defineOperation,
  findPrincipal,
  principalOf,
  RequestFailure,
  type Authenticator,
  type ContractModuleOptions,
  type OperationRequest,
  type Principal,
  type RateLimitRequest,
  type SecurityRequirement,
} from './index.ts';

interface Caller extends Principal {
  readonly name: string;
}
interface Answer {
  readonly status: 200;
  readonly body: unknown;
}

const define = (id: string, security: readonly SecurityRequirement[]) =>
  defineOperation<OperationRequest, Answer>(
    operation({
      id,
      method: 'GET',
      path: `/${id}`,
      security,
      rateLimit: 'general',
      responses: { 200: { content: { 'application/json': {} } } },
      errors: { unauthenticated: 401, expired_key: 401, insufficient_scope: 403 },
    }),
  );
const Public = define('public', []);
const Header = define('header', [{ Key: [] }]);
const Scoped = define('scoped', [{ Key: ['books:read', 'books:write'] }]);
const Either = define('either', [{ Key: ['books:write'] }, { Token: [] }, { Login: [] }]);
const Both = define('both', [{ Key: [], Token: [] }]);
const Optional = define('optional', [{ Key: [] }, {}]);
const Query = define('query', [{ QueryKey: [] }]);
const Cookie = define('cookie', [{ Session: [] }]);
const Grant = define('grant', [{ OAuth: [] }, { OpenId: [] }, { Certificate: [] }]);
const all = [Public, Header, Scoped, Either, Both, Optional, Query, Cookie, Grant];

const say = (request: OperationRequest): Answer => ({
  status: 200,
  body: findPrincipal<Caller>(request)?.name ?? 'nobody',
});

@Controller()
class Doors {
  @Public() async public(request: OperationRequest) {
    return say(request);
  }
  @Header() async header(request: OperationRequest) {
    return say(request);
  }
  @Scoped() async scoped(request: OperationRequest) {
    return say(request);
  }
  @Either() async either(request: OperationRequest) {
    return say(request);
  }
  @Both() async both(request: OperationRequest) {
    return say(request);
  }
  @Optional() async optional(request: OperationRequest) {
    return say(request);
  }
  @Query() async query(request: OperationRequest) {
    return say(request);
  }
  @Cookie() async cookie(request: OperationRequest) {
    return say(request);
  }
  @Grant() async grant(request: OperationRequest) {
    return say(request);
  }
}

/** A route of the application's own beside the contract. */
@Injectable()
class Window implements OnModuleInit {
  constructor(@Inject(HttpAdapterHost) private readonly host: HttpAdapterHost) {}

  onModuleInit(): void {
    const server = this.host.httpAdapter.getInstance<FastifyInstance>();
    server.get('/window', { config: { admittedBy: 'scoped' } }, async (request) => {
      const { name } = principalOf<Caller>(request);
      if (request.headers['x-throw'] !== undefined) throw new RequestFailure('insufficient_scope', 'Not today.');
      return { name };
    });
  }
}

const keys: Authenticator<Caller> = {
  async authenticate({ value }) {
    if (value === 'expired') throw Object.assign(new Error('The key has expired.'), { code: 'expired_key' });
    if (value === 'database') throw new Error('connection lost');
    if (value === 'reader') return { name: 'key reader', scopes: ['books:read'] };
    return value === 'writer' ? { name: 'key writer', scopes: new Set(['books:read', 'books:write']) } : undefined;
  },
};
/** Synchronous. */
const named = (prefix: string, names?: readonly string[]): Authenticator<Caller> => ({
  ...(names && { names }),
  authenticate: (credential) => {
    if (credential.type === 'basic')
      return credential.password === 'secret' ? { name: `${prefix} ${credential.username}` } : undefined;
    return credential.value.startsWith('good') ? { name: `${prefix} ${credential.value}` } : undefined;
  },
});

const certified = (name: unknown): Caller | undefined => (typeof name === 'string' ? { name } : undefined);

let counted: RateLimitRequest[] = [];
let allowed = true;
let running: RunningApplication;
beforeAll(async () => {
  const descriptor = contract(
    'doors',
    all.map((each) => each.descriptor),
    {
      Key: { type: 'apiKey', in: 'header', name: 'X-Key' },
      QueryKey: { type: 'apiKey', in: 'query', name: 'key' },
      Session: { type: 'apiKey', in: 'cookie', name: '__Host-session' },
      Token: { type: 'http', scheme: 'bearer' },
      Login: { type: 'http', scheme: 'basic' },
      OAuth: { type: 'oauth2' },
      OpenId: { type: 'openIdConnect' },
      Certificate: { type: 'mutualTLS' },
    },
  );
  const options: ContractModuleOptions = {
    contracts: [{ descriptor, errors }],
    authenticators: {
      Key: keys,
      QueryKey: named('query'),
      Session: named('session', ['session']),
      Token: named('token'),
      Login: named('login'),
      OAuth: named('oauth'),
      OpenId: named('openid'),
      Certificate: { authenticate: (_credential, { request }) => certified(request.headers['x-certified']) },
    },
    rateLimiter: {
      consume: (request) => {
        counted.push(request);
        return { allowed, headers: { 'X-RateLimit-Limit': 60 }, retryAfter: 1.2, details: { window: 'minute' } };
      },
    },
    observer: { unexpectedError: () => undefined },
    realm: 'the "library"',
    allowRoutes: ['GET /window'],
  };
  running = await start([Doors], options, { providers: [Window] });
});
afterAll(() => running.close());
beforeEach(() => {
  counted = [];
  allowed = true;
});

async function get(path: string, headers: Record<string, string> = {}) {
  const response = await running.fetch(path, { headers });
  const body: unknown = await response.json();
  return { status: response.status, body, code: (body as { code?: string }).code, headers: response.headers };
}
const basic = (text: string) => ({ authorization: `basic ${Buffer.from(text).toString('base64')}` });

describe('credentials', () => {
  test.each([
    ['/public', {}, 'nobody'],
    ['/header', { 'x-key': 'reader' }, 'key reader'],
    ['/scoped', { 'x-key': 'writer' }, 'key writer'],
    ['/either', { authorization: 'BEARER good one' }, 'token good one'],
    ['/either', basic('ann:secret'), 'login ann'],
    ['/either', basic(':secret'), 'login '],
    ['/grant', { authorization: 'Bearer good' }, 'oauth good'],
    ['/grant', { 'x-certified': 'by certificate' }, 'by certificate'],
    ['/either', { 'x-key': 'nonsense', authorization: 'Bearer good' }, 'token good'],
    ['/either', { 'x-key': 'reader', authorization: 'Bearer good' }, 'token good'],
    ['/both', { 'x-key': 'reader', authorization: 'Bearer good' }, 'key reader'],
    ['/optional', {}, 'nobody'],
    ['/optional', { 'x-key': 'reader' }, 'key reader'],
    ['/query?key=good%20key', {}, 'query good key'],
    ['/cookie', { cookie: 'a=1; __Host-session=good' }, 'session good'],
    ['/cookie', { cookie: 'session=good-plain' }, 'session good-plain'],
  ] as const)('200: %s with %j is %s', async (path, headers, name) => {
    expect(await get(path, headers)).toMatchObject({ status: 200, body: name });
  });

  test.each([
    ['/header', {}, 401, 'unauthenticated'],
    ['/header', { 'x-key': '' }, 401, 'unauthenticated'],
    ['/header', { 'x-key': 'nonsense' }, 401, 'unauthenticated'],
    ['/header', { 'x-key': 'expired' }, 401, 'expired_key'],
    ['/header', { 'x-key': 'database' }, 500, 'internal'],
    ['/scoped', { 'x-key': 'reader' }, 403, 'insufficient_scope'],
    ['/either', { 'x-key': 'reader', authorization: 'Bearer bad' }, 403, 'insufficient_scope'],
    ['/either', { authorization: 'Basic !!' }, 401, 'unauthenticated'],
    ['/either', basic('ann'), 401, 'unauthenticated'],
    ['/either', basic('ann:secret:more'), 401, 'unauthenticated'],
    ['/either', { authorization: 'Bearer' }, 401, 'unauthenticated'],
    ['/either', { authorization: 'Bearergood' }, 401, 'unauthenticated'],
    ['/either', { authorization: 'Digest good' }, 401, 'unauthenticated'],
    ['/grant', {}, 401, 'unauthenticated'],
    ['/both', { 'x-key': 'reader' }, 401, 'unauthenticated'],
    ['/both', { 'x-key': 'reader', authorization: 'Bearer bad' }, 401, 'unauthenticated'],
    ['/optional', { 'x-key': 'nonsense' }, 401, 'unauthenticated'],
    ['/query', {}, 401, 'unauthenticated'],
    ['/cookie', { cookie: 'other=good' }, 401, 'unauthenticated'],
  ] as const)('%s with %j is %d %s', async (path, headers, status, code) => {
    expect(await get(path, headers)).toMatchObject({ status, code });
  });

  test('403: names the required and the missing scopes', async () => {
    const { body } = await get('/scoped', { 'x-key': 'reader' });
    expect(body).toMatchObject({
      details: { requiredScopes: ['books:read', 'books:write'], missingScopes: ['books:write'] },
    });
  });

  test('401: challenges with the HTTP schemes that would help', async () => {
    expect((await get('/either')).headers.get('www-authenticate')).toBe(
      'Bearer realm="the library", Basic realm="the library"',
    );
    expect((await get('/header')).headers.get('www-authenticate')).toBe('ApiKey realm="the library"');
    expect((await get('/grant')).headers.get('www-authenticate')).toBe('Bearer realm="the library"');
  });
});

describe('rate limits', () => {
  test('every request counts once, for its caller where there is one', async () => {
    await get('/public');
    await get('/scoped', { 'x-key': 'writer' });
    await get('/scoped', { 'x-key': 'reader' });
    await get('/header', { 'x-key': 'nonsense' });
    expect(
      counted.map(({ principal, rateLimitClass }) => [(principal as Caller | undefined)?.name, rateLimitClass]),
    ).toEqual([
      [undefined, 'general'],
      ['key writer', 'general'],
      ['key reader', 'general'],
      [undefined, 'general'],
    ]);
  });

  test('its headers are on every response', async () => {
    expect((await get('/public')).headers.get('x-ratelimit-limit')).toBe('60');
    expect((await get('/header')).headers.get('x-ratelimit-limit')).toBe('60');
    expect((await get('/public?x=1')).headers.get('x-ratelimit-limit')).toBe('60');
  });

  test('429: with Retry-After in whole seconds, before anything else is said', async () => {
    allowed = false;
    const { status, headers, body } = await get('/header', { 'x-key': 'nonsense' });
    expect([status, headers.get('retry-after'), headers.get('x-ratelimit-limit')]).toEqual([429, '2', '60']);
    expect(body).toMatchObject({ code: 'rate_limited', details: { window: 'minute', retryAfter: 1.2 } });
  });
});

test('a failure can be thrown by kind', async () => {
  const Failing = define('failing', []);
  @Controller()
  class Fails {
    @Failing()
    async failing(): Promise<Answer> {
      throw new RequestFailure('unavailable', 'Later.', { headers: { 'Retry-After': '7' }, details: { since: 1 } });
    }
  }
  const other = await start([Fails], {
    contracts: [{ descriptor: contract('x', [Failing.descriptor]), errors }],
    rateLimiter: false,
  });
  const response = await other.fetch('/failing');
  expect([response.status, response.headers.get('retry-after')]).toEqual([503, '7']);
  expect(await response.json()).toEqual({ code: 'unavailable', message: 'Later.', details: { since: 1 } });
  await other.close();
});

describe('a route that an operation admits to', () => {
  test('lets in whom the operation lets in, and knows the caller', async () => {
    expect(await get('/window', { 'x-key': 'writer' })).toMatchObject({ status: 200, body: { name: 'key writer' } });
    expect(counted.map(({ operation: { id } }) => id)).toEqual(['scoped']);
  });

  test.each([
    [401, 'unauthenticated', {}],
    [401, 'expired_key', { 'x-key': 'expired' }],
    [403, 'insufficient_scope', { 'x-key': 'reader' }],
  ])('%s: refuses as the operation does: %s', async (status, code, headers) => {
    expect(await get('/window', headers)).toMatchObject({ status, code });
  });

  test("429: counts in the operation's limit", async () => {
    allowed = false;
    expect(await get('/window', { 'x-key': 'writer' })).toMatchObject({ status: 429 });
  });

  test('403: what its handler throws is answered in the form of the contract', async () => {
    const refused = await get('/window', { 'x-key': 'writer', 'x-throw': '1' });
    expect(refused).toMatchObject({ status: 403, code: 'insufficient_scope', body: { message: 'Not today.' } });
  });
});
