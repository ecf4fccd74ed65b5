import { EventSourceParserStream } from "eventsource-parser/stream";
import { OWN_REQUEST } from "@/api/transport";

export interface LiveMessage {
  /** Position in the gateway's projection. */
  id: string;
  /** What it is about, `message` where the server names nothing. */
  event: string;
  data: unknown;
}

export interface Listener {
  open: () => void;
  message: (message: LiveMessage) => void;
}

/** Opens the stream behind `lastId` and resolves when it ends; rejects when it breaks, is refused or falls silent. */
export type Connect = (lastId: string | undefined, listener: Listener, signal: AbortSignal) => Promise<void>;

/** Silence after which a connection is taken for dead, in ms; the server says every five seconds where it stands. */
const SILENCE_MS = 15_000;

/**
 * Server-sent events by `fetch`: unlike `EventSource`, it can say after which message a *new* connection goes on, so that
 * another tab can take over where one was closed.
 */
export const connect: Connect = async (lastId, listener, signal) => {
  const silent = new AbortController();
  const response = await fetch("/v1/live", {
    headers: { ...OWN_REQUEST, Accept: "text/event-stream", ...(lastId ? { "Last-Event-ID": lastId } : {}) },
    signal: AbortSignal.any([signal, silent.signal]),
    cache: "no-store",
  });
  if (!response.ok || !response.body) {
    throw new Error(`live: ${response.status}`);
  }
  let watch = setTimeout(() => silent.abort(), SILENCE_MS);
  const alive = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      clearTimeout(watch);
      watch = setTimeout(() => silent.abort(), SILENCE_MS);
      controller.enqueue(chunk);
    },
  });
  listener.open();
  try {
    const events = response.body
      .pipeThrough(alive)
      .pipeThrough(new TextDecoderStream() as unknown as TransformStream<Uint8Array, string>)
      .pipeThrough(new EventSourceParserStream({ maxBufferSize: 1 << 20 }))
      .getReader();
    for (;;) {
      const { done, value } = await events.read();
      if (done) {
        return;
      }
      listener.message({ id: value.id ?? "", event: value.event ?? "message", data: parsed(value.data) });
    }
  } finally {
    clearTimeout(watch);
    silent.abort();
  }
};

/** A message that is no JSON is passed on as text: whoever understands it may use it. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
