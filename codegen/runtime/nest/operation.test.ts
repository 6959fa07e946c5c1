import { describe, expect, test } from '@jest/globals';

import type { OperationDescriptor } from './contract.ts';
import { defineOperation } from './operation.ts';

const descriptor: OperationDescriptor = {
  id: 'getPet',
  tag: 'pets',
  method: 'GET',
  path: '/pets/{pet_id}',
  request: {
    path: { parameters: [] },
    query: { parameters: [] },
    headers: { parameters: [] },
    cookies: { parameters: [] },
  },
  responses: {},
  security: [],
  errors: {},
  idempotent: false,
};

interface Pet {
  readonly name: string;
}
interface Request {
  readonly path: { readonly pet_id: string };
}
type Response =
  | { readonly status: 200; readonly contentType?: 'application/json'; readonly body: { readonly data: Pet } }
  | {
      readonly status: 201;
      readonly contentType?: 'application/json';
      readonly body: Pet;
      readonly headers: { readonly Location: string };
    }
  | { readonly status: 202; readonly contentType: 'application/json'; readonly body: Pet }
  | { readonly status: 202; readonly contentType: 'application/yaml'; readonly body: string }
  | { readonly status: 204; readonly headers?: { readonly ETag?: string } }
  | { readonly status: 400 | 401; readonly body: { readonly error: string } };

const GetPet = defineOperation<Request, Response>(descriptor);
const pet = { name: 'Rex' };

describe('respond', () => {
  test('builds a response with its status, body and headers', () => {
    expect(GetPet.respond(200, { data: pet })).toMatchObject({ status: 200, body: { data: pet } });
    expect(GetPet.respond(201, pet, { Location: '/pets/1' })).toMatchObject({ headers: { Location: '/pets/1' } });
    expect(GetPet.respond(204)).toMatchObject({ status: 204 });
    expect(GetPet.respond(204, undefined, { ETag: '"1"' })).toMatchObject({ headers: { ETag: '"1"' } });
    expect(GetPet.respond(401, { error: 'no' })).toMatchObject({ status: 401 });
    expect(GetPet.respondAs(202, 'application/yaml', 'name: Rex')).toMatchObject({ contentType: 'application/yaml' });
  });

  test('does not compile with what the contract does not declare', () => {
    // @ts-expect-error status
    GetPet.respond(404, { data: pet });
    // @ts-expect-error body
    GetPet.respond(200, { data: { name: 1 } });
    // @ts-expect-error body is missing
    GetPet.respond(200);
    // @ts-expect-error the required header is missing
    GetPet.respond(201, pet);
    // @ts-expect-error header
    GetPet.respond(201, pet, { Locatio: '/pets/1' });
    // @ts-expect-error a status of several media types needs one
    GetPet.respond(202, pet);
    // @ts-expect-error media type
    GetPet.respondAs(202, 'text/html', pet);
    // @ts-expect-error body of the other media type
    GetPet.respondAs(202, 'application/yaml', pet);
    // @ts-expect-error body of another status
    GetPet.respond(204, pet);
    expect(GetPet.descriptor).toBe(descriptor);
  });

  test('whenCommitted takes any response of the operation', () => {
    const response: Response = GetPet.respond(204).whenCommitted(async () => GetPet.respond(200, { data: pet }));
    expect(response.status).toBe(204);
    // @ts-expect-error not a response of the operation
    GetPet.respond(204).whenCommitted(async () => ({ status: 500 }));
  });
});

describe('the decorator', () => {
  test('leaves a method that can be called directly', async () => {
    class Pets {
      @GetPet()
      async getPet({ path }: Request, suffix?: string): Promise<Response> {
        return GetPet.respond(200, { data: { name: path.pet_id + (suffix ?? '') } });
      }
    }
    expect(await new Pets().getPet({ path: { pet_id: 'rex' } }, '!')).toMatchObject({
      body: { data: { name: 'rex!' } },
    });
  });

  test('does not compile on a method of another type', () => {
    class Pets {
      // @ts-expect-error the request has no such parameter
      @GetPet()
      async other({ path }: { path: { owner_id: string } }): Promise<Response> {
        return GetPet.respond(200, { data: { name: path.owner_id } });
      }
      // @ts-expect-error the contract has no such status
      @GetPet()
      async teapot(): Promise<{ status: 418 }> {
        return { status: 418 };
      }
      // @ts-expect-error the contract has no such body
      @GetPet()
      async body(request: Request): Promise<{ status: 200; body: string }> {
        return { status: 200, body: request.path.pet_id };
      }
      @GetPet()
      async narrower(request: Request): Promise<{ status: 204 }> {
        return request && { status: 204 };
      }
    }
    expect(Object.getOwnPropertyNames(Pets.prototype)).toContain('narrower');
  });

  test('refuses a method that is bound to two operations', () => {
    const GetOther = defineOperation<Request, Response>({ ...descriptor, id: 'getOther' });
    expect(() => {
      class Pets {
        @GetOther()
        @GetPet()
        async getPet(request: Request): Promise<Response> {
          return request && GetPet.respond(204);
        }
      }
      return Pets;
    }).toThrow('Pets.getPet is bound to getPet and to getOther');
  });
});
