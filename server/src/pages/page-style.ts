import { createHash } from 'node:crypto';

/** The look of all pages: system fonts, light and dark by the reader's choice, 44 px targets, text of 16 px so that phones do not zoom. */
export const style = `
:root {
  color-scheme: light dark;
  --page: #f4f5fb; --glow: #e4e7ff; --card: #ffffff; --line: #d9dce8; --field: #ffffff; --field-line: #868ca3;
  --text: #1a1d2b; --soft: #565c73; --accent: #4338ca; --accent-strong: #3730a3; --on-accent: #ffffff;
  --ring: #6366f1; --wrong: #b42318; --wrong-soft: #fef3f2; --wrong-line: #f3c1bb; --good: #067647; --good-soft: #e3f8ee;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0e1018; --glow: #1c1f3d; --card: #171a26; --line: #2b3042; --field: #10131d; --field-line: #737a94;
    --text: #eef0f8; --soft: #a9afc6; --accent: #a5b0ff; --accent-strong: #c3cbff; --on-accent: #11143a;
    --ring: #818cf8; --wrong: #ff9a8f; --wrong-soft: #2c1616; --wrong-line: #6d2f2a; --good: #6fe0a8; --good-soft: #10291d;
  }
}
*, *::before, *::after { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0; min-height: 100vh; min-height: 100dvh; padding: clamp(0px, 6vw, 64px) clamp(0px, 4vw, 24px);
  display: flex; flex-direction: column; align-items: center; gap: 20px;
  background: radial-gradient(60rem 30rem at 50% -10rem, var(--glow), transparent) no-repeat, var(--page);
  color: var(--text); font: 400 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
main {
  width: 100%; max-width: 40rem; padding: clamp(24px, 6vw, 48px); background: var(--card);
  border: 1px solid var(--line); border-radius: 20px;
  box-shadow: 0 1px 2px rgb(16 19 41 / .05), 0 18px 48px -20px rgb(16 19 41 / .22);
}
h1 { margin: 0; font-size: clamp(1.6rem, 1.3rem + 1.6vw, 2.1rem); line-height: 1.2; letter-spacing: -.02em; text-wrap: balance; overflow-wrap: anywhere; }
.intro { margin: 12px 0 0; color: var(--soft); font-size: 1.0625rem; white-space: pre-line; overflow-wrap: anywhere; }
form { margin: 32px 0 0; display: grid; gap: 26px; }
.field { margin: 0; padding: 0; border: 0; min-width: 0; }
label, legend { padding: 0; font-weight: 600; overflow-wrap: anywhere; }
.optional { margin-left: 6px; font-weight: 400; font-size: .875rem; color: var(--soft); }
.help { margin: 2px 0 0; color: var(--soft); font-size: .9375rem; white-space: pre-line; overflow-wrap: anywhere; }
input:not([type=checkbox]), select, textarea {
  display: block; width: 100%; min-height: 48px; margin: 8px 0 0; padding: 11px 14px; border: 1px solid var(--field-line); border-radius: 10px;
  background-color: var(--field); color: inherit; font: inherit;
}
select {
  appearance: none; padding-right: 44px; background-repeat: no-repeat; background-size: 7px 7px;
  background-image: linear-gradient(45deg, transparent 50%, var(--soft) 50%), linear-gradient(-45deg, transparent 50%, var(--soft) 50%);
  background-position: calc(100% - 23px) 52%, calc(100% - 16px) 52%;
}
textarea { min-height: 8.5rem; resize: vertical; field-sizing: content; max-height: 32rem; }
input[type=date] { max-width: 14rem; }
input[inputmode=decimal], input[inputmode=numeric] { max-width: 14rem; font-variant-numeric: tabular-nums; }
::placeholder { color: var(--soft); opacity: .85; }
input:focus-visible, select:focus-visible, textarea:focus-visible { outline: 3px solid var(--ring); outline-offset: 1px; border-color: transparent; }
a:focus-visible, button:focus-visible { outline: 3px solid var(--ring); outline-offset: 3px; }
.choice { display: flex; align-items: flex-start; gap: 12px; min-height: 44px; padding: 10px 0; font-weight: 400; cursor: pointer; }
.choices .choice { margin: 8px 0 0; padding: 11px 14px; border: 1px solid var(--line); border-radius: 10px; }
.choices .choice:has(:checked) { border-color: var(--accent); box-shadow: inset 0 0 0 1px var(--accent); }
.choices .choice:hover { border-color: var(--field-line); }
input[type=checkbox] { flex: none; width: 22px; height: 22px; margin: 1px 0 0; accent-color: var(--accent); }
.single .choice { padding: 0; min-height: 0; font-weight: 600; }
.wrong { padding-left: 16px; border-left: 3px solid var(--wrong); }
.wrong input:not([type=checkbox]), .wrong select, .wrong textarea { border-color: var(--wrong); }
.problem { margin: 6px 0 0; color: var(--wrong); font-weight: 600; font-size: .9375rem; }
.summary { margin: 28px 0 0; padding: 18px 20px; border: 1px solid var(--wrong-line); border-radius: 12px; background: var(--wrong-soft); }
.summary:focus-visible { outline: 2px solid var(--wrong); outline-offset: -1px; border-color: transparent; }
.summary h2 { margin: 0; font-size: 1.0625rem; line-height: 1.4; }
.summary ul { margin: 8px 0 0; padding: 0; list-style: none; display: grid; gap: 6px; }
.summary a { color: var(--wrong); font-weight: 500; text-underline-offset: 3px; }
button {
  min-height: 50px; padding: 12px 28px; border: 0; border-radius: 12px; background: var(--accent); color: var(--on-accent);
  font: inherit; font-weight: 650; cursor: pointer; justify-self: start;
}
button:hover { background: var(--accent-strong); }
.unseen { position: absolute !important; left: -9999px !important; width: 1px; height: 1px; overflow: hidden; }
.note { text-align: center; padding-block: clamp(40px, 10vw, 72px); }
body:has(.note) { justify-content: center; }
.note .intro { max-width: 30rem; margin-inline: auto; text-wrap: balance; }
.sign { width: 64px; height: 64px; margin: 0 auto 20px; border-radius: 50%; display: grid; place-items: center; background: var(--good-soft); color: var(--good); }
.sign.closed { background: var(--page); color: var(--soft); }
.sign svg { width: 30px; height: 30px; }
footer { color: var(--soft); font-size: .8125rem; padding: 0 24px 24px; }
@media (max-width: 540px) {
  main { border-width: 0 0 1px; border-radius: 0; box-shadow: none; }
  body { background: var(--card); padding: 0; }
  button { justify-self: stretch; }
}
@media (forced-colors: active) { button { border: 1px solid; } }
`;

/**
 * What browsers may do with a page: apply its own style, run its own script if it has one, which are named by their hashes,
 * and send its form back here. There is no image, no frame and nothing from elsewhere (Content Security Policy Level 3).
 */
export function contentSecurityPolicy(script?: string): string {
  return [
    "default-src 'none'",
    `style-src '${hashOf(style)}'`,
    ...(script === undefined ? [] : [`script-src '${hashOf(script)}'`]),
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; ');
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
