import { stored } from '../resources.ts';
import type { TagRequests } from './tag-requests.ts';

export const kv: TagRequests = {
  async good(harness) {
    const path = { key: await stored(harness, 1) };
    return {
      listKvEntries: {},
      getKvEntry: { path },
      setKvEntry: { path: { key: 'matrix' }, json: { value: 1 } },
      appendToKvEntry: { path: { key: 'matrix_list' }, json: { item: 1 } },
      deleteKvEntry: { path },
    };
  },
  // Every organisation has every key; a place that is somebody else's is tested with the tag.
  shared: ['setKvEntry', 'appendToKvEntry'],
  writes: ['kv_entry'],
  idempotent: {
    appendToKvEntry: async (harness) => ({
      first: { path: { key: await stored(harness, []) }, json: { item: 1 } },
      other: { item: 2 },
    }),
  },
  around: {
    setKvEntry: async (harness) => ({ path: { key: await stored(harness, 1) } }),
    appendToKvEntry: async (harness) => ({ path: { key: await stored(harness, []) } }),
  },
};
