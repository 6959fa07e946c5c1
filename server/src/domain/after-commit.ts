import type { EventSubscriber, TransactionEventArgs } from '@mikro-orm/core';

type Work = () => void;

/**
 * Keeps work until the transaction it belongs to has really ended: the release of a savepoint hands it to the
 * transaction around, a rollback at either level forgets it.
 */
export class AfterCommit implements EventSubscriber {
  readonly #work = new WeakMap<object, { commit: Work[]; rollback: Work[] }>();
  readonly #parents = new WeakMap<object, object>();
  readonly #opening = new WeakMap<object, object>();

  /** Runs `commit` once `transaction` has committed, or `rollback` when it has not, or nobody can tell. */
  add(transaction: object, commit: Work, rollback: Work): void {
    const work = this.#work.get(transaction) ?? { commit: [], rollback: [] };
    work.commit.push(commit);
    work.rollback.push(rollback);
    this.#work.set(transaction, work);
  }

  beforeTransactionStart({ em, transaction }: TransactionEventArgs): void {
    if (transaction) this.#opening.set(em, transaction);
    else this.#opening.delete(em);
  }

  afterTransactionStart({ em, transaction }: TransactionEventArgs): void {
    const parent = this.#opening.get(em);
    if (parent && transaction) this.#parents.set(transaction, parent);
    this.#opening.delete(em);
  }

  afterTransactionCommit({ transaction }: TransactionEventArgs): void {
    const work = this.#take(transaction);
    if (!work) return;
    const parent = transaction?.savepointName ? this.#parents.get(transaction) : undefined;
    if (!parent) return work.commit.forEach((run) => run());
    work.commit.forEach((commit, index) => this.add(parent, commit, work.rollback[index]!));
  }

  /** Before rather than after: where the connection is lost there is no after, and whether it was committed is not known. */
  beforeTransactionRollback({ transaction }: TransactionEventArgs): void {
    this.#take(transaction)?.rollback.forEach((run) => run());
  }

  #take(transaction: object | undefined): { commit: Work[]; rollback: Work[] } | undefined {
    if (!transaction) return undefined;
    const work = this.#work.get(transaction);
    this.#work.delete(transaction);
    return work;
  }
}
