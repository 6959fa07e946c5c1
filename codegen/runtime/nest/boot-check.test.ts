import { expect, test } from '@jest/globals';
import { Controller, Get, type Type } from '@nestjs/common';

import { errors, start } from '../testing/application.ts';
import { contract, operation } from '../testing/descriptors.ts';
import {
  BootCheckError,
  defineOperation,
  type ContractModuleOptions,
  type OperationDescriptor,
  type OperationRequest,
} from './index.ts';

interface Answer {
  readonly status: 204;
}
const make = (id: string, more: Partial<OperationDescriptor> = {}) =>
  defineOperation<OperationRequest, Answer>({
    ...operation({ id, method: 'GET', path: `/${id}`, responses: { 204: {} } }),
    ...more,
  });

const One = make('one');
const Two = make('two');

@Controller()
class Ones {
  @One()
  async one(request: OperationRequest): Promise<Answer> {
    return request && One.respond(204);
  }
}

async function problemsOf(
  controllers: readonly Type[],
  options: ContractModuleOptions,
  prepare?: Parameters<typeof start>[3],
) {
  try {
    const running = await start(controllers, options, {}, prepare);
    await running.close();
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(BootCheckError);
    return [...(error as BootCheckError).problems];
  }
}

test('an application that fits its contract starts', async () => {
  expect(await problemsOf([Ones], { contracts: [{ descriptor: contract('c', [One.descriptor]), errors }] })).toEqual(
    [],
  );
});

test('everything that is wrong is listed at once', async () => {
  const secured = make('secured', {
    security: [{ Key: [] }, { Ghost: [] }],
    rateLimit: 'general',
    idempotent: true,
    responses: {
      200: {
        headers: {},
        content: { 'application/json': { kind: 'json', supplied: ['meta'] }, 'text/csv': { kind: 'encoded' } },
      },
    },
  });
  @Controller()
  class Others {
    @secured()
    async secured(request: OperationRequest): Promise<Answer> {
      return request && One.respond(204);
    }
    @Get('health')
    health(): string {
      return 'ok';
    }
    @Get('extra')
    extra(): string {
      return 'extra';
    }
  }
  const trace = make('traced', { method: 'TRACE' });
  const descriptor = contract('c', [One.descriptor, Two.descriptor, secured.descriptor, trace.descriptor], {
    Key: { type: 'apiKey', in: 'header', name: 'X-Key' },
  });
  const problems = await problemsOf(
    [Ones, Others],
    {
      contracts: [{ descriptor, errors: { bodies: {} } }],
      allowRoutes: ['GET /health', '/docs/*'],
      throwableCodes: ['book_not_found'],
      codes: { validation: 'invalid' },
    },
    (app) => {
      app
        .getHttpAdapter()
        .getInstance()
        .get('/docs/ui', async () => 'docs');
      app
        .getHttpAdapter()
        .getInstance()
        .register(async (instance: { get(path: string, handler: () => Promise<string>): void }) => {
          instance.get('/late', async () => 'late');
        });
    },
  );
  expect(problems).toEqual([
    'c: two (GET /two) is bound to no controller method',
    'c: traced (TRACE /traced) has a method that Nest cannot route',
    'c: the security scheme Key has no authenticator (authenticators.Key)',
    'c: the security scheme Ghost is used and not declared',
    'c: nothing supplies the response property meta (supply.meta)',
    'c: the error format has no media type (errors.bodies)',
    'c: nothing can encode text/csv (mediaTypes)',
    'c: secured is idempotent and there is no store (idempotency, or false for none)',
    'c: secured has a rate limit and there is no limiter (rateLimiter, or false for none)',
    'the route GET /extra is in no contract (allowRoutes, if it may exist)',
    'the route HEAD /extra is in no contract (allowRoutes, if it may exist)',
    'the error code book_not_found can be thrown and no operation declares it',
    'codes.validation is invalid, which no operation declares',
  ]);
});

test('a route that a plugin adds late is found too', async () => {
  const problems = await problemsOf(
    [Ones],
    { contracts: [{ descriptor: contract('c', [One.descriptor]), errors }] },
    (app) => {
      app
        .getHttpAdapter()
        .getInstance()
        .register(async (instance: { get(path: string, options: object, handler: () => Promise<string>): void }) => {
          instance.get('/late', { exposeHeadRoute: false }, async () => 'late');
        });
    },
  );
  expect(problems).toEqual(['the route GET /late is in no contract (allowRoutes, if it may exist)']);
});

