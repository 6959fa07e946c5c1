import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  Catch,
  Controller,
  createParamDecorator,
  ForbiddenException,
  Injectable,
  Scope,
  UnauthorizedException,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
  type NestInterceptor,
  type PipeTransform,
} from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import type { FastifyReply } from 'fastify';
import { map } from 'rxjs';

import { errors, start, type RunningApplication } from '../testing/application.ts';
import { contract, operation } from '../testing/descriptors.ts';
import { contextOf, defineOperation, type OperationRequest } from './index.ts';

/** Everything that Nest lets an application put on a handler works on the handler of an operation. */

interface Answer {
  readonly status: 200;
  readonly body: { readonly text: string };
}
const define = (id: string) => {
  const descriptor = operation({
    id,
    method: 'GET',
    path: `/${id}`,
    parameters: [{ in: 'query', name: 'text', schema: { type: 'string', default: 'hello' } }],
    responses: {
      200: { content: { 'application/json': { type: 'object', properties: { text: { type: 'string' } } } } },
    },
    errors: { forbidden: 403, teapot: 418 },
  });
  return defineOperation<OperationRequest, Answer>(descriptor);
};
const operations = Object.fromEntries(
  ['plain', 'guarded', 'guardedBelow', 'unauthorized', 'intercepted', 'piped', 'filtered', 'parameter', 'crash'].map(
    (id) => [id, define(id)],
  ),
) as Record<
  'plain' | 'guarded' | 'guardedBelow' | 'unauthorized' | 'intercepted' | 'piped' | 'filtered' | 'parameter' | 'crash',
  ReturnType<typeof define>
>;

let handled = 0;
const answer = ({ query }: OperationRequest): Answer => {
  handled += 1;
  return { status: 200, body: { text: query['text'] as string } };
};

@Injectable()
class Deny implements CanActivate {
  canActivate(): boolean {
    return false;
  }
}
class RefuseCredentials implements CanActivate {
  canActivate(): boolean {
    throw new UnauthorizedException('Who are you?');
  }
}
class Shout implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler) {
    return next
      .handle()
      .pipe(map((response: Answer) => ({ ...response, body: { text: `${response.body.text.toUpperCase()}!` } })));
  }
}
class Replace implements PipeTransform {
  transform(request: OperationRequest): OperationRequest {
    return { ...request, query: { text: `piped ${String(request.query['text'])}` } };
  }
}
class Teapot extends Error {
  readonly code = 'teapot';
}
@Catch(Teapot)
class TeapotFilter implements ExceptionFilter {
  catch(_error: unknown, host: ArgumentsHost): void {
    void host.switchToHttp().getResponse<FastifyReply>().status(418).send({ short: 'and stout' });
  }
}
const RequestId = createParamDecorator(
  (_: unknown, context: ExecutionContext) => contextOf(context.switchToHttp().getRequest()).requestId,
);

@Controller()
class Enhanced {
  @operations.plain()
  async plain(request: OperationRequest) {
    return answer(request);
  }
  @UseGuards(Deny)
  @operations.guarded()
  async guarded(request: OperationRequest) {
    return answer(request);
  }
  @operations.guardedBelow()
  @UseGuards(Deny)
  async guardedBelow(request: OperationRequest) {
    return answer(request);
  }
  @UseGuards(RefuseCredentials)
  @operations.unauthorized()
  async unauthorized(request: OperationRequest) {
    return answer(request);
  }
  @UseInterceptors(Shout)
  @operations.intercepted()
  async intercepted(request: OperationRequest) {
    return answer(request);
  }
  @UsePipes(Replace)
  @operations.piped()
  async piped(request: OperationRequest) {
    return answer(request);
  }
  @UseFilters(TeapotFilter)
  @operations.filtered()
  async filtered(): Promise<Answer> {
    throw new Teapot();
  }
  @operations.parameter()
  async parameter(_request: OperationRequest, @RequestId() id: string): Promise<Answer> {
    return { status: 200, body: { text: id } };
  }
  @operations.crash()
  async crash(): Promise<Answer> {
    throw new ForbiddenException({ message: 'Not today', errorCode: 'teapot' });
  }
}

