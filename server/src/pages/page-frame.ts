import { Html, markup } from './html.ts';
import { style } from './page-style.ts';

/** What differs between pages beside their content. */
export interface PageFrame {
  /** Says one thing in the middle, and is not to be found by search engines. */
  readonly noted?: boolean;
  readonly footer?: string;
  /** Runs when the page is read; the policy of the page has to name it. */
  readonly script?: string;
}

/** A whole document around the content of `main`. */
export function page(title: string, content: Html, frame: PageFrame = {}): string {
  const { noted = false, footer = 'Form by Flowpact', script } = frame;
  const document = markup`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <title>${title}</title>
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        ${noted && markup`<meta name="robots" content="noindex" />`}
        <style>${Html.trusted(style)}</style>
      </head>
      <body>
        <main${noted && markup` class="note"`}>${content}</main>
        <footer>${footer}</footer>
        ${script !== undefined && markup`<script>${Html.trusted(script)}</script>`}
      </body>
    </html>`;
  return document.text;
}

const tick = markup`<svg
  viewBox="0 0 24 24"
  fill="none"
  stroke="currentColor"
  stroke-width="2.5"
  stroke-linecap="round"
  stroke-linejoin="round"
>
  <path d="M4.5 12.5l5 5 10-11" />
</svg>`;
const dash = markup`<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2.5" stroke-linecap="round">
  <path d="M6 12h12" />
</svg>`;

/** A page that says one thing: that it worked, or why it did not. */
export function notePage(title: string, message: string | null, good: boolean, footer?: string): string {
  const sign = markup`<div class="sign${good ? '' : ' closed'}" aria-hidden="true">${good ? tick : dash}</div>`;
  const content = markup`${sign}
    <h1>${title}</h1>
    ${message !== null && markup`<p class="intro">${message}</p>`}`;
  return page(title, content, { noted: true, ...(footer !== undefined && { footer }) });
}
