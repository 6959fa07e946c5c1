/** Markup that is safe to be sent: every value in it was escaped, or is markup itself. */
export class Html {
  readonly text: string;

  private constructor(text: string) {
    this.text = text;
  }

  /** Takes text as markup; only for text that is written in this source. */
  static trusted(text: string): Html {
    return new Html(text);
  }

  static of(strings: TemplateStringsArray, values: readonly HtmlValue[]): Html {
    return new Html(strings.reduce((text, part, index) => text + toText(values[index - 1]) + part));
  }
}

/** What may stand in markup; `false`, `null` and `undefined` write nothing. */
export type HtmlValue = string | number | false | null | undefined | Html | readonly HtmlValue[];

/** A template whose values are escaped, for text and for attributes between quotation marks. */
export function markup(strings: TemplateStringsArray, ...values: HtmlValue[]): Html {
  return Html.of(strings, values);
}

function toText(value: HtmlValue): string {
  if (value === undefined || value === null || value === false) return '';
  if (value instanceof Html) return value.text;
  if (typeof value === 'object') return value.map(toText).join('');
  return escaped(String(value));
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => entities[character]!);
}
