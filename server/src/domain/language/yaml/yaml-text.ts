import { asTemplate } from '../evaluator.ts';
import { canonical, type Expression, splitTemplate, wholeExpression, yamlForm } from '../template.ts';

/** A string of the YAML form, where expressions may be written `${ }`, in the canonical form. Text that does not parse stays. */
export function fromYamlText(text: string): string {
  const { parts, faults } = splitTemplate(text, yamlForm);
  return faults.length > 0 ? text : rewritten(parts, canonicalParts);
}

/** The opposite of `fromYamlText`. */
export function toYamlText(text: string): string {
  const { parts, faults } = splitTemplate(text, canonical);
  return faults.length > 0 ? text : rewritten(parts, yamlParts);
}

/** A condition: `${ }` around all of it is taken for braces; a bare expression stays, because `${ }` is JavaScript there. */
export function fromYamlCondition(text: string): string {
  const template = splitTemplate(text, yamlForm);
  const whole = template.faults.length === 0 ? wholeExpression(template) : undefined;
  return whole ? `{{${whole.source}}}` : text;
}

/** The opposite of `fromYamlCondition`. */
export function toYamlCondition(text: string): string {
  const template = splitTemplate(text, canonical);
  const whole = template.faults.length === 0 && asTemplate(text) === text ? wholeExpression(template) : undefined;
  return whole ? `\${${whole.source}}` : text;
}

interface Writer {
  text(literal: string): string;
  expression(source: string): string;
}

const canonicalParts: Writer = {
  text: (literal) => literal.replaceAll('{{', '\\{{'),
  expression: (source) => `{{${source}}}`,
};

const yamlParts: Writer = {
  text: (literal) => literal.replaceAll(/\{\{|\$\{/g, '\\$&'),
  expression: (source) => `\${${source}}`,
};

function rewritten(parts: readonly (string | Expression)[], writer: Writer): string {
  return parts.map((part) => (typeof part === 'string' ? writer.text(part) : writer.expression(part.source))).join('');
}
