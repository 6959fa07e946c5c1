import { expect, test } from '@jest/globals';
import { BatchPace } from './batch-pace.ts';

test('calls are cut to what takes 10 ms while organisations share them, and grow again', () => {
  const pace = new BatchPace(() => true);
  pace.took(1, 40);
  expect(pace.share).toBe(0.25);
  pace.took(0.25, 20);
  expect(pace.share).toBe(0.125);
  pace.took(0.125, 10);
  expect(pace.share).toBeCloseTo(0.1375);
  for (let calls = 0; calls < 50; calls += 1) pace.took(pace.share, 1);
  expect(pace.share).toBe(1);
});

test('however slow calls are, a 64th of their size is left', () => {
  const pace = new BatchPace(() => true);
  for (let calls = 0; calls < 10; calls += 1) pace.took(0.001, 5_000);
  expect(pace.share).toBe(1 / 64);
});

test('an organisation alone has the full size, and what its calls take says nothing', () => {
  let isShared = false;
  const pace = new BatchPace(() => isShared);
  pace.took(1, 5_000);
  isShared = true;
  expect(pace.share).toBe(1);
  pace.took(1, 100);
  expect(pace.share).toBe(0.1);
  isShared = false;
  expect(pace.share).toBe(1);
});
