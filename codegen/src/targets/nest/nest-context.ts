import { conjuncts } from '../../forms/form.ts';
import { usedForms } from '../../forms/used-forms.ts';
import type { Contract, Schema } from '../../ir/index.ts';
import type { Plan } from '../../plan/plan.ts';
import { type TypePrinter, typePrinter } from '../../print/typescript-types.ts';
import type { TargetInput } from '../target.ts';
import { Projections } from './projections.ts';
import { Validators } from './validators.ts';

/** What the printers of this target share. */
export interface NestContext {
  readonly contract: Contract;
  readonly plan: Plan;
  readonly config: TargetInput['config'];
  readonly types: TypePrinter;
  readonly validators: Readonly<Record<'request' | 'upload' | 'response', Validators>>;
  readonly projections: Projections;
  /** Top-level response properties that a handler may leave out. */
  readonly optional: ReadonlySet<string>;
  isSuppliedHeader(name: string): boolean;
}

export async function nestContext({ contract, plan, config }: TargetInput): Promise<NestContext> {
  const optional = new Set(config.suppliedProperties);
  const supplied = new Set(config.suppliedHeaders.map((name) => name.toLowerCase()));
  const response = new Validators(contract, plan, 'response');
  return {
    contract,
    plan,
    config,
    types: await typePrinter(contract, plan, bodyRoots(contract), optional),
    validators: {
      request: new Validators(contract, plan, 'request'),
      upload: new Validators(contract, plan, 'upload'),
      response,
    },
    projections: new Projections(contract, plan, response),
    optional,
    isSuppliedHeader: (name) => supplied.has(name.toLowerCase()),
  };
}

/** Pointers of the named schemas that describe a whole response body, alone or as a part of it. */
function bodyRoots(contract: Contract): ReadonlySet<string> {
  const used = usedForms(contract);
  const roots = new Set<string>();
  const visit = (schema: Schema): void => {
    for (const part of conjuncts(contract, schema)) {
      if (part.ref !== undefined && !roots.has(part.ref) && used.get(part.ref)?.has('response')) {
        roots.add(part.ref);
        visit(contract.schemas.get(part.ref)!.schema);
      }
      for (const branch of [...part.oneOf, ...part.anyOf]) visit(branch);
    }
  };
  for (const operation of contract.operations) {
    for (const media of operation.responses.flatMap((answer) => answer.content)) if (media.schema) visit(media.schema);
  }
  return roots;
}

/** The supplied properties that a body schema declares at its top level. */
export function suppliedBy(context: NestContext, schema: Schema): readonly string[] {
  const declared = conjuncts(context.contract, schema).flatMap((part) =>
    part.properties.map((property) => property.name),
  );
  return [...context.optional].filter((name) => declared.includes(name));
}
