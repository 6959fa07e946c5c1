/** A moment as the contract writes it: RFC 3339 in UTC, with milliseconds; null when there is none. */
export function toTime(time: Date | null | undefined): string | null {
  return time?.toISOString() ?? null;
}

/** A moment of a request; what is null or absent stays so. */
export function fromTime<Absent extends null | undefined>(time: string | Absent): Date | Absent {
  return typeof time === 'string' ? new Date(time) : time;
}
