/** From the bill of everything in the lock, which `npm sbom` gives, the one of what one package needs at run time. */

interface Component {
  'bom-ref': string;
  name: string;
}

/** What is looked at of CycloneDX 1.5. */
export interface Bill {
  metadata: { component: Component };
  components: Component[];
  dependencies: { ref: string; dependsOn: string[] }[];
}

interface Lock {
  packages: Record<string, { version?: string; dev?: boolean; link?: boolean }>;
}

/**
 * With the packages of all systems, without those that only development needs. `npm sbom --omit dev` is not taken: it leaves
 * out each package that anything names among its development dependencies, also where others need it at run time.
 */
export function billOfMaterials(everything: Bill, lock: Lock, reference: string): Bill {
  const { metadata, components, dependencies } = everything;
  const all = new Map([metadata.component, ...components].map((component) => [component['bom-ref'], component]));
  const subject = all.get(reference);
  if (!subject) throw new Error(`npm sbom does not know ${reference}.`);
  const edges = new Map(dependencies.map(({ ref, dependsOn }) => [ref, dependsOn]));
  const atRunTime = referencesAtRunTime(lock, all);
  const needed = new Set([reference]);
  // A set is gone through with what is added to it meanwhile.
  for (const each of needed) for (const next of edges.get(each) ?? []) if (atRunTime.has(next)) needed.add(next);
  return {
    ...everything,
    metadata: { ...metadata, component: named(subject) },
    components: components.filter(({ 'bom-ref': ref }) => ref !== reference && needed.has(ref)).map(named),
    dependencies: dependencies
      .filter(({ ref }) => needed.has(ref))
      .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((next) => needed.has(next)) })),
  };
}

function referencesAtRunTime(lock: Lock, all: ReadonlyMap<string, Component>): Set<string> {
  const inLock = Object.entries(lock.packages)
    .filter(([path, { dev, link }]) => path.includes('node_modules/') && !dev && !link)
    .map(([path, { version }]) => `${path.split('node_modules/').at(-1)}@${version}`);
  const ours = [...all.keys()].filter((reference) => reference.startsWith('@flowpact/'));
  return new Set([...inLock, ...ours]);
}

/** npm calls packages of this repository by their folders. */
function named(component: Component): Component {
  return { ...component, name: component['bom-ref'].replace(/@[^@]*$/, '') };
}
