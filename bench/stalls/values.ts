/** A kind of value, as JSON text of a given length. */
export interface LargeValue {
  readonly name: string;
  /** As many bytes of JSON as fit into `bytes` of what a node may make, in which each value counts 16 besides its text. */
  readonly text: (bytes: number) => string;
}

/** Items until the bytes are used up, each with as many values in it. */
function itemsOf(item: (index: number) => string, values: number, bytes: number): string {
  const items: string[] = [];
  for (let left = bytes - 64; ;) {
    const text = item(items.length);
    left -= text.length + 16 * values;
    if (left < 0) return items.join(',');
    items.push(text);
  }
}

const row = (id: number): string =>
  JSON.stringify({ id, name: `Person ${id}`, email: `p${id}@example.com`, tags: ['a', 'b'], amount: id / 7 });

/** Names that one object may have. */
const maxNames = 20_000;
/** An object with as many, all of them others than those of the one before. */
function widest(item: number): string {
  return `{${Array.from({ length: maxNames }, (_, index) => `"k${item * maxNames + index}":${index + 1e6}`).join(',')}}`;
}

/** What a workflow may hold that is slow in one way or the other. */
export const largeValues: readonly LargeValue[] = [
  { name: 'one text', text: (bytes) => JSON.stringify('x'.repeat(bytes - 64)) },
  { name: 'escapes', text: (bytes) => JSON.stringify('\n"é'.repeat((bytes - 64) / 5)) },
  { name: 'rows', text: (bytes) => `[${itemsOf(row, 8, bytes)}]` },
  { name: 'empty objects', text: (bytes) => `[${itemsOf(() => '{}', 1, bytes)}]` },
  { name: 'numbers', text: (bytes) => `[${itemsOf((index) => String(index * 1.5), 1, bytes)}]` },
  { name: 'names', text: (bytes) => `[${itemsOf(widest, 2 * maxNames, bytes)}]` },
];

/** The value of a kind that a node may make of `bytes`, and whose JSON has at most `maxLength` bytes. */
export function textOf({ text }: LargeValue, bytes: number, maxLength: number): string {
  for (let given = bytes; ; given = Math.floor(given * 0.95)) {
    const json = text(given);
    if (Buffer.byteLength(json) <= maxLength) return json;
  }
}
