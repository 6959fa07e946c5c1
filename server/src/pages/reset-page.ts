import { maxPasswordLength, minPasswordLength } from '../domain/user/password-length.ts';
import { type Html, type HtmlValue, markup } from './html.ts';
import { page } from './page-frame.ts';

export const resetFooter = 'Flowpact';

/** Names of the fields. */
export type ResetField = 'token' | 'password';

/** How the page is shown. */
export interface ResetView {
  /** The code that was sent before, while nothing is known to be wrong with it. */
  readonly token?: string;
  readonly problems?: Readonly<Partial<Record<ResetField, string>>>;
}

/**
 * Takes the code out of the link, where no server has seen it, and out of the address bar and the history. Without it the
 * code is typed or pasted.
 */
export const resetScript = `
const code = location.hash.slice(1);
const field = document.getElementById('token');
if (code !== '' && field !== null) {
  field.value = code;
  field.closest('.field').hidden = true;
  history.replaceState(null, '', location.pathname);
  document.getElementById('password').focus();
}
`;

/** The page on which a person sets a new password; works without script, for who pastes the code from the mail. */
export function resetPage({ token, problems = {} }: ResetView = {}): string {
  const failed = Object.keys(problems).length > 0;
  const title = 'Set a new password';
  const content = markup`<h1>${title}</h1>
    <p class="intro">Everybody who is signed in to the account will be signed out.</p>
    ${failed && summary(problems)}
    <form method="post" action="/reset-password" novalidate>
      ${
        token === undefined
          ? field('token', { label: 'Code from the mail', problem: problems.token, input: tokenInput })
          : markup`<input type="hidden" name="token" value="${token}" />`
      }
      ${field('password', {
        label: 'New password',
        help: `At least ${minPasswordLength} characters of any kind.`,
        problem: problems.password,
        input: passwordInput,
      })}
      <button type="submit">${title}</button>
    </form>`;
  return page(failed ? `Error: ${title}` : title, content, { footer: resetFooter, script: resetScript });
}

const tokenInput = markup` type="text" autocomplete="off" autocapitalize="none" spellcheck="false"`;
const passwordInput = markup` type="password" autocomplete="new-password" minlength="${minPasswordLength}" maxlength="${maxPasswordLength}"`;

function summary(problems: NonNullable<ResetView['problems']>): Html {
  return markup`<div class="summary" role="alert" tabindex="-1" autofocus>
    <h2>The password was not set</h2>
    <ul>
      ${Object.entries(problems).map(([name, message]) => markup`<li><a href="#${name}">${message}</a></li>`)}
    </ul>
  </div>`;
}

interface FieldParts {
  readonly label: string;
  readonly help?: string;
  readonly problem: string | undefined;
  /** Attributes of the input. */
  readonly input: Html;
}

function field(name: ResetField, { label, help, problem, input }: FieldParts): Html {
  const described = [help && `${name}.help`, problem && `${name}.problem`].filter((id) => id).join(' ');
  const state: HtmlValue = [
    described !== '' && markup` aria-describedby="${described}"`,
    problem !== undefined && markup` aria-invalid="true"`,
  ];
  return markup`<div class="field${problem === undefined ? '' : ' wrong'}">
    <label for="${name}">${label}</label> ${help && markup`<p class="help" id="${name}.help">${help}</p>`}
    ${problem && markup`<p class="problem" id="${name}.problem">${problem}</p>`}
    <input id="${name}" name="${name}" required ${input}${state} />
  </div>`;
}
