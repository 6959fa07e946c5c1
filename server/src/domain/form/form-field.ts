/** What a field asks for. */
export const fieldTypes = [
  'text',
  'textarea',
  'email',
  'url',
  'phone',
  'number',
  'date',
  'select',
  'multiselect',
  'checkbox',
] as const;
/** One of `fieldTypes`. */
export type FieldType = (typeof fieldTypes)[number];

/** One choice of a `select` or `multiselect`. */
export interface FieldOption {
  readonly value: string;
  readonly label: string;
}

/** A question of a form. Which limits it may have depends on its type: see `limitsOf`. */
export interface FormField {
  readonly name: string;
  readonly type: FieldType;
  readonly label: string;
  readonly help?: string;
  readonly placeholder?: string;
  readonly required?: boolean;
  /** Characters of the answer, after trimming. */
  readonly min_length?: number;
  readonly max_length?: number;
  /** The source of a regular expression, Unicode mode, that the whole answer must match. */
  readonly pattern?: string;
  readonly pattern_message?: string;
  readonly min?: number;
  readonly max?: number;
  readonly integer?: boolean;
  /** `2026-11-22`. */
  readonly min_date?: string;
  readonly max_date?: string;
  readonly options?: readonly FieldOption[];
  readonly min_items?: number;
  readonly max_items?: number;
}

const textLimits = ['placeholder', 'min_length', 'max_length', 'pattern', 'pattern_message'] as const;

const limits: Readonly<Record<FieldType, readonly (keyof FormField)[]>> = {
  text: textLimits,
  textarea: textLimits,
  email: textLimits,
  url: textLimits,
  phone: textLimits,
  number: ['placeholder', 'min', 'max', 'integer'],
  date: ['min_date', 'max_date'],
  select: ['placeholder', 'options'],
  multiselect: ['options', 'min_items', 'max_items'],
  checkbox: [],
};

const always: readonly (keyof FormField)[] = ['name', 'type', 'label', 'help', 'required'];

/** The properties that a field of this type may have besides name, type, label, help and required. */
export function limitsOf(type: FieldType): readonly (keyof FormField)[] {
  return limits[type];
}

/** Whether a property says nothing about fields of this type. */
export function isForeignTo(type: FieldType, property: string): boolean {
  return ![...always, ...limits[type]].includes(property as keyof FormField);
}

/** Most characters of an answer to a field that sets no limit of its own. */
export function longest({ type, max_length: own }: FormField): number {
  const longestOfType: Partial<Record<FieldType, number>> = { textarea: 10_000, email: 254, url: 2_048, phone: 40 };
  const most = longestOfType[type] ?? 1_000;
  return own ?? most;
}
