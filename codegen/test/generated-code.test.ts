import { describe, expect, test } from '@jest/globals';
import type { Validator } from '../runtime/nest/contract.ts';
import { operations } from './golden/everything/operations.js';
import { projectListPets200Body, projectPetOwner } from './golden/everything/projections.js';

const { createPet, getEvents, listPets, putPetsByPetId, search, uploadFile } = operations;
const createPetBody = createPet.request.body!.content['application/json']!.validate!;

function problems(validate: Validator, value: unknown): readonly string[] {
  return validate(value) ? [] : (validate.errors ?? []).map((issue) => `${issue.instancePath} ${issue.keyword}`);
}

describe('a request validator', () => {
  test('takes what the schema describes', () => {
    expect(problems(createPetBody, { pet: { kind: 'cat', name: 'Tom', chip: '1' } })).toEqual([]);
  });

  test('lists every problem', () => {
    expect(problems(createPetBody, { pet: { kind: 'cat' }, tags: 'x' })).toEqual(
      expect.arrayContaining(['/pet required', '/tags type']),
    );
  });

  test('refuses readOnly properties', () => {
    expect(problems(createPetBody, { pet: { kind: 'cat', name: 'Tom', id: '1' } })).toContain('/pet/id false schema');
  });

  test('fills in defaults: of properties, behind references and in the alternative that matches', () => {
    const body = { pet: { kind: 'cat', name: 'Tom' }, options: {}, rule: { every: 2 } };
    expect(createPetBody(body)).toBe(true);
    expect(body).toEqual({
      pet: { kind: 'cat', name: 'Tom', mood: 'calm', lives: 9 },
      options: { urgent: false },
      rule: { every: 2, unit: 'day' },
      tags: [],
    });
  });

  test('does not touch a value that it refuses', () => {
    const body = { options: {} };
    expect(createPetBody(body)).toBe(false);
    expect(body).toEqual({ options: {} });
  });

  test('gives every request a default of its own', () => {
    const [first, second] = [{ pet: { kind: 'dog', name: 'A' } }, { pet: { kind: 'dog', name: 'B' } }];
    createPetBody(first);
    createPetBody(second);
    expect((first as { tags?: unknown }).tags).not.toBe((second as { tags?: unknown }).tags);
  });

  test('completes parameters', () => {
    const query = {};
    expect(listPets.request.query.validate!(query)).toBe(true);
    expect(query).toEqual({ limit: 20 });
    const nested = { filter: { q: 'x' } };
    expect(search.request.query.validate!(nested)).toBe(true);
    expect(nested).toEqual({ filter: { q: 'x', depth: 1 } });
  });

  test('leaves files alone', () => {
    const body = { file: new File(['x'], 'x.txt'), thumbnails: [new File(['y'], 'y.png')] };
    expect(uploadFile.request.body!.content['multipart/form-data']!.validate!(body)).toBe(true);
    expect(body).toMatchObject({ note: '' });
  });
});

describe('a response validator', () => {
  const validate = listPets.responses['200']!.content['application/json']!.validate!;

  test('takes writeOnly properties for a leak', () => {
    const pet = { id: '1', kind: 'cat', name: 'Tom', chip: 'secret' };
    expect(problems(validate, { data: [pet], meta: { request_id: 'r' } })).toContain('/data/0/chip false schema');
  });

  test('fills in nothing', () => {
    const body = { data: [{ id: '1', kind: 'cat', name: 'Tom' }], meta: { request_id: 'r' } };
    expect(validate(body)).toBe(true);
    expect(body.data[0]).toEqual({ id: '1', kind: 'cat', name: 'Tom' });
  });

  test('of a stream checks one event', () => {
    const event = getEvents.responses['200']!.content['text/event-stream']!.validate!;
    expect(event({ type: 'added' })).toBe(true);
    expect(event({ type: 'other' })).toBe(false);
  });
});

describe('a projection', () => {
  const meta = { request_id: 'r' };

  test('copies what is declared, at every depth, and names what it left out', () => {
    const dropped: string[] = [];
    const cat = { id: '1', kind: 'cat', name: 'Tom', chip: 's', passwordHash: 'x', parent: { kind: 'dog', fur: 1 } };
    expect(projectListPets200Body({ data: [cat], meta, extra: 1 }, dropped)).toEqual({
      data: [{ id: '1', kind: 'cat', name: 'Tom', parent: { kind: 'dog' } }],
      meta,
    });
    expect(dropped.sort()).toEqual(['/data/0/chip', '/data/0/parent/fur', '/data/0/passwordHash', '/extra']);
  });

  test('reads class instances and their getters', () => {
    class Owner {
      secret = 1;
      get name(): string {
        return 'Ann';
      }
    }
    expect(projectPetOwner(new Owner())).toEqual({ name: 'Ann' });
  });

  test('keeps free-form objects, maps and names that every object inherits', () => {
    const address = { labels: { a: 'b' }, extra: { any: { thing: 1 } }, constructor: 'x', '$odd name': null, other: 1 };
    expect(projectPetOwner({ name: 'Ann', address })).toEqual({
      name: 'Ann',
      address: { labels: { a: 'b' }, extra: { any: { thing: 1 } }, constructor: 'x', '$odd name': null },
    });
    expect(Object.hasOwn((projectPetOwner({ address: {} }) as { address: object }).address, 'constructor')).toBe(false);
  });

  test('leaves what is not an object to the validator', () => {
    expect(projectListPets200Body({ data: 'none', meta: null })).toEqual({ data: 'none', meta: null });
  });
});

describe('the descriptor', () => {
  test('gives error codes their statuses', () => {
    expect(createPet.errors).toEqual({ pet_not_found: 409, conflict: 409 });
  });

  test('leaves YAML with a schema of its own to a codec', () => {
    const { request, responses } = putPetsByPetId;
    expect(request.body!.content['application/yaml']).toMatchObject({ kind: 'encoded' });
    expect(request.body!.content['application/yaml']!.validate!({ kind: 'cat', name: 'Tom' })).toBe(true);
    const answer = responses['200']!.content['application/yaml']!;
    expect([answer.kind, answer.project!({ name: 'Ann', secret: 1 })]).toEqual(['encoded', { name: 'Ann' }]);
    expect(operations.getPet.responses['200']!.content['application/yaml']!.kind).toBe('text');
  });

  test('knows the policies of the contract', () => {
    expect(listPets).toMatchObject({ rateLimit: 'general', pagination: { kind: 'both' }, idempotent: false });
    expect(createPet).toMatchObject({ bodyLimit: 65536, idempotent: true });
    expect(operations.promise.deprecated).toEqual({ since: '2026-01-01', sunset: '2027-01-01' });
  });
});
