import { expect, test } from '@jest/globals';
import { contractOf } from '../../test/contract-of.ts';
import { makePlan } from './make-plan.ts';

const answer = { responses: { '204': { description: '' } } };

test('names of operations come from the operationId, else from method and path', () => {
  const plan = makePlan(
    contractOf({
      paths: {
        '/pets': { get: { operationId: 'listPets', ...answer }, post: { operationId: 'create pet', ...answer } },
        '/pets/{pet_id}/toys': {
          parameters: [{ name: 'pet_id', in: 'path', schema: {} }],
          get: answer,
          delete: { operationId: 'delete', ...answer },
        },
      },
    }),
  );
  expect(plan.operations.map(({ name, typeName }) => [name, typeName])).toEqual([
    ['listPets', 'ListPets'],
    ['createPet', 'CreatePet'],
    ['getPetsByPetIdToys', 'GetPetsByPetIdToys'],
    ['delete_', 'Delete_'],
  ]);
});

test('schemas keep their names; operations and controllers give way', () => {
  const plan = makePlan(
    contractOf({
      paths: { '/pets': { get: { operationId: 'pet', tags: ['pets'], ...answer } } },
      components: { schemas: { Pet: {}, pet: {}, PetsController: {}, 'pet-toy': {}, pet_toy: {}, Promise: {} } },
    }),
  );
  expect([...plan.schemas.values()].map((schema) => schema.typeName)).toEqual([
    'Pet',
    'Pet2',
    'PetsController',
    'PetToy',
    'pet_toy',
    'Promise2',
  ]);
  expect(plan.operations.map((operation) => operation.typeName)).toEqual(['PetOperation']);
  expect(plan.tags.map((tag) => tag.controllerName)).toEqual(['PetsController2']);
});

test('untagged operations share the tag default; only tags with operations are planned', () => {
  const plan = makePlan(
    contractOf({
      tags: [{ name: 'unused' }, { name: 'Work flows' }],
      paths: { '/a': { get: { tags: ['Work flows', 'other'], ...answer } }, '/b': { get: answer } },
    }),
  );
  expect(plan.tags.map(({ tag, fileName, propertyName }) => [tag.name, fileName, propertyName])).toEqual([
    ['Work flows', 'work-flows', 'workFlows'],
    ['default', 'default', 'default_'],
  ]);
});

test('a request form gets a name of its own only where it differs', () => {
  const body = (name: string) => ({
    content: { 'application/json': { schema: { $ref: `#/components/schemas/${name}` } } },
  });
  const both = (name: string) => ({
    post: { requestBody: body(name), responses: { '200': { description: '', ...body(name) } } },
  });
  const plan = makePlan(
    contractOf({
      paths: {
        '/same': both('Same'),
        '/user': both('User'),
        '/holder': both('Holder'),
        '/only': { post: { requestBody: body('Only'), ...answer } },
      },
      components: {
        schemas: {
          Same: { type: 'object', properties: { a: { type: 'string' } } },
          User: { type: 'object', properties: { id: { type: 'string', readOnly: true } } },
          Holder: { type: 'array', items: { $ref: '#/components/schemas/User' } },
          Only: { type: 'object', properties: { limit: { type: 'integer', default: 1 } } },
        },
      },
    }),
  );
  expect([...plan.schemas.values()].map(({ formTypeNames }) => Object.fromEntries(formTypeNames))).toEqual([
    { response: 'Same', request: 'Same' },
    { response: 'User', request: 'UserInput' },
    { response: 'Holder', request: 'HolderInput' },
    { request: 'Only' },
  ]);
});
