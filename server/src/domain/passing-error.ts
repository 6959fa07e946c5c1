/** SQLSTATE classes of lost connections, resource shortage, shutdown and lost races; an error without one never reached the server. */
export function isPassing(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  return typeof code !== 'string' || !/^[0-9A-Z]{5}$/.test(code) || /^(08|40|53|55|57|58)/.test(code);
}
