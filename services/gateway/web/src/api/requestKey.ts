/**
 * A name for a request that changes something (`Idempotency-Key`): sent again under the same name it changes nothing
 * more. Not `crypto.randomUUID`, which a page served without TLS does not have.
 */
export function requestKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, byte => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * Keys of a place that asks and may ask again: the same asked again is the same request until it is done, so that what
 * was saved and its answer lost is not refused, nor done twice.
 */
export function requestKeys(): { of: (...asked: unknown[]) => string; done: (key: string) => void } {
  let held = { body: "", key: "" };
  return {
    of: (...asked) => {
      const body = JSON.stringify(asked);
      if (held.body !== body) {
        held = { body, key: requestKey() };
      }
      return held.key;
    },
    done: key => {
      if (held.key === key) {
        held = { body: "", key: "" };
      }
    },
  };
}
