import type { ServerResponse } from 'node:http';
import type { Places } from './tally.ts';

declare module 'node:http' {
  interface IncomingMessage {
    /** The places that the request takes while it is being handled. */
    place?: Place;
  }
}

interface Seat {
  readonly places: Places;
  readonly key: string;
  leave: () => void;
}

/**
 * The places of one request: returned when its response is sent, and lent to others while it only waits for a change.
 */
export class Place {
  private readonly seats: Seat[] = [];
  private isOver = false;

  constructor(res: ServerResponse) {
    res.once('close', () => {
      this.isOver = true;
      this.lend();
    });
  }

  /** Takes one more place; false when there is none. */
  take(places: Places, key: string): boolean {
    const leave = places.take(key);
    if (leave === null) return false;
    if (this.isOver) leave();
    else this.seats.push({ places, key, leave });
    return true;
  }

  /** Returns the places while the request waits and no work is done for it. */
  lend(): void {
    for (const seat of this.seats) seat.leave();
  }

  /** Takes the places again, even when none is left: refusing a request that has waited would waste its wait. */
  reclaim(): void {
    if (this.isOver) return;
    for (const seat of this.seats) {
      seat.leave();
      seat.leave = seat.places.add(seat.key);
    }
  }
}
