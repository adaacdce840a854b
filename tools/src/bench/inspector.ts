import { z } from 'zod';

/** The memory that a process holds after a forced garbage collection, in bytes. */
export interface Held {
  readonly rss: number;
  readonly heapUsed: number;
}

const Usage = z.object({ rss: z.number(), heapUsed: z.number() });
const Answer = z.object({
  id: z.number().optional(),
  result: z.object({ result: z.object({ value: z.string() }).optional() }).optional(),
  error: z.object({ message: z.string() }).optional(),
});
type Answer = z.infer<typeof Answer>;

/**
 * A process that runs with `--inspect`, observed through Node's own debugging protocol: it collects its garbage and
 * reports what is left, without any code of its own for that.
 */
export async function heldBy(inspectPort: number): Promise<Held> {
  const response = await fetch(`http://127.0.0.1:${inspectPort}/json/list`);
  const [target] = z.array(z.object({ webSocketDebuggerUrl: z.string() })).parse(await response.json());
  if (target === undefined) throw new Error(`Nothing can be inspected on port ${inspectPort}.`);
  const socket = new WebSocket(target.webSocketDebuggerUrl);
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener('open', () => resolve(), { once: true });
    socket.addEventListener('error', () => reject(new Error(`Port ${inspectPort} cannot be inspected.`)), {
      once: true,
    });
  });
  try {
    // Collects twice: the second collection frees what the first one finalizes.
    await ask(socket, 1, 'HeapProfiler.collectGarbage');
    await ask(socket, 2, 'HeapProfiler.collectGarbage');
    const said = await ask(socket, 3, 'Runtime.evaluate', {
      expression: 'JSON.stringify(process.memoryUsage())',
    });
    return Usage.parse(JSON.parse(said.result?.result?.value ?? '{}'));
  } finally {
    socket.close();
  }
}

function ask(socket: WebSocket, id: number, method: string, params: object = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const hear = (event: MessageEvent): void => {
      const answer = Answer.parse(JSON.parse(String(event.data)));
      if (answer.id !== id) return;
      socket.removeEventListener('message', hear);
      if (answer.error) reject(new Error(`${method}: ${answer.error.message}`));
      else resolve(answer);
    };
    socket.addEventListener('message', hear);
    socket.send(JSON.stringify({ id, method, params }));
  });
}
