import type { Response } from 'express';
import type { Places } from './tally.ts';

declare module 'express-serve-static-core' {
  interface Request {
    /** What the request holds while it is worked on. */
    place?: Place;
  }
}

interface Seat {
  readonly places: Places;
  readonly key: string;
  leave: () => void;
}

/** The places of one request: returned when its answer is out, and lent to others while it only waits for news. */
export class Place {
  private readonly seats: Seat[] = [];
  private isOver = false;

  constructor(res: Response) {
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

  /** Waits without a place: nothing is done for the request meanwhile. */
  lend(): void {
    for (const seat of this.seats) seat.leave();
  }

  /** Back to work. Its place is taken even if there is none left: turning away who has waited would waste the wait. */
  reclaim(): void {
    if (this.isOver) return;
    for (const seat of this.seats) {
      seat.leave();
      seat.leave = seat.places.add(seat.key);
    }
  }
}