test('an operation that is bound twice is named with both methods', async () => {
  @Controller()
  class Again {
    @One()
    async again(request: OperationRequest): Promise<Answer> {
      return request && One.respond(204);
    }
  }
  const problems = await problemsOf([Ones, Again], {
    contracts: [{ descriptor: contract('c', [One.descriptor, Two.descriptor]), errors }],
  });
  expect(problems).toEqual([
    'c: one (GET /one) is bound to several controller methods: Ones.one, Again.again',
    'c: two (GET /two) is bound to no controller method',
  ]);
});

test('a global prefix, which moves routes away from their contract, is noticed', async () => {
  const problems = await problemsOf(
    [Ones],
    { contracts: [{ descriptor: contract('c', [One.descriptor]), errors }] },
    (app) => {
      app.setGlobalPrefix('api');
    },
  );
  expect(problems).toContain('the route GET /api/one is in no contract (allowRoutes, if it may exist)');
});

test('several contracts are served side by side, each in its own error shape', async () => {
  const V1 = make('v1-thing', { path: '/v1/thing' });
  const V2 = make('v2-thing', { path: '/v2/thing' });
  @Controller()
  class Things {
    @V1()
    async one(request: OperationRequest): Promise<Answer> {
      return request && V1.respond(204);
    }
    @V2()
    async two(request: OperationRequest): Promise<Answer> {
      return request && V2.respond(204);
    }
  }
  const shape = (version: string) => ({
    bodies: { 'application/json': ({ code }: { code: string }) => ({ version, code }) },
  });
  const running = await start([Things], {
    contracts: [
      { descriptor: contract('first', [V1.descriptor]), errors: shape('v1') },
      { descriptor: contract('second', [V2.descriptor]), errors: shape('v2') },
    ],
  });
  expect((await running.fetch('/v1/thing')).status).toBe(204);
  for (const [path, want] of [
    ['/v1/thing?x=1', { version: 'v1', code: 'validation' }],
    ['/v2/thing?x=1', { version: 'v2', code: 'validation' }],
    ['/v2/thing/none', { version: 'v2', code: 'not_found' }],
    ['/other', { version: 'v1', code: 'not_found' }],
  ] as const) {
    expect(await (await running.fetch(path)).json()).toEqual(want);
  }
  await running.close();
});

test('deprecated operations say so on every response', async () => {
  const Old = make('old', {
    deprecated: { since: '2026-01-01T00:00:00Z', sunset: '2027-01-01', link: 'https://example.com/new' },
  });
  @Controller()
  class Olds {
    @Old()
    async old(request: OperationRequest): Promise<Answer> {
      return request && Old.respond(204);
    }
  }
  const running = await start([Olds], { contracts: [{ descriptor: contract('c', [Old.descriptor]), errors }] });
  for (const path of ['/old', '/old?x=1']) {
    const { headers } = await running.fetch(path);
    expect([headers.get('deprecation'), headers.get('sunset'), headers.get('link')]).toEqual([
      '@1767225600',
      'Fri, 01 Jan 2027 00:00:00 GMT',
      '<https://example.com/new>; rel="deprecation"',
    ]);
  }
  await running.close();
});

test('a deprecation without a date sends no Deprecation header', async () => {
  const Old = make('old', { deprecated: { sunset: '2027-01-01' } });
  @Controller()
  class Olds {
    @Old()
    async old(request: OperationRequest): Promise<Answer> {
      return request && Old.respond(204);
    }
  }
  const running = await start([Olds], { contracts: [{ descriptor: contract('c', [Old.descriptor]), errors }] });
  const { headers } = await running.fetch('/old');
  expect([headers.get('deprecation'), headers.get('sunset'), headers.get('link')]).toEqual([
    null,
    'Fri, 01 Jan 2027 00:00:00 GMT',
    null,
  ]);
  await running.close();
});

test('translateError sees what was thrown before its code is looked up', async () => {
  const Broken = make('broken', { errors: { database_down: 503 } });
  @Controller()
  class Brokens {
    @Broken()
    async broken(): Promise<Answer> {
      throw new Error('ECONNREFUSED');
    }
  }
  const running = await start([Brokens], {
    contracts: [{ descriptor: contract('c', [Broken.descriptor]), errors }],
    translateError: (error) => Object.assign(new Error('Later.', { cause: error }), { code: 'database_down' }),
  });
  const response = await running.fetch('/broken');
  expect([response.status, await response.json()]).toEqual([
    503,
    { code: 'database_down', message: 'Later.', details: {} },
  ]);
  await running.close();
});
