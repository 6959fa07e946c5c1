/** Items of several organisations. The next one is of the organisation that was served longest ago; its own keep their order. */
export class Turns<Item> {
  /** Only organisations that have items; the one whose turn it is comes first. */
  readonly #waiting = new Map<string, Set<Item>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Organisations that have items. */
  get organisations(): number {
    return this.#waiting.size;
  }

  sizeOf(organisationId: string): number {
    return this.#waiting.get(organisationId)?.size ?? 0;
  }

  /** The next item of each organisation. */
  *heads(): Generator<Item> {
    for (const items of this.#waiting.values()) yield firstOf(items);
  }

  push(organisationId: string, item: Item): void {
    const items = this.#waiting.get(organisationId);
    if (items) items.add(item);
    else this.#waiting.set(organisationId, new Set([item]));
    this.#size += 1;
  }

  /** What `take` would take. */
  peek(mayTake?: (organisationId: string) => boolean): Item | undefined {
    for (const [organisationId, items] of this.#waiting) if (!mayTake || mayTake(organisationId)) return firstOf(items);
    return undefined;
  }

  /** The next item of those that may have a turn. */
  take(mayTake?: (organisationId: string) => boolean): Item | undefined {
    for (const [organisationId, items] of this.#waiting) {
      if (mayTake && !mayTake(organisationId)) continue;
      const item = firstOf(items);
      items.delete(item);
      this.#size -= 1;
      this.#waiting.delete(organisationId);
      if (items.size > 0) this.#waiting.set(organisationId, items);
      return item;
    }
    return undefined;
  }

  /** Up to so many items, one of each organisation in turn. */
  takeMany(count: number): Item[] {
    const taken: Item[] = [];
    while (taken.length < count && this.#size > 0) taken.push(this.take()!);
    return taken;
  }

  /** Takes out an item that nobody waits for any more. */
  remove(organisationId: string, item: Item): void {
    const items = this.#waiting.get(organisationId);
    if (!items?.delete(item)) return;
    this.#size -= 1;
    if (items.size === 0) this.#waiting.delete(organisationId);
  }
}

/** The items in turns by organisation: the first of each, then the second of each, and so on. */
export function* inTurns<Item>(items: Iterable<Item>, organisationOf: (item: Item) => string): Generator<Item> {
  const turns = new Turns<Item>();
  for (const item of items) turns.push(organisationOf(item), item);
  for (let item = turns.take(); item !== undefined; item = turns.take()) yield item;
}

function firstOf<Item>(items: Set<Item>): Item {
  return items.values().next().value as Item;
}
