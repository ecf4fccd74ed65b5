import { readFileSync } from "node:fs";
import { afterEach, describe, expect, it, vi } from "vitest";
import { connect, type LiveMessage } from "./stream";

/** What the gateway sends; a test of the gateway compares it with this file (`tests/gateway/test_live.py`). */
const RECORDED = readFileSync("src/live/recorded.txt");

/** The bytes in pieces that break wherever the network breaks them. */
function inPieces(bytes: Uint8Array, size: number): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (let at = 0; at < bytes.length; at += size) {
        controller.enqueue(bytes.slice(at, at + size));
      }
      controller.close();
    },
  });
}

async function heard(size: number, lastId?: string): Promise<{ messages: LiveMessage[]; asked: Headers }> {
  const messages: LiveMessage[] = [];
  const fetch = vi.fn(async (_: string, __: RequestInit) => new Response(inPieces(RECORDED, size)));
  vi.stubGlobal("fetch", fetch);
  const listener = { open: () => undefined, message: (message: LiveMessage) => messages.push(message) };
  await connect(lastId, listener, new AbortController().signal);
  return { messages, asked: new Headers(fetch.mock.calls[0]?.[1].headers) };
}

describe("the stream of the gateway", () => {
  afterEach(() => vi.unstubAllGlobals());

  it("reads as messages with the place behind which another connection goes on", async () => {
    const { messages, asked } = await heard(RECORDED.length, "0123456789abcdef-2");
    expect(asked.get("Last-Event-ID")).toBe("0123456789abcdef-2");
    expect(messages.map(({ event, id }) => [event, id.split("-")[1]])).toEqual([
      ["position", undefined],
      ["reset", "3"],
      ["alerts", "5"],
      ["work", "7"],
      ["alerts", "8"],
      ["sms", "10"],
    ]);
    expect(messages[0]?.data).toMatchObject({ seconds_behind: 0.5 });
    expect(messages[4]?.data).toMatchObject({ alert_id: "a1", work_id: "w1", customer_name: "王小明" });
  });

  it.each([1, 7, 100])("reads the same where it breaks after every %d bytes, also within a character", async size => {
    expect((await heard(size)).messages).toEqual((await heard(RECORDED.length)).messages);
  });
});
