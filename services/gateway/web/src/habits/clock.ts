import { useSyncExternalStore } from "react";

/**
 * Business time for the whole page. The server says what its business clock shows; between two answers it goes on here,
 * unless it stands still until the feed moves it.
 */
interface Reading {
  /** Business time minus this browser's, in ms. */
  offset: number;
  /** Set while the clock only moves with the feed. */
  stands?: number;
}

let reading: Reading = { offset: 0 };

export function setBusinessClock(business: number | null, moves: boolean): void {
  if (business !== null && Number.isFinite(business)) {
    reading = moves ? { offset: business - Date.now() } : { offset: 0, stands: business };
  }
}

export function businessNow(): number {
  return reading.stands ?? Date.now() + reading.offset;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const subscribers = new Map<number, Set<() => void>>();

/** Business time that renders anew every `every` ms, one timer for all who ask the same; rounded down to it. */
export function useNow(every: number = 15 * SECOND): number {
  return useSyncExternalStore(
    listener => tick(every, listener),
    () => Math.floor(businessNow() / every) * every,
  );
}

/** This machine's time by the minute: for what people and jobs did, whose times are not the business clock's. */
export function useSystemNow(): number {
  return useSyncExternalStore(
    listener => tick(MINUTE, listener),
    () => Math.floor(Date.now() / MINUTE) * MINUTE,
  );
}

function tick(every: number, listener: () => void): () => void {
  let listeners = subscribers.get(every);
  if (!listeners) {
    listeners = new Set();
    subscribers.set(every, listeners);
    const group = listeners;
    const timer = setInterval(() => {
      if (group.size === 0) {
        clearInterval(timer);
        subscribers.delete(every);
      }
      for (const each of group) {
        each();
      }
    }, every);
  }
  const group = listeners;
  group.add(listener);
  return () => group.delete(listener);
}
