import { nest } from './nest/index.ts';
import type { Target } from './target.ts';

/** Every target that a configuration can name. */
export const targets: ReadonlyMap<string, Target> = new Map([nest].map((target) => [target.name, target]));
