import { describe, expect, test } from '@jest/globals';
import { isTimezone, Timetable, timingFaults, toLocal } from './timetable.ts';
import type { Timing } from './trigger-config.ts';

const timing = (given: Partial<Timing>): Timing => ({
  cron: null,
  interval: null,
  timezone: 'UTC',
  startsAt: null,
  endsAt: null,
  ...given,
});

const upcoming = (given: Partial<Timing>, from: string, count: number, anchor = from): string[] =>
  new Timetable(timing(given), new Date(anchor)).upcoming(count, new Date(from)).map((time) => time.toISOString());

describe('cron', () => {
  test.each<[why: string, cron: string, timezone: string, from: string, want: string[]]>([
    ['five fields', '0 9 * * MON-FRI', 'Europe/Berlin', '2026-01-02T09:00:00Z', ['2026-01-05T08:00:00.000Z']],
    ['six fields', '*/20 * * * * *', 'UTC', '2026-01-01T00:00:00.500Z', ['2026-01-01T00:00:20.000Z']],
    ['a nickname', '@daily', 'Asia/Tokyo', '2026-01-01T00:00:00Z', ['2026-01-01T15:00:00.000Z']],
    ['the last day of a month', '0 0 L * *', 'UTC', '2028-02-01T00:00:00Z', ['2028-02-29T00:00:00.000Z']],
    [
      'a local time that a change to summer time leaves out comes at the first moment after it',
      '30 2 * * *',
      'Europe/Berlin',
      '2026-03-28T00:00:00Z',
      ['2026-03-28T01:30:00.000Z', '2026-03-29T01:00:00.000Z', '2026-03-30T00:30:00.000Z'],
    ],
    [
      'a list of fixed times, too',
      '30 2,14 * * *',
      'America/New_York',
      '2026-03-08T00:00:00Z',
      ['2026-03-08T07:00:00.000Z', '2026-03-08T18:30:00.000Z', '2026-03-09T06:30:00.000Z'],
    ],
    [
      'a local time that comes twice runs once',
      '30 2 * * *',
      'Europe/Berlin',
      '2026-10-24T12:00:00Z',
      ['2026-10-25T00:30:00.000Z', '2026-10-26T01:30:00.000Z'],
    ],
    [
      'steps go by the time that passes where an hour comes twice',
      '*/30 * * * *',
      'Europe/Berlin',
      '2026-10-25T00:15:00Z',
      ['2026-10-25T00:30:00.000Z', '2026-10-25T01:00:00.000Z', '2026-10-25T01:30:00.000Z', '2026-10-25T02:00:00.000Z'],
    ],
    [
      'and where an hour is left out',
      '*/30 * * * *',
      'Europe/Berlin',
      '2026-03-29T00:15:00Z',
      ['2026-03-29T00:30:00.000Z', '2026-03-29T01:00:00.000Z'],
    ],
    [
      'a change of half an hour',
      '15 2 * * *',
      'Australia/Lord_Howe',
      '2026-10-03T00:00:00Z',
      ['2026-10-03T15:30:00.000Z', '2026-10-04T15:15:00.000Z'],
    ],
  ])('%s', (_why, cron, timezone, from, want) => {
    expect(upcoming({ cron, timezone }, from, want.length)).toEqual(want);
  });
});

describe('interval', () => {
  test('is counted from when the schedule was made', () => {
    expect(upcoming({ interval: '15m' }, '2026-01-01T10:20:00Z', 2, '2026-01-01T10:07:30Z')).toEqual([
      '2026-01-01T10:22:30.000Z',
      '2026-01-01T10:37:30.000Z',
    ]);
  });

  test('or from its start, which is the first time', () => {
    const startsAt = '2026-01-02T00:00:00.000Z';
    expect(upcoming({ interval: 'PT6H', startsAt }, '2026-01-01T10:20:00Z', 2)).toEqual([
      startsAt,
      '2026-01-02T06:00:00.000Z',
    ]);
  });
});

test('no time before the start nor from the end on', () => {
  const given = { cron: '0 * * * *', startsAt: '2026-01-01T10:00:00.000Z', endsAt: '2026-01-01T12:00:00.000Z' };
  expect(upcoming(given, '2026-01-01T00:00:00Z', 9)).toEqual(['2026-01-01T10:00:00.000Z', '2026-01-01T11:00:00.000Z']);
});

test.each([{ cron: '0 * * * *' }, { interval: '1h' }])('the last time within a span (%j)', (given) => {
  const table = new Timetable(timing(given), new Date('2026-01-01T00:00:00Z'));
  const last = (from: string, until: string): string | undefined =>
    table.lastWithin(new Date(from), new Date(until))?.toISOString();
  expect(last('2026-01-01T01:30:00Z', '2026-01-01T04:59:59Z')).toBe('2026-01-01T04:00:00.000Z');
  expect(last('2026-01-01T01:30:00Z', '2026-01-01T04:00:00Z')).toBe('2026-01-01T04:00:00.000Z');
  expect(last('2026-01-01T04:00:00Z', '2026-01-01T04:59:59Z')).toBeUndefined();
});

describe('faults', () => {
  const fields = (given: Partial<Timing>): string[] => timingFaults(timing(given), 'config.').map(({ field }) => field);

  test.each<[given: Partial<Timing>, want: string[]]>([
    [{ cron: '* * * * *' }, []],
    [{}, ['config.cron']],
    [{ cron: '* * * * *', interval: '1m' }, ['config.interval']],
    [{ cron: '* * * * *', interval: 'often' }, ['config.interval']],
    [{ cron: 'soon' }, ['config.cron']],
    [{ cron: '61 * * * *' }, ['config.cron']],
    [{ cron: '? * * * *' }, ['config.cron']],
    [{ cron: '0 0 0 1 1 * 2030' }, ['config.cron']],
    [{ cron: '2030-05-05T00:00:00' }, ['config.cron']],
    [{ cron: '@reboot' }, ['config.cron']],
    [{ cron: '0 0 30 2 *' }, ['config.cron']],
    [{ interval: '999ms' }, ['config.interval']],
    [{ interval: 'often' }, ['config.interval']],
    [{ cron: '* * * * *', timezone: 'Mars/Olympus' }, ['config.timezone']],
    [{ cron: '* * * * *', timezone: '+02:00' }, ['config.timezone']],
    [{ cron: 'x', timezone: 'y' }, ['config.cron', 'config.timezone']],
    [
      { cron: '* * * * *', startsAt: '2030-01-02T00:00:00.000Z', endsAt: '2030-01-01T00:00:00.000Z' },
      ['config.ends_at'],
    ],
    [{ interval: '1m', endsAt: '2020-01-01T00:00:00.000Z' }, ['config.ends_at']],
  ])('%j', (given, want) => {
    expect(fields(given)).toEqual(want);
  });
});

test.each([
  ['2026-03-29T01:00:00Z', 'Europe/Berlin', '2026-03-29T03:00:00+02:00'],
  ['2026-01-01T00:00:00Z', 'America/St_Johns', '2025-12-31T20:30:00-03:30'],
  ['2026-01-01T00:00:00Z', 'UTC', '2026-01-01T00:00:00+00:00'],
])('%s in %s reads %s', (moment, zone, want) => {
  expect(toLocal(new Date(moment), zone)).toBe(want);
});

test('zones are those of the IANA database', () => {
  expect(['UTC', 'Europe/Berlin', 'Etc/GMT+3', '+02:00', '', 'Berlin'].map(isTimezone)).toEqual([
    true,
    true,
    true,
    false,
    false,
    false,
  ]);
});
