/**
 * A name for a request that changes something (`Idempotency-Key`): sent again under the same name it changes nothing
 * more. Not `crypto.randomUUID`, which a page served without TLS does not have.
 */
export function requestKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, byte => byte.toString(16).padStart(2, "0")).join("");
}
