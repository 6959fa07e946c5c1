/** Where the process is in its life; injected by this class. Readiness is refused before `ready` and from `draining` on. */
export class Lifecycle {
  private current: 'starting' | 'ready' | 'draining' = 'starting';
  readonly startedAt = new Date();

  get state(): 'starting' | 'ready' | 'draining' {
    return this.current;
  }

  ready(): void {
    this.current = 'ready';
  }

  draining(): void {
    this.current = 'draining';
  }
}
