import type { Operation, Wire } from '../src/core/index.ts';

/** A contract of the tests' own, so that nothing in the core depends on the platform's. */
export const wire: Wire = {
  envelope: { data: 'data', meta: 'meta', requestId: '/meta/request_id' },
  idempotencyHeader: 'Idempotency-Key',
  requestIdHeader: 'X-Request-Id',
  pagination: {
    property: 'pagination',
    page: { parameter: 'page', current: 'page', hasNext: 'has_next' },
    cursor: { parameter: 'cursor', next: 'next_cursor' },
  },
  errors: {
    'application/json': {
      code: '/error/code',
      message: '/error/message',
      details: '/error/details',
      problems: '/error/details/errors',
      requestId: '/meta/request_id',
    },
    'application/problem+json': { code: '/code', message: '/detail', details: '/details', problems: '/details/errors' },
  },
  securitySchemes: {
    Key: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
    Bearer: { type: 'http', scheme: 'bearer' },
    Cookie: { type: 'apiKey', in: 'cookie', name: 'session' },
  },
};

const base = {
  query: [],
  responses: { 'application/json': { kind: 'json', envelope: true } },
  security: [['Key'], ['Bearer'], ['Cookie']],
  idempotent: false,
} as const;

export const operations = {
  listPets: {
    ...base,
    id: 'listPets',
    method: 'GET',
    path: '/v1/pets',
    query: [
      { name: 'page', style: 'form', explode: true },
      { name: 'cursor', style: 'form', explode: true },
      { name: 'status', style: 'form', explode: true },
      { name: 'tag', style: 'form', explode: false },
      { name: 'filter', style: 'deepObject', explode: true },
    ],
  },
  getPet: { ...base, id: 'getPet', method: 'GET', path: '/v1/pets/{pet_id}' },
  createPet: {
    ...base,
    id: 'createPet',
    method: 'POST',
    path: '/v1/pets',
    body: { contentTypes: ['application/json', 'application/yaml'], from: 'whole' },
    idempotent: true,
  },
  walkPet: {
    ...base,
    id: 'walkPet',
    method: 'POST',
    path: '/v1/pets/{pet_id}/walk',
    query: [{ name: 'wait', style: 'form', explode: true }],
    body: { contentTypes: ['application/json'], from: 'merged' },
    idempotent: false,
  },
  exportPet: {
    ...base,
    id: 'exportPet',
    method: 'GET',
    path: '/v1/pets/{pet_id}/export',
    responses: {
      'application/json': { kind: 'json', envelope: false },
      'application/yaml': { kind: 'text', envelope: false },
    },
  },
  login: {
    ...base,
    id: 'login',
    method: 'POST',
    path: '/v1/login',
    body: { contentTypes: ['application/json'], from: 'whole' },
    security: [],
  },
  watchPet: {
    ...base,
    id: 'watchPet',
    method: 'GET',
    path: '/v1/pets/{pet_id}/events',
    responses: { 'text/event-stream': { kind: 'json-event-stream', envelope: false } },
  },
} as const satisfies Record<string, Operation>;
