import type { AnswerProblem } from '../domain/form/check-answers.ts';
import type { FormField } from '../domain/form/form-field.ts';
import type { Form } from '../domain/form/form.entity.ts';
import { type Html, type HtmlValue, markup } from './html.ts';
import { page } from './page-frame.ts';
import type { PageAnswers } from './page-answers.ts';

/** Names of what the page sends besides answers; no field can have them, for names of fields begin with a letter. */
export const ticketName = '_ticket';
/** People do not see this input; programs that fill in whatever they find give themselves away. */
export const trapName = '_website';

/** How a form is shown. */
export interface FormView {
  readonly ticket: string;
  /** What was sent before, to be corrected. */
  readonly answers?: PageAnswers;
  readonly problems?: readonly AnswerProblem[];
  /** Something to say about the whole form. */
  readonly notice?: string;
}

/** The page of a form: works without script, is read in order by screen readers, and lists what is wrong at the top and at each field. */
export function formPage(form: Form, { ticket, answers, problems = [], notice }: FormView): string {
  const failed = problems.length > 0 || notice !== undefined;
  const content = markup`<h1>${form.title}</h1>
    ${form.description && markup`<p class="intro">${form.description}</p>`} ${failed && summary(form, problems, notice)}
    <form method="post" action="/f/${form.slug}" novalidate>
      ${form.fields.map((field) =>
        fieldOf(
          field,
          answers,
          problems.find(({ field: name }) => name === field.name),
        ),
      )}
      <div class="unseen" aria-hidden="true">
        <label for="${trapName}">Leave this empty</label>
        <input id="${trapName}" name="${trapName}" type="text" tabindex="-1" autocomplete="off" />
      </div>
      <input type="hidden" name="${ticketName}" value="${ticket}" />
      <button type="submit">${form.words().submitLabel}</button>
    </form>`;
  return page(failed ? `Error: ${form.title}` : form.title, content);
}

function summary({ fields }: Form, problems: readonly AnswerProblem[], notice: string | undefined): Html {
  const labelOf = (name: string): string => fields.find((field) => field.name === name)?.label ?? name;
  const title =
    notice ??
    (problems.length === 1 ? 'One answer needs your attention' : `${problems.length} answers need your attention`);
  return markup`<div class="summary" role="alert" tabindex="-1" autofocus>
    <h2>${title}</h2>
    ${
      problems.length > 0 &&
      markup`<ul>
        ${problems.map(({ field, message }) => markup`<li><a href="#${field}">${labelOf(field)}: ${message}</a></li>`)}
      </ul>`
    }
  </div>`;
}

interface FieldParts {
  readonly field: FormField;
  readonly given: readonly string[];
  /** The help and the problem, in markup. */
  readonly help: HtmlValue;
  readonly problem: HtmlValue;
  /** Attributes that tie an input to its help and problem. */
  readonly state: HtmlValue;
}

function fieldOf(field: FormField, answers: PageAnswers | undefined, wrong: AnswerProblem | undefined): Html {
  const { name } = field;
  const described = [field.help && `${name}.help`, wrong && `${name}.problem`].filter((id) => id).join(' ');
  const parts: FieldParts = {
    field,
    given: answers?.[name] ?? [],
    help: field.help && markup`<p class="help" id="${name}.help">${field.help}</p>`,
    problem: wrong && markup`<p class="problem" id="${name}.problem">${wrong.message}</p>`,
    state: [
      described !== '' && markup` aria-describedby="${described}"`,
      wrong && markup` aria-invalid="true"`,
      field.required && markup` required`,
    ],
  };
  const look = wrong ? ' wrong' : '';
  if (field.type === 'multiselect') return choices(parts, look, described);
  if (field.type === 'checkbox') return markup`<div class="field single${look}">${box(parts)}</div>`;
  return markup`<div class="field${look}">
    <label for="${name}">${field.label}</label>${optional(field)} ${parts.help} ${parts.problem} ${control(parts)}
  </div>`;
}

function optional({ required }: FormField): HtmlValue {
  return !required && markup`<span class="optional">optional</span>`;
}

function choices({ field, given, help, problem }: FieldParts, look: string, described: string): Html {
  const { name, label, options = [] } = field;
  return markup`<fieldset class="field choices${look}" ${described !== '' && markup` aria-describedby="${described}"`}>
    <legend>${label}${optional(field)}</legend>
    ${help} ${problem}
    ${options.map(
      ({ value, label: text }, index) =>
        markup`<label class="choice"
          ><input
            type="checkbox"
            name="${name}"
            value="${value}"
            ${index === 0 && markup` id="${name}"`}${given.includes(value) && markup` checked`}
          />
          <span>${text}</span></label
        >`,
    )}
  </fieldset>`;
}

function box({ field, given, help, problem, state }: FieldParts): Html {
  const { name, label } = field;
  return markup`<label class="choice"
      ><input
        type="checkbox"
        id="${name}"
        name="${name}"
        value="true"
        ${state}${given.includes('true') && markup` checked`}
      />
      <span>${label}${optional(field)}</span></label
    >
    ${help} ${problem}`;
}

function control({ field, given: [given = ''], state }: FieldParts): Html {
  const { name, type, placeholder, options = [] } = field;
  const hint = placeholder !== undefined && markup` placeholder="${placeholder}"`;
  if (type === 'textarea')
    // The newline after the tag is not part of the text (WHATWG HTML section 13.2.6.4.7).
    return markup`<textarea id="${name}" name="${name}" rows="5" ${state}${hint}>${'\n'}${given}</textarea>`;
  if (type === 'select') {
    return markup`<select id="${name}" name="${name}" ${state}>
      <option value="">${placeholder ?? 'Choose…'}</option>
      ${options.map(({ value, label }) => markup`<option value="${value}" ${value === given && markup` selected`}>${label}</option>`)}
    </select>`;
  }
  return markup`<input id="${name}" name="${name}" value="${given}" ${inputKind(field)}${state}${hint} />`;
}

/** Numbers are asked for as text: a browser sends nothing at all for what it takes for no number, and the input would be lost. */
function inputKind({ type, integer, min_date: first, max_date: last }: FormField): HtmlValue {
  switch (type) {
    case 'email':
      return markup` type="email" autocomplete="email" autocapitalize="none" spellcheck="false"`;
    case 'url':
      return markup` type="url" autocomplete="url" autocapitalize="none" spellcheck="false"`;
    case 'phone':
      return markup` type="tel" autocomplete="tel"`;
    case 'number':
      return integer ? markup` type="text" inputmode="numeric"` : markup` type="text" inputmode="decimal"`;
    case 'date':
      return markup` type="date"${first && markup` min="${first}"`}${last && markup` max="${last}"`}`;
    default:
      return markup` type="text"`;
  }
}
