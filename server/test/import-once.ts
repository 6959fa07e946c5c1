declare global {
  var importOnce: (url: string) => Promise<unknown>;
}

/**
 * The module as Node loads it, once for each worker of jest instead of once for each test file: for what is large and is
 * asked over HTTP. Its classes are others than those that the test file imports itself, and `instanceof` tells them apart.
 */
export async function importOnce<Module>(url: URL): Promise<Module> {
  return (await globalThis.importOnce(url.href)) as Module;
}