let running: RunningApplication;
beforeAll(async () => {
  const descriptor = contract(
    'enhanced',
    Object.values(operations).map((each) => each.descriptor),
  );
  running = await start([Enhanced], { contracts: [{ descriptor, errors }] });
});
afterAll(() => running.close());

const get = async (path: string, headers: Record<string, string> = {}) => {
  const response = await running.fetch(path, { headers });
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Record<string, unknown>,
  };
};

describe('the application’s own', () => {
  test.each(['/guarded', '/guardedBelow'])('403: guard at %s keeps the handler from running', async (path) => {
    const before = handled;
    const { status, body } = await get(path);
    expect([status, body['code']]).toEqual([403, 'forbidden']);
    expect(handled).toBe(before);
  });

  test('401: exception of a guard has the contract’s shape and a challenge', async () => {
    const { status, body, headers } = await get('/unauthorized', {
      accept: 'application/json, application/problem+json;q=0.9',
    });
    expect([status, body]).toEqual([401, { code: 'unauthenticated', message: 'Who are you?', details: {} }]);
    expect(headers.get('www-authenticate')).toBe('ApiKey realm="enhanced"');
  });

  test('interceptor sees the response and changes it', async () => {
    expect((await get('/intercepted?text=ho')).body).toEqual({ text: 'HO!' });
  });

  test('pipe gets the validated request', async () => {
    expect((await get('/piped')).body).toEqual({ text: 'piped hello' });
  });

  test('filter answers in its own way', async () => {
    const { status, body, headers } = await get('/filtered');
    expect([status, body]).toEqual([418, { short: 'and stout' }]);
    expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(headers.get('x-request-id')).toBeTruthy();
  });

  test('parameter decorators work after the first parameter', async () => {
    const { body, headers } = await get('/parameter', { 'x-request-id': 'mine-1' });
    expect(body).toEqual({ text: 'mine-1' });
    expect(headers.get('x-request-id')).toBe('mine-1');
  });

  test('400: validation comes before guards are asked', async () => {
    expect((await get('/guarded?unknown=1')).status).toBe(400);
  });
});

test('global guards, interceptors and filters of the application run too', async () => {
  const descriptor = contract('enhanced', [operations.plain.descriptor]);
  @Controller()
  class Plain {
    @operations.plain()
    async plain(request: OperationRequest) {
      return answer(request);
    }
  }
  const seen: string[] = [];
  const other = await start([Plain], { contracts: [{ descriptor, errors }] }, {}, (app) => {
    app.useGlobalGuards({
      canActivate: (context) => seen.push(`guard ${context.getClass().name}.${context.getHandler().name}`) > 0,
    });
    app.useGlobalInterceptors(new Shout());
  });
  try {
    expect(await (await other.fetch('/plain')).json()).toEqual({ text: 'HELLO!' });
    expect(seen).toEqual(['guard Plain.plain']);
  } finally {
    await other.close();
  }
});

test('a controller that is made per request is, and a global guard from a provider is asked', async () => {
  const descriptor = contract('enhanced', [operations.plain.descriptor]);
  let made = 0;
  @Injectable({ scope: Scope.REQUEST })
  class PerRequest {
    readonly number = (made += 1);
  }
  @Controller()
  class Scoped {
    private readonly each: PerRequest;
    constructor(each: PerRequest) {
      this.each = each;
    }
    @operations.plain()
    async plain(request: OperationRequest): Promise<Answer> {
      return request && { status: 200, body: { text: String(this.each.number) } };
    }
  }
  let asked = 0;
  const guard: CanActivate = { canActivate: () => (asked += 1) > 0 };
  const other = await start(
    [Scoped],
    { contracts: [{ descriptor, errors }] },
    { providers: [PerRequest, { provide: APP_GUARD, useValue: guard }] },
  );
  try {
    expect(await (await other.fetch('/plain')).json()).toEqual({ text: '1' });
    expect(await (await other.fetch('/plain')).json()).toEqual({ text: '2' });
    expect(asked).toBe(2);
  } finally {
    await other.close();
  }
});
