const unitMilliseconds: Record<string, number> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** ISO 8601 section 5.5.2.4 without years and months, whose length depends on the calendar. */
const iso8601 = /^P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d{1,3})?)S)?)?$/;
const people = /^(?:\d+(?:\.\d+)?(?:ms|[smhdw]))+$/;
const part = /(\d+(?:\.\d+)?)(ms|[smhdw])/g;

/** The longest span a duration may name; longer waits are schedules. */
const longestDuration = 366 * unitMilliseconds.d!;

/** Milliseconds of `250ms`, `30s`, `5m`, `1h30m`, `3d`, `1w` or `PT30S`; `undefined` when it is not a duration of at most 366 days. */
export function parseDuration(text: string): number | undefined {
  if (text.length > 64) return undefined;
  const milliseconds = people.test(text) ? fromParts(text) : fromIso8601(text);
  if (milliseconds === undefined || !Number.isFinite(milliseconds) || milliseconds > longestDuration) return undefined;
  return Math.round(milliseconds);
}

function fromParts(text: string): number {
  let milliseconds = 0;
  for (const [, amount, unit] of text.matchAll(part)) milliseconds += Number(amount) * unitMilliseconds[unit!]!;
  return milliseconds;
}

function fromIso8601(text: string): number | undefined {
  const match = iso8601.exec(text);
  if (!match || text === 'P' || text.endsWith('T')) return undefined;
  const [weeks, days, hours, minutes, seconds] = match.slice(1).map((amount) => Number(amount ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
  ];
  return (
    weeks * unitMilliseconds.w! +
    days * unitMilliseconds.d! +
    hours * unitMilliseconds.h! +
    minutes * unitMilliseconds.m! +
    seconds * unitMilliseconds.s!
  );
}
