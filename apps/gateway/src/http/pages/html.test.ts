import { expect, test } from '@jest/globals';
import { html } from './html.ts';

test('escapes values in text and in attributes', () => {
  const hostile = `<script>"&'`;
  expect(html`<p title="${hostile}">${hostile}</p>`.toString()).toBe(
    '<p title="&lt;script&gt;&quot;&amp;&#39;">&lt;script&gt;&quot;&amp;&#39;</p>',
  );
});

test('inserts its own markup unescaped, lists included, and null as nothing', () => {
  const items = ['a', '<b>'].map((item) => html`<li>${item}</li>`);
  expect(html`<p>${items}${null}${1}</p>`.toString()).toBe('<p><li>a</li><li>&lt;b&gt;</li>1</p>');
});

test('rejects a missing value with a clear error', () => {
  const missing = undefined as unknown as string;
  expect(() => html`<p>${missing}</p>`).toThrow('A value of undefined cannot be put into a page.');
});
