import { alertIn, boxUserIdIn, formsIn, headingIn, refreshIn } from './page.ts';

describe('reading a page', () => {
  it('finds the heading as text', () => {
    expect(headingIn('<h1 class="a">Hello <b>Zo&euml;</b>\n O&#39;Brien &amp; &#x110;</h1>')).toBe(
      "Hello Zo&euml; O'Brien & Đ",
    );
    expect(headingIn('<p>nothing</p>')).toBe('');
  });

  it('finds the Box user id and the alert', () => {
    expect(boxUserIdIn('<dd data-box-user-id="123456">123456</dd>')).toBe('123456');
    expect(boxUserIdIn('<dd data-box-user-id="">none</dd>')).toBeUndefined();
    expect(alertIn('<p class="error" role="alert">Unable to <i>sign in</i></p>')).toBe('Unable to sign in');
    expect(alertIn('<p>fine</p>')).toBeUndefined();
  });

  it.each([
    ['<meta http-equiv="refresh" content="1">', { seconds: 1, url: '' }],
    [
      '<meta http-equiv="refresh" content="2;url=/sign-in/abc?x=1&amp;y=2">',
      { seconds: 2, url: '/sign-in/abc?x=1&y=2' },
    ],
    ["<META content='0; URL=/next' HTTP-EQUIV='Refresh'>", { seconds: 0, url: '/next' }],
    ['<meta charset="utf-8">', undefined],
  ])('finds the refresh of %s', (html, refresh) => {
    expect(refreshIn(html)).toEqual(refresh);
  });

  it('finds forms with the fields that they send', () => {
    const html = `<form method="post" action="/logout"><input type="hidden" name="_csrf" value="a&amp;b">
      <button>Sign out</button></form><form><input name="username"><input type="password" name="password"></form>`;
    expect(formsIn(html)).toEqual([
      { action: '/logout', method: 'POST', hidden: { _csrf: 'a&b' }, names: ['_csrf'] },
      { action: '', method: 'GET', hidden: {}, names: ['username', 'password'] },
    ]);
  });
});
