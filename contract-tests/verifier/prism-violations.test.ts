import { expect, test } from '@jest/globals';
import { prismViolations } from './prism-violations.ts';

const violation = { location: ['response', 'body'], severity: 'Error', message: 'must be string', code: 'type' };

test('an answer without the header broke nothing', () => {
  expect(prismViolations(new Headers())).toEqual([]);
});

test('every complaint of the header is told', () => {
  const given = [violation, { ...violation, message: 'must be number' }];
  expect(prismViolations(new Headers({ 'sl-violations': JSON.stringify(given) }))).toEqual(given);
});

test('a header that was cut fails, since complaints are lost', () => {
  const cut = `[${`${JSON.stringify(violation)},`.repeat(20)}{"loc`;
  const read = (): unknown => prismViolations(new Headers({ 'sl-violations': cut }));
  expect(read).toThrow(`Prism reported more violations than fit into a header: ${cut.slice(0, 400)}`);
  expect(read).not.toThrow(cut.slice(0, 401));
});
