import { connect } from 'node:net';

import { Controller } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';

import { contextOf, defineOperation, type ContractModuleOptions, type OperationRequest } from '../nest/index.ts';
import { errors, start, type RunningApplication } from './application.ts';
import { contract, operation } from './descriptors.ts';

export interface Answer {
  readonly status: 200;
  readonly body: unknown;
}
/** Responses that may be anything. */
export const anything = { 200: { content: { 'application/json': {} } } };
const fields = {
  type: 'object',
  properties: {
    name: { type: 'string' },
    age: { type: 'integer' },
    tags: { type: 'array', items: { type: 'string' } },
    photo: {},
    meta: { type: 'object' },
    broken: { type: 'object' },
  },
  required: ['name'],
};
const item = { type: 'object', properties: { id: { type: 'string' } }, required: ['id'] };

const Take = defineOperation<OperationRequest, Answer>(
  operation({
    id: 'take',
    method: 'POST',
    path: '/take',
    body: {
      content: {
        'application/json': fields,
        'application/merge-patch+json': fields,
        'application/x-www-form-urlencoded': fields,
        'multipart/form-data': fields,
        'application/yaml': fields,
        'text/plain': { type: 'string', minLength: 2 },
        'image/*': {},
      },
    },
    bodyLimit: 2000,
    responses: anything,
    errors: { payload_too_large: 413 },
  }),
);
const Maybe = defineOperation<OperationRequest, Answer>(
  operation({
    id: 'maybe',
    method: 'PUT',
    path: '/maybe',
    body: { required: false, content: { 'application/json': item } },
    responses: anything,
  }),
);
const Remove = defineOperation<OperationRequest, Answer>(
  operation({ id: 'remove', method: 'DELETE', path: '/remove', responses: anything }),
);
const Odd = defineOperation<OperationRequest, Answer>(
  operation({
    id: 'odd',
    method: 'GET',
    path: '/odd/{item-id}/{point}',
    parameters: [
      { in: 'path', name: 'item-id', schema: { type: 'string' } },
      { in: 'path', name: 'point', schema: { type: 'array', items: { type: 'integer' } } },
      {
        in: 'query',
        name: 'filter',
        style: 'deepObject',
        schema: { type: 'object', properties: { min: { type: 'number' } }, additionalProperties: false },
      },
      { in: 'query', name: 'limit', schema: { type: 'integer', default: 20, maximum: 100 } },
      { in: 'header', name: 'X-Ids', schema: { type: 'array', items: { type: 'integer' } } },
      { in: 'cookie', name: 'theme', schema: { enum: ['dark', 'light'] } },
    ],
    responses: anything,
  }),
);
const act = (id: string, path: string, names: string[]) =>
  defineOperation<OperationRequest, Answer>(
    operation({
      id,
      method: 'POST',
      path,
      parameters: names.map((name) => ({ in: 'path' as const, name, schema: { type: 'string' } })),
      responses: anything,
    }),
  );
const Act = act('act', '/acts/{id}', ['id']);
const All = defineOperation<OperationRequest, Answer>(
  operation({ id: 'all', method: 'GET', path: '/acts/all', responses: anything }),
);
const Cancel = act('cancel', '/acts/{id}:cancel', ['id']);
const Retry = act('retry', '/acts/{id}:retry', ['id']);
const Pair = act('pair', '/pairs/{a}..{b}.json', ['a', 'b']);

/** Answers with what a request has. */
export const echo = (request: OperationRequest): Answer => {
  const { path, query, headers, cookies, body, contentType } = request;
  return {
    status: 200,
    body: { path, query, headers, cookies, body: body instanceof Buffer ? [...body] : body, contentType },
  };
};

@Controller()
class Echo {
  @Take() async take(request: OperationRequest): Promise<Answer> {
    const { body } = request;
    const photo = (body as { photo?: unknown }).photo;
    if (!(photo instanceof File)) return echo(request);
    return { status: 200, body: { ...(body as object), photo: [photo.name, photo.type, await photo.text()] } };
  }
  @Maybe() async maybe(request: OperationRequest) {
    return echo(request);
  }
  @Remove() async remove(request: OperationRequest) {
    return echo(request);
  }
  @Odd() async odd(request: OperationRequest) {
    return echo(request);
  }
  @Act() async act(request: OperationRequest) {
    return echo(request);
  }
  @All() async all(request: OperationRequest) {
    return echo(request);
  }
  @Cancel() async cancel({ path }: OperationRequest): Promise<Answer> {
    return { status: 200, body: ['cancel', path] };
  }
  @Retry() async retry({ path }: OperationRequest): Promise<Answer> {
    return { status: 200, body: ['retry', path] };
  }
  @Pair() async pair({ path }: OperationRequest): Promise<Answer> {
    return { status: 200, body: path };
  }
}

/** What a request may have as its body. */
export type Sent = NonNullable<RequestInit['body']>;

/** What came back for a request. */
export interface Received {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown> & { code: string; details: { errors: unknown[] } };
}

/** A running application whose operations answer with what they were given. */
export class EchoApplication {
  readonly running: RunningApplication;
  /** Ids of the operations that `around` surrounded. */
  readonly around: string[];

  private constructor(running: RunningApplication, around: string[]) {
    this.running = running;
    this.around = around;
  }

  static async start(): Promise<EchoApplication> {
    const around: string[] = [];
    const options: ContractModuleOptions = {
      contracts: [
        {
          descriptor: contract(
            'echo',
            [Take, Maybe, Remove, Odd, Act, All, Cancel, Retry, Pair].map((each) => each.descriptor),
          ),
          errors,
        },
      ],
      allowRoutes: ['POST /own'],
      mediaTypes: {
        'application/yaml': {
          decode: (text) => {
            if (text.includes('{')) throw new Error('Unexpected token at line 1, column 4:\nsecret');
            return Object.fromEntries(
              text
                .trim()
                .split('\n')
                .map((line) => line.split(': ')),
            );
          },
        },
      },
      maxNames: 20,
      around: (context, next) => {
        around.push(contextOf(context.request).operation!.id);
        next();
      },
    };
    const running = await start([Echo], options, {}, (app) => {
      const server = app.getHttpAdapter().getInstance() as FastifyInstance;
      server.post('/own', async ({ body }) => ({ body: body instanceof Buffer ? [...body] : body }));
    });
    return new EchoApplication(running, around);
  }

  close(): Promise<void> {
    return this.running.close();
  }

  async send(
    method: string,
    path: string,
    body?: Sent,
    contentType?: string,
    headers: Record<string, string> = {},
  ): Promise<Received> {
    const response = await this.running.fetch(path, {
      method,
      body: body ?? null,
      headers: { ...headers, ...(contentType && { 'content-type': contentType }) },
    });
    return {
      status: response.status,
      headers: response.headers,
      body: (await response.json()) as Received['body'],
    };
  }

  /** What comes back for these bytes, until the server closes the connection. */
  async exchange(sent: string): Promise<string> {
    const socket = connect(Number(new URL(this.running.url).port), '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(sent);
    let answer = '';
    for await (const chunk of socket) answer += String(chunk);
    return answer;
  }
}

/** The answer to a request with one fault. */
export const failure = (message: string, field = '', location = 'body') => ({
  status: 400,
  body: { details: { errors: [{ field, message, location }] } },
});
