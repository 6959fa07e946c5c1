import { expect, test } from '@jest/globals';
import { goTables, idempotent, type LoweredDocument, pythonTables } from './sdk-contract.ts';

const key = { name: 'Idempotency-Key', in: 'header' };
const ref = (name: string): object => ({ $ref: `#/components/schemas/${name}` });

const document: LoweredDocument = {
  tags: [{ name: 'pet-shops', description: 'Where pets are sold.\nAnd bought.' }, { name: 'kv' }],
  paths: {
    '/pets': { get: {}, post: { parameters: [{ $ref: '#/components/parameters/Key' }] } },
    '/pets/{id}/feed': { post: { parameters: [key] }, put: { parameters: [{ name: 'If-Match', in: 'header' }] } },
  },
  components: {
    parameters: { Key: key },
    schemas: {
      Pet: { oneOf: [ref('HouseCat'), ref('Dog')], discriminator: { propertyName: 'kind' } },
      Any: { oneOf: [ref('HouseCat'), ref('Dog')] },
      HouseCat: {},
      Dog: {},
    },
  },
};

test('operations that take the idempotency header are found, through references too', () => {
  expect(idempotent(document)).toEqual([
    { method: 'POST', path: '/pets' },
    { method: 'POST', path: '/pets/{id}/feed' },
  ]);
});

test('Python gets the operations and a name for each union that has a discriminator', () => {
  const contract = pythonTables(document)['flowpact/contract.py']!;
  expect(contract).toContain('("POST", "/pets/{id}/feed"),');
  expect(contract).toContain('from flowpact.models.house_cat import HouseCat');
  expect(contract).toContain('PetVariant = Union[\n    HouseCat,\n    Dog,\n]');
  expect(contract).not.toContain('AnyVariant');
});

test('Python gets a property for each tag', () => {
  const resources = pythonTables(document)['flowpact/resources.py']!;
  expect(resources).toContain(`
    @cached_property
    def pet_shops(self) -> PetShopsApi:
        """Where pets are sold."""
        return PetShopsApi(self)
`);
  expect(resources).toContain('from flowpact.api.kv_api import KvApi');
});

test('Go gets the wire names and the events that end a stream', () => {
  const contract = goTables(document)['contract.go']!;
  expect(contract).toContain('\tidempotencyHeader = "Idempotency-Key"\n\trequestIDHeader   = "X-Request-Id"\n');
  expect(contract).toMatch(/\t"streamExecutionEvents": \{"execution:completed", .*\},\n/);
});
