/*
 * Follows a request over the JSON API: each answer is held until something changes, so the page hardly asks. It then shows
 * the new state by loading itself again; without scripts a refresh in the head does the same every two seconds.
 */
const place = document.querySelector('[data-request]');
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const slow = place.querySelector('[data-field="slow"]');
let etag;
for (;;) {
  try {
    const headers = { accept: 'application/json', prefer: 'wait=10' };
    if (etag) headers['if-none-match'] = etag;
    const began = Date.now();
    const answer = await fetch('/v1/provisioning-requests/' + place.dataset.request, {
      headers,
      cache: 'no-store',
    });
    if (answer.status === 200) {
      etag = answer.headers.get('etag');
      const request = await answer.json();
      if (request.error) slow.hidden = false;
      if (request.finishedAt) break;
    } else if (answer.status !== 304) {
      await pause(2000);
      break;
    }
    if (Date.now() - began < 500) await pause(500);
  } catch {
    await pause(2000);
  }
}
location.reload();
