/** One complaint of Prism, from the `sl-violations` header. */
export interface PrismViolation {
  location: string[];
  severity: string;
  message: string;
  code?: string | number;
}

/** Prism's complaints about an exchange; throws when the header was cut, since then complaints are lost. */
export function prismViolations(headers: Headers): PrismViolation[] {
  const value = headers.get('sl-violations');
  if (value === null) return [];
  try {
    return JSON.parse(value) as PrismViolation[];
  } catch {
    throw new Error(`Prism reported more violations than fit into a header: ${value.slice(0, 400)}`);
  }
}
