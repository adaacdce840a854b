import http from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';

/**
 * A thread of its own, because the one that sends the crowd is busy: asks for `workerData.url` again and again, and
 * answers each message with the milliseconds that each response took since the last one.
 */
const url = new URL((workerData as { url: string }).url);
const EVERY_MS = 20;
let taken: number[] = [];

parentPort!.on('message', () => {
  parentPort!.postMessage(taken);
  taken = [];
});

const once = (): Promise<void> =>
  new Promise((resolve, reject) => {
    http
      .get(url, { agent: false }, (response) => response.resume().on('end', resolve).on('error', reject))
      .on('error', reject);
  });

for (;;) {
  const begun = performance.now();
  await once();
  taken.push(performance.now() - begun);
  await pause(EVERY_MS);
}
