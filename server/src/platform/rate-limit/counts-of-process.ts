import type { RateLimitUsage } from './rate-limit-headers.ts';
import type { RateLimitPolicy } from './rate-limit-policy.ts';

const minute = 60_000;
/** Subjects that are counted in one minute at most; what comes after them is refused. */
const maxSubjects = 100_000;

interface Count {
  all: number;
  readonly classes: Map<string, number>;
}

/**
 * Counts requests in the memory of this process, while the database takes no writes: the limits of a minute hold for each
 * process by itself, and those of a day stand still.
 */
export class CountsOfProcess {
  #minute = 0;
  #counts = new Map<string, Count>();

  count(
    subject: string,
    rateLimitClass: string,
    policy: RateLimitPolicy,
    now = Date.now(),
  ): RateLimitUsage & { readonly allowed: boolean } {
    this.#begin(Math.floor(now / minute));
    const count = this.#counts.get(subject) ?? { all: 0, classes: new Map<string, number>() };
    const ofClass = count.classes.get(rateLimitClass) ?? 0;
    const perMinute = Math.min(policy.perMinute, policy.key?.limits.perMinute ?? policy.perMinute);
    const isKnown = this.#counts.has(subject) || this.#counts.size < maxSubjects;
    const allowed = isKnown && count.all < perMinute && ofClass < policy.perMinuteInClass;
    if (allowed) {
      count.all += 1;
      count.classes.set(rateLimitClass, ofClass + 1);
      this.#counts.set(subject, count);
    }
    const minuteEnd = (this.#minute + 1) * minute;
    const left = Math.max(1, Math.ceil((minuteEnd - now) / 1_000));
    return {
      allowed,
      minuteCount: count.all,
      classCount: count.classes.get(rateLimitClass) ?? 0,
      dayCount: 0,
      keyMinuteCount: count.all,
      keyDayCount: 0,
      minuteEnd: minuteEnd / 1_000,
      minuteLeft: left,
      dayLeft: left,
    };
  }

  #begin(minuteOf: number): void {
    if (minuteOf === this.#minute) return;
    this.#minute = minuteOf;
    this.#counts = new Map();
  }
}
