const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** A number of bytes for people, such as `1.5 GiB`: rounded down, so that what is not yet full does not look so. */
export function inWords(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = Math.floor((bytes / 1024 ** power) * 100) / 100;
  return `${value} ${units[power]}`;
}
