import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { LiveHub, type Surroundings } from "./hub";
import type { Listener, LiveMessage } from "./stream";

/** A browser in a dictionary: tabs that hear each other, one lock, and a server whose connections the test holds. */
class World {
  connections: { lastId: string | undefined; listener: Listener; end: () => void; broken: (e: Error) => void }[] = [];
  private channels: { onmessage: ((event: MessageEvent) => void) | null }[] = [];
  private queue: Promise<void> = Promise.resolve();
  /** Tabs that sleep hear nothing. */
  asleep = new Set<object>();

  readonly around: Surroundings = {
    connect: (lastId, listener, signal) =>
      new Promise((end, broken) => {
        this.connections.push({ lastId, listener, end, broken });
        signal.addEventListener("abort", () => broken(new Error("aborted")));
      }),
    alone: (_, lead, signal) => {
      this.queue = this.queue.then(() => (signal.aborted ? undefined : lead()));
      return this.queue;
    },
    channel: () => {
      const own = {
        onmessage: null as ((event: MessageEvent) => void) | null,
        postMessage: (data: unknown) => {
          for (const other of this.channels.filter(each => each !== own && !this.asleep.has(each))) {
            other.onmessage?.({ data: structuredClone(data) } as MessageEvent);
          }
        },
        close: () => this.channels.splice(this.channels.indexOf(own), 1),
      };
      this.channels.push(own);
      return own as unknown as BroadcastChannel;
    },
    beat: 10,
    firstPause: 100,
    longestPause: 1000,
  };

  tab(): { hub: LiveHub; heard: string[] } {
    const hub = new LiveHub("live", this.around);
    const heard: string[] = [];
    hub.listen(messages => heard.push(...messages.map(message => message.id || message.event)));
    return { hub, heard };
  }

  get latest(): World["connections"][number] {
    return this.connections.at(-1) as World["connections"][number];
  }

  sleepOfTab(at: number): void {
    this.asleep.add(this.channels[at] as object);
  }
}

const message = (id: number): LiveMessage => ({ id: String(id), event: "alert", data: { n: id } });
const settle = (ms = 50): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

describe("the live connection", () => {
  let world: World;
  beforeEach(() => {
    vi.useFakeTimers();
    world = new World();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("is one for all tabs, and each tab hears everything once", async () => {
    const [one, two] = [world.tab(), world.tab()];
    await settle();
    expect(world.connections).toHaveLength(1);
    world.latest.listener.open();
    for (const id of [1, 2, 3]) {
      world.latest.listener.message(message(id));
    }
    await settle();
    expect([one.heard, two.heard]).toEqual([
      ["1", "2", "3"],
      ["1", "2", "3"],
    ]);
    expect(two.hub.state.standing).toBe("live");
  });

  it("goes on in another tab where the first was closed, behind the last message", async () => {
    const [one, two] = [world.tab(), world.tab()];
    await settle();
    world.latest.listener.open();
    world.latest.listener.message(message(7));
    one.hub.close();
    await settle();
    expect(world.connections).toHaveLength(2);
    expect(world.latest.lastId).toBe("7");
    world.latest.listener.open();
    world.latest.listener.message(message(8));
    await settle();
    expect(two.heard).toEqual(["7", "8"]);
  });

  it("comes back after a break and says how much it caught up", async () => {
    const { hub, heard } = world.tab();
    await settle();
    world.latest.listener.open();
    world.latest.listener.message(message(1));
    world.latest.broken(new Error("cable"));
    await settle(10);
    expect(hub.state.standing).toBe("offline");
    await settle(200);
    expect(world.latest.lastId).toBe("1");
    world.latest.listener.open();
    for (const id of [2, 3, 4]) {
      world.latest.listener.message(message(id));
    }
    await settle(500);
    expect(hub.state).toMatchObject({ standing: "live", caughtUp: 3, offlineSince: undefined });
    expect(heard).toEqual(["1", "2", "3", "4"]);
  });

  it("waits longer after each failure", async () => {
    world.tab();
    await settle();
    for (let n = 0; n < 5; n += 1) {
      world.latest.broken(new Error("away"));
      await settle(Math.min(60 * 2 ** n, 700));
      expect(world.connections).toHaveLength(n + 1);
      await settle(1300);
      expect(world.connections).toHaveLength(n + 2);
    }
  });

  it("tells a tab that slept to read everything anew", async () => {
    const [, two] = [world.tab(), world.tab()];
    await settle();
    world.latest.listener.open();
    world.latest.listener.message(message(1));
    world.sleepOfTab(1);
    world.latest.listener.message(message(2));
    world.asleep.clear();
    world.latest.listener.message(message(3));
    await settle();
    expect(two.heard).toEqual(["1", "reset", "3"]);
  });

  it("tells a tab that was opened later how things stand", async () => {
    world.tab();
    await settle();
    world.latest.listener.open();
    world.latest.listener.message(message(5));
    world.latest.listener.message({ id: "", event: "time", data: { seconds_behind: 42 } });
    world.latest.broken(new Error("cable"));
    await settle(10);
    const late = world.tab();
    expect(late.hub.state).toMatchObject({ standing: "offline", secondsBehind: 42 });
    await settle(200);
    world.latest.listener.open();
    world.latest.listener.message(message(6));
    await settle();
    expect(late.heard).toEqual(["6"]);
  });
});
