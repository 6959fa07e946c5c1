import fastify from 'fastify';

import * as catalogue from '../catalogue.ts';
import { report } from '../server-process.ts';

/** Fastify with its own schemas: AJV for requests, fast-json-stringify for responses. */

const dimensions = {
  type: 'object',
  properties: {
    width: { type: 'number', exclusiveMinimum: 0 },
    height: { type: 'number', exclusiveMinimum: 0 },
    depth: { type: 'number', exclusiveMinimum: 0 },
  },
  required: ['width', 'height', 'depth'],
  additionalProperties: false,
};
const newItem = {
  type: 'object',
  properties: {
    name: { type: 'string', minLength: 1, maxLength: 100 },
    description: { type: 'string', maxLength: 2000 },
    price: { type: 'number', minimum: 0 },
    quantity: { type: 'integer', minimum: 0 },
    status: { type: 'string', enum: ['active', 'archived'] },
    tags: { type: 'array', maxItems: 20, items: { type: 'string', minLength: 1, maxLength: 30 } },
    dimensions,
    contact: { type: 'string', format: 'email' },
  },
  required: ['name', 'price', 'quantity', 'status', 'tags', 'dimensions', 'contact'],
  additionalProperties: false,
};
const item = {
  type: 'object',
  properties: {
    id: { type: 'string' },
    name: { type: 'string' },
    description: { type: 'string' },
    price: { type: 'number' },
    quantity: { type: 'integer' },
    status: { type: 'string' },
    tags: { type: 'array', items: { type: 'string' } },
    dimensions,
    contact: { type: 'string' },
    created_at: { type: 'string' },
  },
  required: ['id', 'name', 'price', 'quantity', 'status', 'tags', 'dimensions', 'contact', 'created_at'],
};
const query = {
  type: 'object',
  properties: {
    page: { type: 'integer', minimum: 1, default: 1 },
    per_page: { type: 'integer', minimum: 1, maximum: 100, default: 20 },
    status: { type: 'string', enum: ['active', 'archived'] },
  },
  additionalProperties: false,
};
const list = {
  type: 'object',
  properties: { data: { type: 'array', items: item }, total: { type: 'integer' } },
  required: ['data', 'total'],
};

const app = fastify();
app.get<{ Querystring: { page: number; per_page: number; status?: string } }>(
  '/items',
  { schema: { querystring: query, response: { 200: list } } },
  async (request) => {
    const { page, per_page, status } = request.query;
    return catalogue.listItems(page, per_page, status);
  },
);
app.post<{ Body: catalogue.NewItem }>(
  '/items',
  { schema: { body: newItem, response: { 201: item } } },
  async (request, reply) => {
    const created = catalogue.createItem(request.body);
    reply.code(201).header('location', `/items/${created.id}`);
    return created;
  },
);
await app.listen({ port: 0, host: '127.0.0.1' });
report(app.server);
