import { expect, test } from '@jest/globals';

import { repeatedHeader } from './repeated-headers.ts';

test.each([
  [['Host', 'a', 'Accept', 'x', 'Accept', 'y'], undefined],
  [['Host', 'a', 'X-Forwarded-For', '1', 'X-Forwarded-For', '2'], undefined],
  [['Host', 'a', 'host', 'b'], 'host'],
  [['Host', 'a', 'Host', 'a'], 'Host'],
  [['Host', 'a', 'Authorization', 'x', 'Accept', 'y', 'authorization', 'z'], 'authorization'],
  [['Content-Type', 'a', 'Content-Type', 'b'], 'Content-Type'],
])('%j repeats %s', (raw, field) => {
  const failure = repeatedHeader(raw);
  expect(failure?.kind).toBe(field === undefined ? undefined : 'validation');
  if (field !== undefined)
    expect(failure?.details).toEqual({ errors: [{ field, message: 'is there more than once', location: 'header' }] });
});
