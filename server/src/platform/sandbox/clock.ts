let now = 0;

/** The clock of this thread. QuickJS asks the thread's `Date` for the time and the time zone, so both are fixed there. */
export const clock = {
  set(milliseconds: number): void {
    now = milliseconds;
  },

  /** Makes this thread's `Date` stand still, in UTC. For the sandbox's own thread only. */
  install(): void {
    Date.now = () => now;
    // oxlint-disable-next-line no-extend-native -- QuickJS reads its time zone from here
    Date.prototype.getTimezoneOffset = () => 0;
  },
};
