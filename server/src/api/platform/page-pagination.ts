import type * as contract from '#generated/platform/index.ts';

/** `pagination` of a list in pages. */
export function toPagePagination(page: number, perPage: number, total: number): contract.PagePagination {
  const pages = Math.ceil(total / perPage);
  return {
    page,
    per_page: perPage,
    total_count: total,
    total_pages: pages,
    has_next: page < pages,
    has_prev: page > 1,
  };
}
