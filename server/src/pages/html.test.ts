import { expect, test } from '@jest/globals';
import { Html, type HtmlValue, markup } from './html.ts';

test.each<[string, HtmlValue, string]>([
  ['text', '<b> & "c" \'d\'', '&lt;b&gt; &amp; &quot;c&quot; &#39;d&#39;'],
  ['a number', 0, '0'],
  ['nothing', undefined, ''],
  ['null', null, ''],
  ['false', false, ''],
  ['markup', markup`<i>${'<'}</i>`, '<i>&lt;</i>'],
  ['a list', ['<', markup`<br>`], '&lt;<br>'],
  ['trusted text', Html.trusted('<hr>'), '<hr>'],
])('%s', (_what, value, want) => {
  expect(markup`${value}`.text).toBe(want);
});
