import http from 'node:http';

/** The median. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** One GET on a kept connection, with its body read to the end. */
export function get(
  url: string,
  headers: Record<string, string>,
  agent: http.Agent,
): Promise<{ status: number; headers: http.IncomingHttpHeaders; body: string }> {
  return new Promise((resolve, reject) => {
    http
      .get(url, { headers, agent }, (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (body += chunk));
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
        );
        response.on('error', reject);
      })
      .on('error', reject);
  });
}

/**
 * The requests per second that `connections` clients get answered in `ms`, with several addresses in turn; every
 * response must have `status`.
 */
export async function rate(
  urls: string | readonly string[],
  headers: Record<string, string>,
  { connections, ms, status }: { connections: number; ms: number; status: number },
): Promise<number> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: connections });
  const end = performance.now() + ms;
  const began = performance.now();
  const addresses = [urls].flat();
  let next = 0;
  const client = async () => {
    let answered = 0;
    for (; performance.now() < end; answered++) {
      const url = addresses[next++ % addresses.length]!;
      const answer = await get(url, headers, agent);
      if (answer.status !== status)
        throw new Error(`${url} answered ${answer.status} instead of ${status}: ${answer.body}`);
    }
    return answered;
  };
  const counts = await Promise.all(Array.from({ length: connections }, client));
  agent.destroy();
  return counts.reduce((sum, count) => sum + count, 0) / ((performance.now() - began) / 1000);
}
