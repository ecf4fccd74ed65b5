import type { Connect, LiveMessage } from "./stream";

export type Standing = "connecting" | "live" | "offline";

export interface LiveState {
  standing: Standing;
  /** Messages that came at once when the connection was back; 0 otherwise. */
  caughtUp: number;
  /** When the connection was lost, in ms. */
  offlineSince?: number;
  /** How far the gateway's projection is behind, in seconds, as it said last. */
  secondsBehind: number;
}

/** What tabs say to each other. `previous`: the id before this message, by which a tab sees that it missed one. */
type Note =
  | { type: "message"; previous: string | undefined; message: LiveMessage }
  | { type: "state"; state: LiveState; last: string | undefined }
  | { type: "hello" };

/** What the browser gives; tests hand in their own. */
export interface Surroundings {
  connect: Connect;
  /** Runs `lead` while this tab alone holds the name; another tab gets it when `lead` ends or the tab closes. */
  alone: (name: string, lead: () => Promise<void>, signal: AbortSignal) => Promise<void>;
  channel: (name: string) => Pick<BroadcastChannel, "postMessage" | "onmessage" | "close">;
  /** Pause in ms between messages and those who listen: at most four repaints a second. */
  beat: number;
  /** First pause in ms before a broken connection is tried again; doubles up to `longestPause`. */
  firstPause: number;
  longestPause: number;
}

const FIRST: LiveState = { standing: "connecting", caughtUp: 0, secondsBehind: 0 };
/** Quiet in ms after which what was missed has been read. */
const QUIET_MS = 400;
const RESET: LiveMessage = { id: "", event: "reset", data: null };

/**
 * One connection for all tabs of a person: the tab that holds the lock reads and tells the others. Each tab remembers the
 * last message it has seen: it drops repeats, asks for everything anew (`reset`) where one is missing, and goes on behind it
 * where it takes over.
 */
export class LiveHub {
  private readonly channel;
  private readonly stopping = new AbortController();
  private readonly listeners = new Set<(messages: readonly LiveMessage[]) => void>();
  private readonly watchers = new Set<() => void>();
  private last: string | undefined;
  private waiting: LiveMessage[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;
  private isLeading = false;
  state: LiveState = FIRST;

  constructor(
    name: string,
    private readonly around: Surroundings,
  ) {
    this.channel = around.channel(name);
    this.channel.onmessage = (event: MessageEvent) => this.hear(event.data as Note);
    this.tellOthers({ type: "hello" });
    around.alone(name, () => this.lead(), this.stopping.signal).catch(() => undefined);
  }

  /** Messages in order, in bundles; returns how to stop listening. */
  listen(listener: (messages: readonly LiveMessage[]) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  watch(watcher: () => void): () => void {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }

  close(): void {
    this.stopping.abort();
    clearTimeout(this.timer);
    this.channel.close();
    this.listeners.clear();
    this.watchers.clear();
  }

  // --- the tab that reads ----------------------------------------------------------------------------------------

  private async lead(): Promise<void> {
    this.isLeading = true;
    const { signal } = this.stopping;
    let pause = this.around.firstPause;
    while (!signal.aborted) {
      let burst: Burst | undefined;
      try {
        await this.around.connect(
          this.last,
          {
            open: () => {
              pause = this.around.firstPause;
              burst = this.state.standing === "offline" ? new Burst(n => this.become({ caughtUp: n })) : undefined;
              this.become({ standing: "live", caughtUp: 0, offlineSince: undefined });
            },
            message: message => {
              burst?.count(message);
              this.pass(message);
            },
          },
          signal,
        );
      } catch {
        // Refused, broken or silent: all the same to who waits for it.
      }
      burst?.end();
      if (signal.aborted) {
        return;
      }
      this.become({ standing: "offline", offlineSince: this.state.offlineSince ?? Date.now() });
      await sleep(pause * (0.75 + Math.random() / 2), signal);
      pause = Math.min(pause * 2, this.around.longestPause);
    }
  }

  private pass(message: LiveMessage): void {
    const previous = this.last;
    this.take(message);
    this.tellOthers({ type: "message", previous, message });
  }

  private become(change: Partial<LiveState>): void {
    this.setState({ ...this.state, ...change });
    this.tellOthers({ type: "state", state: this.state, last: this.last });
  }

  // --- the others ------------------------------------------------------------------------------------------------

  private hear(note: Note): void {
    if (note.type === "hello") {
      if (this.isLeading) {
        this.tellOthers({ type: "state", state: this.state, last: this.last });
      }
    } else if (note.type === "state") {
      this.last ??= note.last;
      this.setState(note.state);
    } else if (this.last !== undefined && note.previous !== this.last && note.message.id !== this.last) {
      this.take(RESET);
      this.take(note.message);
    } else if (note.message.id === "" || note.message.id !== this.last) {
      this.take(note.message);
    }
  }

  // --- every tab -------------------------------------------------------------------------------------------------

  private take(message: LiveMessage): void {
    if (message.id) {
      this.last = message.id;
    }
    const behind = (message.data as { seconds_behind?: unknown } | null)?.seconds_behind;
    if (typeof behind === "number") {
      this.setState({ ...this.state, secondsBehind: behind });
    }
    this.waiting.push(message);
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      const bundle = this.waiting;
      this.waiting = [];
      for (const listener of this.listeners) {
        listener(bundle);
      }
    }, this.around.beat);
  }

  private setState(state: LiveState): void {
    this.state = state;
    for (const watcher of this.watchers) {
      watcher();
    }
  }

  private tellOthers(note: Note): void {
    if (!this.stopping.signal.aborted) {
      this.channel.postMessage(note);
    }
  }
}

/** Counts what comes at once after a pause. */
class Burst {
  private n = 0;
  private timer: ReturnType<typeof setTimeout>;

  constructor(private readonly done: (n: number) => void) {
    this.timer = setTimeout(() => this.end(), QUIET_MS);
  }

  count(message: LiveMessage): void {
    clearTimeout(this.timer);
    this.n += message.id ? 1 : 0;
    this.timer = setTimeout(() => this.end(), QUIET_MS);
  }

  end(): void {
    clearTimeout(this.timer);
    if (this.n > 0) {
      this.done(this.n);
    }
    this.n = 0;
  }
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
  });
}
