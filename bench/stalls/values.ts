/** A kind of value, as JSON text of a given length. */
export interface LargeValue {
  readonly name: string;
  /** As many bytes of JSON as fit into `bytes` of what a node may make, in which each value counts 16 besides its text. */
  readonly text: (bytes: number) => string;
}

function list(item: (index: number) => unknown, values: number): (bytes: number) => string {
  return (bytes) => {
    const items: string[] = [];
    for (let left = bytes - 64; ; ) {
      const text = JSON.stringify(item(items.length));
      left -= text.length + 16 * values;
      if (left < 0) return `[${items.join(',')}]`;
      items.push(text);
    }
  };
}

/** What a workflow may hold that is slow in one way or the other. */
export const largeValues: readonly LargeValue[] = [
  { name: 'one text', text: (bytes) => JSON.stringify('x'.repeat(bytes - 64)) },
  { name: 'escapes', text: (bytes) => JSON.stringify('\n"é'.repeat((bytes - 64) / 5)) },
  {
    name: 'rows',
    text: list((id) => ({ id, name: `Person ${id}`, email: `p${id}@example.com`, tags: ['a', 'b'], amount: id / 7 }), 8),
  },
  { name: 'empty objects', text: list(() => ({}), 1) },
  { name: 'numbers', text: list((id) => id * 1.5, 1) },
  {
    name: 'names',
    text: (bytes) => `{${list((id) => id + 1e6, 2)(bytes).slice(1, -1).split(',').map((id) => `"k${id}":${id}`).join(',')}}`,
  },
];
