/** What every server of the benchmark holds: the same work behind different frameworks. */

export interface NewItem {
  readonly name: string;
  readonly description?: string;
  readonly price: number;
  readonly quantity: number;
  readonly status: 'active' | 'archived';
  readonly tags: string[];
  readonly dimensions: { readonly width: number; readonly height: number; readonly depth: number };
  readonly contact: string;
}

/** As a table would have it: with a column that no response may show. */
export interface StoredItem extends NewItem {
  readonly id: string;
  readonly created_at: string;
  readonly cost_price: number;
}

export const newItem: NewItem = {
  name: 'Walnut desk',
  description: 'A desk of oiled walnut with two drawers, delivered in parts.',
  price: 749.9,
  quantity: 12,
  status: 'active',
  tags: ['furniture', 'office', 'walnut'],
  dimensions: { width: 160, height: 74.5, depth: 80 },
  contact: 'sales@example.com',
};

const items: readonly StoredItem[] = Array.from({ length: 200 }, (_, index) => store(newItem, index));

function store(item: NewItem, index: number): StoredItem {
  return {
    ...item,
    id: `item_${index}`,
    created_at: new Date(1_760_000_000_000 + index).toISOString(),
    cost_price: 300,
  };
}

let created = items.length;

export function createItem(item: NewItem): StoredItem {
  created += 1;
  return store(item, created);
}

export function listItems(page: number, perPage: number, status?: string): { data: StoredItem[]; total: number } {
  const found = status === undefined ? items : items.filter((item) => item.status === status);
  return { data: found.slice((page - 1) * perPage, page * perPage), total: found.length };
}
