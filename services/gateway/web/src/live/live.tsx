import { createContext, type ReactNode, useContext, useEffect, useRef, useState, useSyncExternalStore } from "react";
import { LiveHub, type LiveState, type Surroundings } from "./hub";
import { connect, type LiveMessage } from "./stream";

export type { LiveState } from "./hub";
export type { LiveMessage } from "./stream";

const Context = createContext<LiveHub | null>(null);
const NOT_YET: LiveState = { standing: "connecting", caughtUp: 0, secondsBehind: 0 };

const browser: Surroundings = {
  connect,
  alone: async (name, lead, signal) => {
    await navigator.locks.request(name, { signal }, lead);
  },
  channel: name => new BroadcastChannel(name),
  beat: 250,
  firstPause: 1000,
  longestPause: 15_000,
};

/** The live connection of everything inside; one for all tabs of the person. Without a person there is none. */
export function LiveProvider({ person, children }: { person: string | undefined; children: ReactNode }) {
  const [hub, setHub] = useState<LiveHub | null>(null);
  useEffect(() => {
    if (person === undefined) {
      return;
    }
    const opened = new LiveHub(`kam-live-${person}`, browser);
    setHub(opened);
    return () => opened.close();
  }, [person]);
  return <Context value={hub}>{children}</Context>;
}

/**
 * Live messages in bundles, at most four a second. `reset` means that some may be missing: read everything anew. The
 * listener may change with every render.
 */
export function useLive(listener: (messages: readonly LiveMessage[]) => void): void {
  const hub = useContext(Context);
  const latest = useRef(listener);
  useEffect(() => {
    latest.current = listener;
  });
  useEffect(() => hub?.listen(messages => latest.current(messages)), [hub]);
}

export function useLiveState(): LiveState {
  const hub = useContext(Context);
  return useSyncExternalStore(
    watcher => hub?.watch(watcher) ?? (() => undefined),
    () => hub?.state ?? NOT_YET,
  );
}
