const STYLE = `
  :root { color-scheme: light; font-family: system-ui, sans-serif; color: #1d1d21; background: #f4f4f6; }
  body { margin: 0; min-height: 100vh; display: grid; place-items: center; }
  main { box-sizing: border-box; width: min(24rem, 100vw); padding: 2rem; background: #fff; border: 1px solid #d7d7dc;
    border-radius: .5rem; }
  h1 { font-size: 1.4rem; margin: 0 0 1.25rem; }
  .twin { margin: 0 0 1rem; padding: .5rem .75rem; background: #fff6d8; border: 1px solid #e4cf86; border-radius: .25rem;
    font-size: .85rem; }
  .error { padding: .6rem .75rem; background: #fdecec; border: 1px solid #b3261e; border-radius: .25rem; color: #8c1d18; }
  label { display: block; margin: 1rem 0 .3rem; font-weight: 600; }
  input { box-sizing: border-box; width: 100%; padding: .6rem; font: inherit; border: 1px solid #6b6b74;
    border-radius: .25rem; }
  button { width: 100%; margin-top: 1.5rem; padding: .7rem; font: inherit; font-weight: 600; color: #fff;
    background: #1662dd; border: 0; border-radius: .25rem; cursor: pointer; }
  :focus-visible { outline: 3px solid #7db0ff; outline-offset: 2px; }
`;

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ESCAPES[character] ?? character);
}

function page(title: string, content: string): string {
  return `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>${escape(title)}</title>
  <style>${STYLE}</style>
</head>
<body>
<main>
  <p class="twin">This is a stand-in for Okta, with made-up people. Do not type a real password.</p>
  ${content}
</main>
</body>
</html>
`;
}

/** The sign-in form; it posts to its own address and needs no JavaScript. `failed` shows Okta's one message. */
export function signInPage({ login, failed }: { login: string; failed: boolean }): string {
  return page(
    failed ? 'Unable to sign in - Okta twin' : 'Sign in - Okta twin',
    `<h1>Sign in</h1>
  ${failed ? '<p class="error" role="alert" id="problem">Unable to sign in</p>' : ''}
  <form method="post">
    <label for="username">Username</label>
    <input id="username" name="username" type="text" autocomplete="username" autocapitalize="none" spellcheck="false"
      required value="${escape(login)}"${failed ? ' aria-describedby="problem"' : ''}${login === '' ? ' autofocus' : ''}>
    <label for="password">Password</label>
    <input id="password" name="password" type="password" autocomplete="current-password" required${
      login === '' ? '' : ' autofocus'
    }>
    <button type="submit">Sign in</button>
  </form>`,
  );
}

/** Okta's own page for errors that it does not send back to the app. */
export function errorPage(status: number, text: string): string {
  const title = status >= 500 ? `${status} Server Error` : `${status} Bad Request`;
  return page(
    `${title} - Okta twin`,
    `<h1>${title}</h1>
  <p>Your request resulted in an error. ${escape(text)}</p>`,
  );
}

/** The page after a sign-out without an address to return to. */
export function signedOutPage(): string {
  return page(
    'Signed out - Okta twin',
    '<h1>Signed out</h1>\n  <p>To sign in again, start from your app.</p>',
  );
}

/** `response_mode=form_post`: a form that submits itself, or by its button. */
export function formPostPage(action: string, fields: Readonly<Record<string, string>>): string {
  const inputs = Object.entries(fields)
    .map(([name, value]) => `<input type="hidden" name="${escape(name)}" value="${escape(value)}">`)
    .join('\n    ');
  return page(
    'Back to the app - Okta twin',
    `<form method="post" action="${escape(action)}">
    ${inputs}
    <noscript><button type="submit">Continue</button></noscript>
  </form>
  <script>document.forms[0].submit();</script>`,
  );
}
