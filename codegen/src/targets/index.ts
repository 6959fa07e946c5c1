import { asyncapi } from './asyncapi/index.ts';
import { nest } from './nest/index.ts';
import type { Target } from './target.ts';
import { typescriptSdk } from './typescript-sdk/index.ts';

/** Every target that a configuration can name. */
export const targets: ReadonlyMap<string, Target> = new Map(
  [nest, typescriptSdk, asyncapi].map((target) => [target.name, target]),
);
