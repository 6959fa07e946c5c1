import { AsyncLocalStorage } from 'node:async_hooks';

/** One piece of work of an organisation: a request, a step of an execution, a delivery. */
export interface OrganisationWork {
  readonly organisationId: string;
  /** Database connections that the work holds now. */
  connections: number;
}

const storage = new AsyncLocalStorage<OrganisationWork | undefined>();

/** Runs `work`, and all that it begins, as one piece of work of the organisation: what it takes of shared resources is the organisation's. */
export function inOrganisation<T>(organisationId: string, work: () => T): T {
  return storage.run({ organisationId, connections: 0 }, work);
}

/** Runs `work` as the platform's own: for what is done for several organisations at once. */
export function outsideOrganisations<T>(work: () => T): T {
  return storage.run(undefined, work);
}

/** The work that is under way here; undefined for the platform's own. */
export function currentWork(): OrganisationWork | undefined {
  return storage.getStore();
}

/** The organisation whose work is under way here; the empty text for the platform's own. */
export function currentOrganisation(): string {
  return storage.getStore()?.organisationId ?? '';
}
