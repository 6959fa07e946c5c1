const first = Date.parse('0001-01-01T00:00:00.000Z');
const last = Date.parse('9999-12-31T23:59:59.999Z');

/** Whether PostgreSQL and RFC 3339 can write the moment, in milliseconds since 1970: its year is 1 to 9999 in UTC. False for NaN. */
export function isWritable(time: number): boolean {
  return time >= first && time <= last;
}
