import { loadDocument } from '../load/load-document.ts';
import { Problems, formatProblem } from '../problems.ts';
import { type Lowered, lowerDocument } from './lower-document.ts';

export { lowerDocument, type Lowered } from './lower-document.ts';
export type { Loss } from './losses.ts';
export { openObjects } from './open-objects.ts';

/**
 * Loads, bundles and lowers a document, with one line `file:line:column loss code: message` for each loss, in the order
 * of the document. Throws a `GeneratorError` when the document cannot be loaded.
 */
export async function lowerFile(
  file: string,
  directory: string,
): Promise<Lowered & { readonly report: readonly string[] }> {
  const problems = new Problems();
  const loaded = await loadDocument(file, directory, problems);
  problems.throwIfAny();
  const lowered = lowerDocument(loaded.document);
  const report = lowered.losses.map(({ code, message, pointer }) =>
    formatProblem({ code, message, location: loaded.locate(pointer) }).replace(' error ', ' loss '),
  );
  return { ...lowered, report: [...new Set(report)] };
}
