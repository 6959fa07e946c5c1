import { expect, test } from '@jest/globals';
import { contractOf } from '../../../test/contract-of.ts';
import { makePlan } from '../../plan/make-plan.ts';
import { Validators } from './validators.ts';

test('a schema may be called like a function of the module', () => {
  const contract = contractOf({ paths: {}, components: { schemas: { Report: { type: 'string' } } } });
  const validators = new Validators(contract, makePlan(contract), 'response');
  const report = contract.schemas.get('/components/schemas/Report')!;
  const name = validators.use({ ...report.schema, ref: report.pointer, json: { $ref: '' } }, 'body');
  expect(name).toBe('report2');
  expect(validators.print()).toContain('export const report2 = ');
});

test('equal schemas share a function under all their names', () => {
  const text = { type: 'string', maxLength: 3 };
  const contract = contractOf({ paths: {}, components: { schemas: { A: text, B: text } } });
  const validators = new Validators(contract, makePlan(contract), 'request');
  const [a, b] = [...contract.schemas.values()].map(({ name, schema }) => validators.use(schema, name.toLowerCase()));
  const found = [...validators.print().matchAll(/^export const (\w+) = (\w+);$/gm)];
  expect(found.map(([, name]) => name)).toEqual([a, b]);
  expect(new Set(found.map(([, , validate]) => validate)).size).toBe(1);
  expect(validators.printTypes('./runtime.ts')).toContain(`export declare const ${b}: Validator;`);
});
