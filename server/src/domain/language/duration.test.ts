import { expect, test } from '@jest/globals';
import { parseDuration } from './duration.ts';

test.each<[text: string, want: number | undefined]>([
  ['250ms', 250],
  ['30s', 30_000],
  ['1.5s', 1_500],
  ['5m', 300_000],
  ['2h', 7_200_000],
  ['3d', 259_200_000],
  ['1w', 604_800_000],
  ['1h30m', 5_400_000],
  ['0s', 0],
  ['PT30S', 30_000],
  ['PT0.25S', 250],
  ['P1DT2H3M4S', 93_784_000],
  ['P1W', 604_800_000],
  ['366d', 31_622_400_000],
  ['367d', undefined],
  ['', undefined],
  ['30', undefined],
  ['s', undefined],
  ['-5s', undefined],
  ['5 s', undefined],
  ['1y', undefined],
  ['P', undefined],
  ['PT', undefined],
  ['P1DT', undefined],
  ['P1Y', undefined],
  ['1e9s', undefined],
  [`${'9'.repeat(60)}s`, undefined],
])('%s is %s ms', (text, want) => {
  expect(parseDuration(text)).toBe(want);
});
